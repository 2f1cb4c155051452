/* ISC license. */

#include <string.h>

#include "crypto/hashes.h"

static struct {
    br_hash_class const *class;
    unsigned char const *oid;
    int id;
    size_t size;
} const hashes[] = {
    [CRYPTO_SHA256] = { &br_sha256_vtable, BR_HASH_OID_SHA256, br_sha256_ID, 32 },
    [CRYPTO_SHA384] = { &br_sha384_vtable, BR_HASH_OID_SHA384, br_sha384_ID, 48 },
    [CRYPTO_SHA512] = { &br_sha512_vtable, BR_HASH_OID_SHA512, br_sha512_ID, 64 },
};

br_hash_class const *crypto_hash_class(enum crypto_hash hash)
{
    return hashes[hash].class;
}

unsigned char const *crypto_hash_oid(enum crypto_hash hash)
{
    return hashes[hash].oid;
}

size_t crypto_hash_size(enum crypto_hash hash)
{
    return hashes[hash].size;
}

void crypto_hash(enum crypto_hash hash, void const *data, size_t len, unsigned char *out)
{
    br_hash_compat_context ctx;
    hashes[hash].class->init(&ctx.vtable);
    hashes[hash].class->update(&ctx.vtable, data, len);
    hashes[hash].class->out(&ctx.vtable, out);
    crypto_wipe(&ctx, sizeof ctx);
}

_Static_assert(sizeof(br_multihash_context) <= sizeof((struct crypto_transcript *)0)->opaque,
               "a transcript holds BearSSL's multihash");

void crypto_transcript_init(struct crypto_transcript *transcript)
{
    br_multihash_context *multihash = (br_multihash_context *)(void *)transcript->opaque;
    br_multihash_zero(multihash);
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        br_multihash_setimpl(multihash, hashes[i].id, hashes[i].class);
    br_multihash_init(multihash);
}

void crypto_transcript_add(struct crypto_transcript *transcript, void const *data, size_t len)
{
    br_multihash_update((br_multihash_context *)(void *)transcript->opaque, data, len);
}

size_t crypto_transcript_hash(struct crypto_transcript const *transcript, enum crypto_hash hash,
                              unsigned char *out)
{
    return br_multihash_out((br_multihash_context const *)(void const *)transcript->opaque, hashes[hash].id,
                            out);
}

void crypto_hmac(enum crypto_hash hash, void const *key, size_t key_len, void const *data, size_t len,
                 unsigned char *out)
{
    br_hmac_key_context key_ctx;
    br_hmac_context ctx;
    br_hmac_key_init(&key_ctx, hashes[hash].class, key, key_len);
    br_hmac_init(&ctx, &key_ctx, 0);
    br_hmac_update(&ctx, data, len);
    br_hmac_out(&ctx, out);
    crypto_wipe(&key_ctx, sizeof key_ctx);
    crypto_wipe(&ctx, sizeof ctx);
}
