/* ISC license. */

#include <string.h>

#include "crypto/pss.h"
#include "crypto/rsa.h"

/*
 * EM = maskedDB || H || 0xbc, where DB = zeros || 0x01 || salt. EM has one bit
 * less than the modulus, so that its integer is smaller (RFC 8017, 9.1).
 */
struct layout {
    unsigned char *em; /* the encoded message inside the modulus-sized buffer */
    size_t db_len, hash_len;
    unsigned char top_mask; /* the bits of em[0] that may be set */
};

/* buf has the modulus' length; when its bit length is 1 modulo 8, EM is one
   byte shorter and follows a zero byte. */
static int lay_out(struct layout *l, unsigned char *buf, size_t modulus_bits, size_t hash_len)
{
    size_t const em_bits = modulus_bits - 1, em_len = (em_bits + 7) / 8, len = (modulus_bits + 7) / 8;
    if (em_len < 2 * hash_len + 2) return 0;
    l->em = buf + (len - em_len);
    l->hash_len = hash_len;
    l->db_len = em_len - hash_len - 1;
    l->top_mask = (unsigned char)(0xff >> (8 * em_len - em_bits));
    return 1;
}

/* M' = eight zero bytes || digest || salt */
static void hash_with_salt(enum crypto_hash hash, unsigned char const *digest, unsigned char const *salt,
                           unsigned char *out)
{
    size_t const size = crypto_hash_size(hash);
    unsigned char m[8 + 2 * CRYPTO_MAX_HASH] = { 0 };
    memcpy(m + 8, digest, size);
    memcpy(m + 8 + size, salt, size);
    crypto_hash(hash, m, 8 + 2 * size, out);
}

/* MGF1 (RFC 8017, B.2.1), seeded with H and applied to DB. */
static void apply_mask(struct layout const *l, enum crypto_hash hash)
{
    unsigned char input[CRYPTO_MAX_HASH + 4] = { 0 }, block[CRYPTO_MAX_HASH];
    memcpy(input, l->em + l->db_len, l->hash_len);
    for (size_t at = 0, i = 0; at < l->db_len; at += l->hash_len, i++) {
        input[l->hash_len + 3] = (unsigned char)i;
        crypto_hash(hash, input, l->hash_len + 4, block);
        for (size_t k = 0; k < l->hash_len && at + k < l->db_len; k++) l->em[at + k] ^= block[k];
    }
    l->em[0] &= l->top_mask;
}

int crypto_pss_sign(br_rsa_private_key const *key, enum crypto_hash hash, unsigned char const *digest,
             struct crypto_random const *random, unsigned char *signature)
{
    size_t const size = crypto_hash_size(hash), len = (key->n_bitlen + 7) / 8;
    struct layout l;

    memset(signature, 0, len);
    if (!lay_out(&l, signature, key->n_bitlen, size)) return 0;
    unsigned char *salt = l.em + l.db_len - size;
    random->fill(random->ctx, salt, size);
    salt[-1] = 1;
    hash_with_salt(hash, digest, salt, l.em + l.db_len);
    apply_mask(&l, hash);
    l.em[l.db_len + size] = 0xbc;
    return (int)br_rsa_private_get_default()(signature, key);
}

static size_t bit_length(unsigned char const *n, size_t len)
{
    size_t bits = 8 * len;
    for (unsigned int mask = 0x80; mask && !(n[0] & mask); mask >>= 1) bits--;
    return bits;
}

static int check_encoding(struct layout const *l, enum crypto_hash hash, unsigned char const *digest)
{
    unsigned char const *h = l->em + l->db_len;
    unsigned char expected[CRYPTO_MAX_HASH];
    size_t const salt_at = l->db_len - l->hash_len;

    if (h[l->hash_len] != 0xbc || l->em[0] & (unsigned char)~l->top_mask) return 0;
    apply_mask(l, hash);
    for (size_t i = 0; i < salt_at - 1; i++)
        if (l->em[i]) return 0;
    if (l->em[salt_at - 1] != 1) return 0;
    hash_with_salt(hash, digest, l->em + salt_at, expected);
    return crypto_equal(h, expected, l->hash_len);
}

int crypto_pss_verify(br_rsa_public_key const *key, enum crypto_hash hash, unsigned char const *digest,
               unsigned char const *signature, size_t len)
{
    unsigned char buf[CRYPTO_MAX_MODULUS];
    struct layout l;

    if (!key->nlen || !key->n[0] || len != key->nlen || len > sizeof buf) return 0;
    memcpy(buf, signature, len);
    if (!crypto_rsa_public(buf, len, key)) return 0;
    if (!lay_out(&l, buf, bit_length(key->n, key->nlen), crypto_hash_size(hash))) return 0;
    return (l.em == buf || buf[0] == 0) && check_encoding(&l, hash, digest);
}
