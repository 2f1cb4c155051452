/* ISC license. */

/* Private to this layer: BearSSL's view of our hash functions. */

#ifndef KTLS_CRYPTO_HASHES_H
#define KTLS_CRYPTO_HASHES_H

#include <bearssl.h>

#include "crypto/crypto.h"

extern br_hash_class const *crypto_hash_class(enum crypto_hash hash);
/* For br_rsa_pkcs1_sign and br_rsa_pkcs1_vrfy. */
extern unsigned char const *crypto_hash_oid(enum crypto_hash hash);

#endif
