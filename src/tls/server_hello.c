/* ISC license. */

/* ServerHello and HelloRetryRequest (RFC 8446, 4.1.3 and 4.1.4; RFC 5246, 7.4.1.3). */

#include <string.h>

#include "tls/handshake.h"

/* SHA-256 of "HelloRetryRequest": the random that makes a ServerHello one. */
unsigned char const hello_retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

int parse_server_hello(struct handshake *hs, struct message const *m, struct server_hello *hello)
{
    struct reader r = reader_on(m->body);
    *hello = (struct server_hello){ .legacy_version = read16(&r) };
    hello->random = read_bytes(&r, 32);
    hello->session_id = read_vector8(&r);
    hello->cipher_suite = read16(&r);
    hello->compression = read8(&r);
    if (r.left) hello->extension_block = read_vector16(&r);
    if (!read_to_end(&r) || hello->session_id.len > 32)
        return fail(hs, TLS_DECODE_ERROR, "malformed ServerHello");
    hello->is_retry = !memcmp(hello->random.p, hello_retry_random, sizeof hello_retry_random);
    return 1;
}

struct writer *begin_server_hello(struct handshake *hs, unsigned char const *random)
{
    struct writer *w = begin_message(hs, TLS_SERVER_HELLO);
    write16(w, TLS_1_2);
    write_bytes(w, random, 32);
    write8(w, (unsigned int)hs->session_id_len);
    write_bytes(w, hs->session_id, hs->session_id_len);
    write16(w, hs->suite->id);
    write8(w, 0); /* no compression */
    return w;
}
