/* ISC license. */

/* Extension blocks (RFC 8446, 4.2; RFC 5246, 7.4.1.4). */

#include <string.h>

#include "tls/handshake.h"

uint16_t const tls_extension_type[EXTENSIONS] = {
    [EXT_SERVER_NAME] = TLS_EXT_SERVER_NAME,
    [EXT_SUPPORTED_GROUPS] = TLS_EXT_SUPPORTED_GROUPS,
    [EXT_EC_POINT_FORMATS] = TLS_EXT_EC_POINT_FORMATS,
    [EXT_SIGNATURE_ALGORITHMS] = TLS_EXT_SIGNATURE_ALGORITHMS,
    [EXT_ALPN] = TLS_EXT_ALPN,
    [EXT_PADDING] = TLS_EXT_PADDING,
    [EXT_EXTENDED_MASTER_SECRET] = TLS_EXT_EXTENDED_MASTER_SECRET,
    [EXT_SESSION_TICKET] = TLS_EXT_SESSION_TICKET,
    [EXT_PRE_SHARED_KEY] = TLS_EXT_PRE_SHARED_KEY,
    [EXT_EARLY_DATA] = TLS_EXT_EARLY_DATA,
    [EXT_SUPPORTED_VERSIONS] = TLS_EXT_SUPPORTED_VERSIONS,
    [EXT_COOKIE] = TLS_EXT_COOKIE,
    [EXT_PSK_KEY_EXCHANGE_MODES] = TLS_EXT_PSK_KEY_EXCHANGE_MODES,
    [EXT_SIGNATURE_ALGORITHMS_CERT] = TLS_EXT_SIGNATURE_ALGORITHMS_CERT,
    [EXT_KEY_SHARE] = TLS_EXT_KEY_SHARE,
    [EXT_RENEGOTIATION_INFO] = TLS_EXT_RENEGOTIATION_INFO,
};

static enum extension index_of(uint16_t type)
{
    enum extension e = 0;
    while (e < EXTENSIONS && tls_extension_type[e] != type) e++;
    return e;
}

static int note_extension(struct extensions *x, unsigned char *seen, uint16_t type, struct span body)
{
    unsigned char const bit = (unsigned char)(1 << (type & 7));
    if (seen[type >> 3] & bit) return 0;
    seen[type >> 3] |= bit;
    enum extension const e = index_of(type);
    if (e < EXTENSIONS) x->body[e] = body;
    x->last = type;
    return 1;
}

int tls_parse_extensions(struct handshake *hs, struct span block, struct extensions *x)
{
    unsigned char seen[65536 / 8] = { 0 };
    struct reader r = tls_reader_on(block);
    memset(x, 0, sizeof *x);
    while (r.left && !r.bad) {
        uint16_t const type = (uint16_t)tls_read16(&r);
        struct span const body = tls_read_vector16(&r);
        if (!r.bad && !note_extension(x, seen, type, body))
            return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "duplicate extension");
    }
    return tls_read_to_end(&r) || tls_fail(hs, TLS_DECODE_ERROR, "malformed extensions");
}

/* Reads the ClientHello that was sent instead of the configuration, because a
   test may have replaced the hello by a foreign one. */
static int was_offered(struct handshake const *hs, uint16_t type)
{
    struct reader r = tls_reader_on((struct span){ hs->hello, hs->hello_len });
    tls_read_bytes(&r, 4 + 2 + 32);
    tls_read_vector8(&r);
    tls_read_vector16(&r);
    tls_read_vector8(&r);
    struct reader block = tls_reader_on(tls_read_vector16(&r));
    while (block.left && !block.bad) {
        unsigned int const offered = tls_read16(&block);
        tls_read_vector16(&block);
        if (offered == type && !block.bad) return 1;
    }
    return 0;
}

int tls_parse_answer(struct handshake *hs, struct span block, unsigned int allowed, struct extensions *x)
{
    if (!tls_parse_extensions(hs, block, x)) return 0;
    struct reader r = tls_reader_on(block);
    while (r.left && !r.bad) {
        uint16_t const type = (uint16_t)tls_read16(&r);
        enum extension const e = index_of(type);
        tls_read_vector16(&r);
        /* cookie is the only extension that a server may send unrequested (RFC 8446, 4.2.2). */
        if (e == EXT_COOKIE && allowed & BIT(EXT_COOKIE)) continue;
        if (!was_offered(hs, type)) return tls_fail(hs, TLS_UNSUPPORTED_EXTENSION, "extension that was not offered");
        if (e < EXTENSIONS && !(allowed & BIT(e)))
            return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "an extension in the wrong message");
    }
    return 1;
}

size_t tls_open_extension(struct writer *w, enum extension e)
{
    tls_write16(w, tls_extension_type[e]);
    return tls_open_vector(w, 2);
}

void tls_close_extension(struct writer *w, size_t mark)
{
    tls_close_vector(w, mark, 2);
}

void tls_put_extension(struct writer *w, enum extension e, size_t prefix, void const *bytes, size_t len)
{
    size_t const extension = tls_open_extension(w, e), vector = tls_open_vector(w, prefix);
    tls_write_bytes(w, bytes, len);
    if (prefix) tls_close_vector(w, vector, prefix);
    tls_close_extension(w, extension);
}

void tls_put_empty_extension(struct writer *w, enum extension e)
{
    tls_put_extension(w, e, 0, NULL, 0);
}

void tls_write_list16(struct writer *w, size_t prefix, uint16_t const *list, size_t count)
{
    size_t const vector = tls_open_vector(w, prefix);
    for (size_t i = 0; i < count; i++) tls_write16(w, list[i]);
    tls_close_vector(w, vector, prefix);
}

void tls_put_list16(struct writer *w, enum extension e, size_t prefix, uint16_t const *list, size_t count)
{
    size_t const extension = tls_open_extension(w, e);
    tls_write_list16(w, prefix, list, count);
    tls_close_extension(w, extension);
}

/* Includes PKCS#1 v1.5 in 1.3, too, where it concerns only signatures in certificates (RFC 8446, 4.2.3). */
void tls_put_scheme_extensions(struct handshake const *hs, struct writer *w)
{
    uint16_t all[CRYPTO_SCHEMES];
    for (size_t i = 0; i < CRYPTO_SCHEMES; i++) all[i] = crypto_schemes[i].id;
    tls_put_list16(w, EXT_SIGNATURE_ALGORITHMS, 2, hs->config->schemes, hs->config->scheme_count);
    if (hs->config->scheme_count < CRYPTO_SCHEMES)
        tls_put_list16(w, EXT_SIGNATURE_ALGORITHMS_CERT, 2, all, CRYPTO_SCHEMES);
}
