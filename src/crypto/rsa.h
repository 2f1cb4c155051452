/* ISC license. */

/* Private to this layer. */

#ifndef KTLS_CRYPTO_RSA_H
#define KTLS_CRYPTO_RSA_H

#include "crypto/hashes.h"

/* x to the power of the public exponent, in place. Returns 1, or 0 when x is not below the modulus or not of its
   length. */
extern int crypto_rsa_public(unsigned char *x, size_t len, br_rsa_public_key const *key);

/* RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2). */
extern int crypto_rsa_pkcs1_verify(br_rsa_public_key const *key, enum crypto_hash hash, unsigned char const *digest,
                            unsigned char const *signature, size_t len);

#endif
