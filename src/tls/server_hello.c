/* ISC license. */

/* ServerHello and HelloRetryRequest (RFC 8446, 4.1.3 and 4.1.4; RFC 5246, 7.4.1.3). */

#include <string.h>

#include "tls/handshake.h"

/* SHA-256 of "HelloRetryRequest": with this random a ServerHello is a HelloRetryRequest. */
unsigned char const tls_hello_retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

int tls_parse_server_hello(struct handshake *hs, struct message const *m, struct server_hello *hello)
{
    struct reader r = tls_reader_on(m->body);
    *hello = (struct server_hello){ .legacy_version = tls_read16(&r) };
    hello->random = tls_read_bytes(&r, 32);
    hello->session_id = tls_read_vector8(&r);
    hello->cipher_suite = tls_read16(&r);
    hello->compression = tls_read8(&r);
    if (r.left) hello->extension_block = tls_read_vector16(&r);
    if (!tls_read_to_end(&r) || hello->session_id.len > 32)
        return tls_fail(hs, TLS_DECODE_ERROR, "malformed ServerHello");
    hello->is_retry = !memcmp(hello->random.p, tls_hello_retry_random, sizeof tls_hello_retry_random);
    return 1;
}

struct writer *tls_begin_server_hello(struct handshake *hs, unsigned char const *random)
{
    struct writer *w = tls_begin_message(hs, TLS_SERVER_HELLO);
    tls_write16(w, TLS_1_2);
    tls_write_bytes(w, random, 32);
    tls_write8(w, (unsigned int)hs->session_id_len);
    tls_write_bytes(w, hs->session_id, hs->session_id_len);
    tls_write16(w, hs->suite->id);
    tls_write8(w, 0); /* no compression */
    return w;
}

/* ---- the client checks the server's choice ---- */

int tls_take_suite(struct handshake *hs, struct server_hello const *hello)
{
    struct crypto_suite const *before = hs->suite;
    if (hello->compression) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "compression");
    hs->suite = NULL;
    for (size_t i = 0; i < hs->config->suite_count; i++)
        if (hs->config->suites[i] == hello->cipher_suite)
            hs->suite = crypto_suite_by_id((uint16_t)hello->cipher_suite);
    if (!hs->suite || hs->suite->version != hs->version)
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the server chose a cipher suite that was not offered");
    if (before && before != hs->suite) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the cipher suite changed");
    return 1;
}

int tls_take_empty_server_name(struct handshake *hs, struct extensions const *x)
{
    return !x->body[EXT_SERVER_NAME].len || tls_fail(hs, TLS_DECODE_ERROR, "server_name should be empty");
}

/* RFC 7301, 3.1: the answer contains exactly one protocol, which we must have offered. */
int tls_take_alpn(struct handshake *hs, struct extensions const *x)
{
    struct span list, name;
    if (!HAS(x, EXT_ALPN)) return 1;
    if (!tls_only_vector(x->body[EXT_ALPN], 2, &list) || !tls_only_vector(list, 1, &name) || !name.len)
        return tls_fail(hs, TLS_DECODE_ERROR, "malformed ALPN answer");
    return tls_use_alpn(hs, (struct span){ hs->config->alpn, hs->config->alpn_len }, name) ||
           tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the server chose an application protocol that was not offered");
}
