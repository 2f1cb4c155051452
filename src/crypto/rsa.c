/* ISC license. */

/*
 * RSA with public keys of up to 8192 bits. BearSSL's functions end at 4096 bits, the size of their buffers; the
 * big integers below them have no limit. Those are not in its headers, but the same in release 0.6 and in upstream git.
 */

#include <string.h>

#include "crypto/rsa.h"

#define BEARSSL_MAX_MODULUS 512
#define WORDS (1 + (8 * CRYPTO_MAX_MODULUS + 30) / 31) /* the first one has the length */

extern void br_i31_decode(uint32_t *x, void const *from, size_t len);
extern uint32_t br_i31_decode_mod(uint32_t *x, void const *from, size_t len, uint32_t const *modulus);
extern void br_i31_encode(void *to, size_t len, uint32_t const *x);
extern uint32_t br_i31_ninv31(uint32_t x);
extern void br_i31_modpow(uint32_t *x, unsigned char const *exponent, size_t exponent_len, uint32_t const *modulus,
                          uint32_t inverse, uint32_t *room, uint32_t *more_room);
extern uint32_t br_rsa_pkcs1_sig_unpad(unsigned char const *signature, size_t len, unsigned char const *oid,
                                       size_t digest_len, unsigned char *digest);

static int large_public(unsigned char *x, size_t len, br_rsa_public_key const *key)
{
    uint32_t modulus[WORDS], power[WORDS], room[WORDS], more_room[WORDS];
    if (len != key->nlen || len > CRYPTO_MAX_MODULUS || !(key->n[len - 1] & 1)) return 0;
    br_i31_decode(modulus, key->n, len);
    if (!br_i31_decode_mod(power, x, len, modulus)) return 0;
    br_i31_modpow(power, key->e, key->elen, modulus, br_i31_ninv31(modulus[1]), room, more_room);
    br_i31_encode(x, len, power);
    return 1;
}

int crypto_rsa_public(unsigned char *x, size_t len, br_rsa_public_key const *key)
{
    return key->nlen > BEARSSL_MAX_MODULUS ? large_public(x, len, key) : (int)br_rsa_public_get_default()(x, len, key);
}

int crypto_rsa_pkcs1_verify(br_rsa_public_key const *key, enum crypto_hash hash, unsigned char const *digest,
                     unsigned char const *signature, size_t len)
{
    unsigned char encoded[CRYPTO_MAX_MODULUS], found[CRYPTO_MAX_HASH];
    size_t const size = crypto_hash_size(hash);
    if (len > sizeof encoded) return 0;
    memcpy(encoded, signature, len);
    return crypto_rsa_public(encoded, len, key) &&
           br_rsa_pkcs1_sig_unpad(encoded, len, crypto_hash_oid(hash), size, found)
           && crypto_equal(found, digest, size);
}
