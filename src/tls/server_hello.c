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

/* ---- what the client takes from an answer ---- */

int take_suite(struct handshake *hs, struct server_hello const *hello)
{
    struct crypto_suite const *before = hs->suite;
    if (hello->compression) return fail(hs, TLS_ILLEGAL_PARAMETER, "compression");
    hs->suite = NULL;
    for (size_t i = 0; i < hs->config->suite_count; i++)
        if (hs->config->suites[i] == hello->cipher_suite)
            hs->suite = crypto_suite_by_id((uint16_t)hello->cipher_suite);
    if (!hs->suite || hs->suite->version != hs->version)
        return fail(hs, TLS_ILLEGAL_PARAMETER, "a cipher suite we did not offer");
    if (before && before != hs->suite) return fail(hs, TLS_ILLEGAL_PARAMETER, "the cipher suite changed");
    return 1;
}

int take_empty_server_name(struct handshake *hs, struct extensions const *x)
{
    return !x->body[EXT_SERVER_NAME].len || fail(hs, TLS_DECODE_ERROR, "server_name should be empty");
}

/* RFC 7301, 3.1: exactly one, of those that we offered. */
int take_alpn(struct handshake *hs, struct extensions const *x)
{
    if (!HAS(x, EXT_ALPN)) return 1;
    struct reader r = reader_on(x->body[EXT_ALPN]);
    struct reader list = reader_on(read_vector16(&r));
    struct span const name = read_vector8(&list);
    if (!read_to_end(&r) || !read_to_end(&list) || !name.len)
        return fail(hs, TLS_DECODE_ERROR, "malformed ALPN answer");
    struct reader offered = reader_on((struct span){ hs->config->alpn, hs->config->alpn_len });
    while (offered.left && !offered.bad) {
        if (!span_equal(read_vector8(&offered), name)) continue;
        memcpy(hs->session->alpn, name.p, name.len);
        hs->session->alpn[name.len] = 0;
        return 1;
    }
    return fail(hs, TLS_ILLEGAL_PARAMETER, "an application protocol we did not offer");
}
