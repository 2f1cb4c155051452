/* ISC license. */

/* Private to this layer. */

#ifndef KTLS_CRYPTO_PSS_H
#define KTLS_CRYPTO_PSS_H

#include "crypto/hashes.h"

/* RSASSA-PSS (RFC 8017, 8.1) with MGF1 on the same hash and a salt as long as
   the hash, as RFC 8446, 4.2.3 wants it. digest is the message's hash.
   signature has the modulus' length. Return 1 or 0. */
extern int crypto_pss_sign(br_rsa_private_key const *key, enum crypto_hash hash, unsigned char const *digest,
                    struct crypto_random const *random, unsigned char *signature);
extern int crypto_pss_verify(br_rsa_public_key const *key, enum crypto_hash hash, unsigned char const *digest,
                      unsigned char const *signature, size_t len);

#endif
