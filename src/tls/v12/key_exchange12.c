/* ISC license. */

/* ServerKeyExchange and ClientKeyExchange of ECDHE in TLS 1.2 (RFC 8422, 5.4 and 5.7). */

#include <string.h>

#include "tls/v12/v12.h"

#define NAMED_CURVE 3
#define MAX_PARAMS (4 + CRYPTO_MAX_CURVE_SHARE)

/* The server signs both randoms and its parameters. */
static void params_digest(struct handshake const *hs, enum crypto_hash hash, struct span params,
                          unsigned char *digest)
{
    unsigned char content[32 + 32 + MAX_PARAMS];
    memcpy(content, hs->client_random, 32);
    memcpy(content + 32, hs->server_random, 32);
    memcpy(content + 64, params.p, params.len);
    crypto_hash(hash, content, 64 + params.len, digest);
}

int tls_write_server_key_exchange(struct handshake *hs)
{
    struct writer *w = tls_begin_message(hs, TLS_SERVER_KEY_EXCHANGE);
    unsigned char digest[CRYPTO_MAX_HASH];
    size_t const start = w->len;

    tls_write8(w, NAMED_CURVE);
    tls_write16(w, hs->share.group);
    tls_write8(w, (unsigned int)hs->share.public_len);
    tls_write_bytes(w, hs->share.public_key, hs->share.public_len);
    params_digest(hs, hs->scheme->hash, (struct span){ w->p + start, w->len - start }, digest);
    return tls_write_signature(hs, w, digest) && tls_end_message(hs);
}

int tls_read_server_key_exchange(struct handshake *hs, struct message const *m, struct span *peer_share)
{
    struct reader r = tls_reader_on(m->body);
    struct crypto_scheme const *scheme;
    struct span signature;
    unsigned char digest[CRYPTO_MAX_HASH];

    unsigned int const curve_type = tls_read8(&r), group = tls_read16(&r);
    *peer_share = tls_read_vector8(&r);
    struct span const params = { m->body.p, m->body.len - r.left };
    if (r.bad) return tls_fail(hs, TLS_DECODE_ERROR, "malformed ServerKeyExchange");
    if (curve_type != NAMED_CURVE || !tls_has_group(hs, group) || crypto_group_is_hybrid((uint16_t)group))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the server chose a group that was not offered");
    if (peer_share->len != crypto_share_size((uint16_t)group))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "wrong length of the key share");
    if (!tls_read_signature(hs, &r, &scheme, &signature)) return 0;
    params_digest(hs, scheme->hash, params, digest);
    if (!tls_check_signature(hs, scheme, digest, signature)) return 0;
    return tls_make_share(hs, (uint16_t)group);
}

/* Call after ClientKeyExchange was added to the transcript. */
static int agree(struct handshake *hs, struct span peer_share)
{
    unsigned char premaster[CRYPTO_MAX_SHARED_SECRET];
    size_t const len = crypto_share_agree(&hs->share, hs->share.group, peer_share.p, peer_share.len, premaster);
    if (!len) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "invalid key share");
    tls_derive_master(hs, premaster, len);
    crypto_wipe(premaster, sizeof premaster);
    crypto_wipe(&hs->share, sizeof hs->share);
    tls_derive_keys12(hs);
    return 1;
}

int tls_write_client_key_exchange(struct handshake *hs, struct span peer_share)
{
    struct writer *w = tls_begin_message(hs, TLS_CLIENT_KEY_EXCHANGE);
    tls_write8(w, (unsigned int)hs->share.public_len);
    tls_write_bytes(w, hs->share.public_key, hs->share.public_len);
    return tls_end_message(hs) && agree(hs, peer_share);
}

int tls_read_client_key_exchange(struct handshake *hs)
{
    struct message m;
    struct span peer_share;
    if (!tls_expect_message(hs, TLS_CLIENT_KEY_EXCHANGE, &m)) return 0;
    if (!tls_only_vector(m.body, 1, &peer_share) || !peer_share.len)
        return tls_fail(hs, TLS_DECODE_ERROR, "malformed ClientKeyExchange");
    tls_add_to_transcript(hs, &m);
    return agree(hs, peer_share);
}
