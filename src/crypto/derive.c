/* ISC license. */

/* Key derivation: HKDF (RFC 5869) as TLS 1.3 uses it, and the TLS 1.2 PRF. */

#include <string.h>

#include "crypto/hashes.h"

void crypto_hkdf_extract(enum crypto_hash hash, void const *salt, size_t salt_len, void const *ikm,
                         size_t ikm_len, unsigned char *out)
{
    crypto_hmac(hash, salt, salt_len, ikm, ikm_len, out);
}

/* RFC 5869, 2.3. BearSSL's br_hkdf cannot start from a PRK. */
static void hkdf_expand(enum crypto_hash hash, unsigned char const *secret, unsigned char const *info,
                        size_t info_len, unsigned char *out, size_t out_len)
{
    size_t const size = crypto_hash_size(hash);
    unsigned char block[CRYPTO_MAX_HASH];
    br_hmac_key_context key_ctx;
    br_hmac_context ctx;

    br_hmac_key_init(&key_ctx, crypto_hash_class(hash), secret, size);
    for (unsigned char i = 1; out_len; i++) {
        size_t const n = out_len < size ? out_len : size;
        br_hmac_init(&ctx, &key_ctx, 0);
        if (i > 1) br_hmac_update(&ctx, block, size);
        br_hmac_update(&ctx, info, info_len);
        br_hmac_update(&ctx, &i, 1);
        br_hmac_out(&ctx, block);
        memcpy(out, block, n);
        out += n;
        out_len -= n;
    }
    crypto_wipe(&key_ctx, sizeof key_ctx);
    crypto_wipe(&ctx, sizeof ctx);
    crypto_wipe(block, sizeof block);
}

void crypto_hkdf_expand_label(enum crypto_hash hash, unsigned char const *secret, char const *label,
                              void const *context, size_t context_len, unsigned char *out, size_t out_len)
{
    static char const prefix[] = "tls13 ";
    size_t const prefix_len = sizeof prefix - 1, label_len = strlen(label);
    unsigned char info[2 + 1 + 255 + 1 + 255];
    unsigned char *p = info;

    *p++ = (unsigned char)(out_len >> 8);
    *p++ = (unsigned char)out_len;
    *p++ = (unsigned char)(prefix_len + label_len);
    memcpy(p, prefix, prefix_len);
    p += prefix_len;
    memcpy(p, label, label_len);
    p += label_len;
    *p++ = (unsigned char)context_len;
    if (context_len) memcpy(p, context, context_len);
    p += context_len;
    hkdf_expand(hash, secret, info, (size_t)(p - info), out, out_len);
}

void crypto_tls12_prf(enum crypto_hash hash, void const *secret, size_t secret_len, char const *label,
                      void const *seed, size_t seed_len, unsigned char *out, size_t out_len)
{
    br_tls_prf_seed_chunk const chunk = { .data = seed, .len = seed_len };
    br_tls_prf_impl const prf = hash == CRYPTO_SHA384 ? &br_tls12_sha384_prf : &br_tls12_sha256_prf;
    prf(out, out_len, secret, secret_len, label, 1, &chunk);
}

void crypto_traffic_keys(struct crypto_suite const *suite, unsigned char const *secret,
                         struct ktls_traffic_keys *keys)
{
    *keys = (struct ktls_traffic_keys){ .version = suite->version, .cipher = (uint16_t)suite->cipher };
    crypto_hkdf_expand_label(suite->hash, secret, "key", NULL, 0, keys->key, crypto_key_size(suite->cipher));
    crypto_hkdf_expand_label(suite->hash, secret, "iv", NULL, 0, keys->iv, sizeof keys->iv);
}

void crypto_next_keys(struct crypto_suite const *suite, unsigned char *secret, struct ktls_traffic_keys *keys)
{
    unsigned char next[CRYPTO_MAX_HASH];
    size_t const size = crypto_hash_size(suite->hash);
    crypto_hkdf_expand_label(suite->hash, secret, "traffic upd", NULL, 0, next, size);
    memcpy(secret, next, size);
    crypto_wipe(next, sizeof next);
    crypto_traffic_keys(suite, secret, keys);
}
