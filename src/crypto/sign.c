/* ISC license. */

/* Signatures by SignatureScheme (RFC 8446, 4.2.3), and key pairs. */

#include <string.h>

#include "crypto/pss.h"
#include "crypto/rsa.h"

struct crypto_scheme const crypto_schemes[CRYPTO_SCHEMES] = {
    { 0x0403, CRYPTO_EC, CRYPTO_SHA256, CRYPTO_SECP256R1, 0, "ecdsa_secp256r1_sha256" },
    { 0x0503, CRYPTO_EC, CRYPTO_SHA384, CRYPTO_SECP384R1, 0, "ecdsa_secp384r1_sha384" },
    { 0x0603, CRYPTO_EC, CRYPTO_SHA512, CRYPTO_SECP521R1, 0, "ecdsa_secp521r1_sha512" },
    { 0x0804, CRYPTO_RSA, CRYPTO_SHA256, 0, 1, "rsa_pss_rsae_sha256" },
    { 0x0805, CRYPTO_RSA, CRYPTO_SHA384, 0, 1, "rsa_pss_rsae_sha384" },
    { 0x0806, CRYPTO_RSA, CRYPTO_SHA512, 0, 1, "rsa_pss_rsae_sha512" },
    { 0x0401, CRYPTO_RSA, CRYPTO_SHA256, 0, 0, "rsa_pkcs1_sha256" },
    { 0x0501, CRYPTO_RSA, CRYPTO_SHA384, 0, 0, "rsa_pkcs1_sha384" },
    { 0x0601, CRYPTO_RSA, CRYPTO_SHA512, 0, 0, "rsa_pkcs1_sha512" },
};

struct crypto_scheme const *crypto_scheme_by_id(uint16_t id)
{
    for (size_t i = 0; i < CRYPTO_SCHEMES; i++)
        if (crypto_schemes[i].id == id) return crypto_schemes + i;
    return NULL;
}

int crypto_scheme_fits(struct crypto_scheme const *scheme, struct crypto_public_key const *key,
                       uint16_t version)
{
    if (scheme->key_type != key->type) return 0;
    if (key->type == CRYPTO_EC && !key->group) return 0;
    if (version == KTLS_TLS_1_2) return 1;
    return key->type == CRYPTO_EC ? scheme->group == key->group : scheme->pss;
}

static br_rsa_private_key rsa_private(struct crypto_private_key const *key)
{
    /* BearSSL's structure is not const, but it only reads. */
    unsigned char *p = (unsigned char *)(uintptr_t)key->data;
    unsigned char *q = p + key->p_len, *dp = q + key->q_len, *dq = dp + key->dp_len, *iq = dq + key->dq_len;
    return (br_rsa_private_key){ key->modulus_bits, p, key->p_len, q, key->q_len, dp, key->dp_len,
                                 dq, key->dq_len, iq, key->iq_len };
}

static br_rsa_public_key rsa_public_key(struct crypto_public_key const *key)
{
    unsigned char *n = (unsigned char *)(uintptr_t)key->data;
    return (br_rsa_public_key){ n, key->modulus_len, n + key->modulus_len, key->exponent_len };
}

static br_ec_private_key ec_private(struct crypto_private_key const *key)
{
    return (br_ec_private_key){ key->group, (unsigned char *)(uintptr_t)key->data, key->scalar_len };
}

static br_ec_public_key ec_public(struct crypto_public_key const *key)
{
    return (br_ec_public_key){ key->group, (unsigned char *)(uintptr_t)key->data, key->point_len };
}

static int rsa_matches(struct crypto_private_key const *private_key, struct crypto_public_key const *public_key)
{
    br_rsa_private_key const key = rsa_private(private_key);
    br_rsa_compute_modulus compute = br_rsa_compute_modulus_get_default();
    unsigned char modulus[CRYPTO_MAX_SIGNATURE];
    /* BearSSL 0.6: the 31-bit code believes 4096 bits to be too many. */
    if (!compute(NULL, &key)) compute = &br_rsa_i15_compute_modulus;
    size_t const len = compute(NULL, &key);
    if (len != public_key->modulus_len || len > sizeof modulus) return 0;
    return compute(modulus, &key) == len && crypto_equal(modulus, public_key->data, len);
}

static int ec_matches(struct crypto_private_key const *private_key, struct crypto_public_key const *public_key)
{
    br_ec_private_key const key = ec_private(private_key);
    unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
    if (private_key->group != public_key->group) return 0;
    size_t const len = br_ec_compute_pub(br_ec_get_default(), NULL, point, &key);
    return len && len == public_key->point_len && crypto_equal(point, public_key->data, len);
}

int crypto_key_matches(struct crypto_private_key const *private_key, struct crypto_public_key const *public_key)
{
    if (private_key->type != public_key->type) return 0;
    int const matches = private_key->type == CRYPTO_RSA ? rsa_matches(private_key, public_key)
                                                        : ec_matches(private_key, public_key);
    crypto_wipe_stack();
    return matches;
}

static size_t rsa_sign(struct crypto_private_key const *private_key, struct crypto_scheme const *scheme,
                       unsigned char const *digest, struct crypto_random const *random,
                       unsigned char *signature)
{
    br_rsa_private_key const key = rsa_private(private_key);
    size_t const len = (key.n_bitlen + 7) / 8;
    if (len > CRYPTO_MAX_SIGNATURE) return 0;
    int const signed_ =
        scheme->pss ? crypto_pss_sign(&key, scheme->hash, digest, random, signature)
                    : (int)br_rsa_pkcs1_sign_get_default()(crypto_hash_oid(scheme->hash), digest,
                                                           crypto_hash_size(scheme->hash), &key, signature);
    return signed_ ? len : 0;
}

static size_t ec_sign(struct crypto_private_key const *private_key, struct crypto_scheme const *scheme,
                      unsigned char const *digest, unsigned char *signature)
{
    br_ec_private_key const key = ec_private(private_key);
    return br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), crypto_hash_class(scheme->hash), digest, &key,
                                            signature);
}

/*
 * A fault in one half of an RSA signature by the Chinese remainder theorem gives
 * a factor of the modulus away to whoever sees the signature (Boneh, DeMillo,
 * Lipton), so it is verified first; that costs a thirtieth of the signature.
 * An ECDSA signature is not: verifying takes longer than signing. BearSSL's nonce
 * is deterministic (RFC 6979), where a fault gives the key away together with a
 * correct signature of the same digest; TLS never signs a digest twice, since
 * each one covers random values of both sides.
 */
static int is_sound(struct crypto_public_key const *public_key, struct crypto_scheme const *scheme,
                    unsigned char const *digest, unsigned char const *signature, size_t len)
{
    return scheme->key_type != CRYPTO_RSA || crypto_verify(public_key, scheme, digest, signature, len);
}

size_t crypto_sign(struct crypto_private_key const *key, struct crypto_public_key const *public_key,
                   struct crypto_scheme const *scheme, unsigned char const *digest,
                   struct crypto_random const *random, unsigned char signature[CRYPTO_MAX_SIGNATURE])
{
    if (key->type != scheme->key_type) return 0;
    size_t const len = key->type == CRYPTO_RSA ? rsa_sign(key, scheme, digest, random, signature)
                                               : ec_sign(key, scheme, digest, signature);
    crypto_wipe_stack();
    if (len && is_sound(public_key, scheme, digest, signature, len)) return len;
    crypto_wipe(signature, CRYPTO_MAX_SIGNATURE);
    return 0;
}

static int rsa_verify(struct crypto_public_key const *public_key, struct crypto_scheme const *scheme,
                      unsigned char const *digest, unsigned char const *signature, size_t len)
{
    br_rsa_public_key const key = rsa_public_key(public_key);
    return scheme->pss ? crypto_pss_verify(&key, scheme->hash, digest, signature, len)
                       : crypto_rsa_pkcs1_verify(&key, scheme->hash, digest, signature, len);
}

/* A DER INTEGER: positive, minimal, of short length. Returns its size or 0. */
static size_t der_integer(unsigned char const *p, size_t len)
{
    if (len < 3 || p[0] != 0x02 || p[1] == 0 || p[1] > 127 || (size_t)p[1] + 2 > len) return 0;
    if (p[2] & 0x80) return 0;
    if (p[1] > 1 && !p[2] && !(p[3] & 0x80)) return 0;
    return (size_t)p[1] + 2;
}

/* Ecdsa-Sig-Value in DER and nothing else: BearSSL is more lenient. Of P-521 its length takes two bytes. */
static int is_der_signature(unsigned char const *p, size_t len)
{
    size_t const head = len > 127 + 2 ? 3 : 2;
    if (len < 8 || len > 255 + 3 || p[0] != 0x30) return 0;
    if (p[head - 1] != len - head || (head == 3 && (p[1] != 0x81 || len - head < 128))) return 0;
    size_t const r = der_integer(p + head, len - head);
    if (!r) return 0;
    size_t const s = der_integer(p + head + r, len - head - r);
    return s && r + s == len - head;
}

int crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                  unsigned char const *digest, unsigned char const *signature, size_t len)
{
    if (key->type != scheme->key_type) return 0;
    if (key->type == CRYPTO_RSA) return rsa_verify(key, scheme, digest, signature, len);
    if (!crypto_point_is_reduced(key->group, key->data, key->point_len) || !is_der_signature(signature, len)) return 0;
    br_ec_public_key const ec = ec_public(key);
    return (int)br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(), digest, crypto_hash_size(scheme->hash),
                                                 &ec, signature, len);
}
