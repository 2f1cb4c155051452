/* ISC license. */

/* Keys as BearSSL decodes them, and its error codes. */

#ifndef KTLS_X509_KEY_H
#define KTLS_X509_KEY_H

#include <bearssl.h>

#include "x509/certificate.h"

#define KEY_MIN_RSA_BYTES 256
#define KEY_MIN_RSA_BITS (8 * KEY_MIN_RSA_BYTES)
#define KEY_MAX_RSA_BITS (8 * CRYPTO_MAX_SIGNATURE)

/* From BR_ERR_X509_*. */
extern enum x509_error x509_error_of(int bearssl_error);

/* A certificate's key; what it points to is the certificate's. */
extern enum x509_error key_parse(struct certificate const *cert, br_x509_pkey *key);
extern enum x509_error key_public(br_x509_pkey const *from, struct crypto_public_key *to);

/* The first private key of a file: PEM, or DER of PKCS#8, PKCS#1 or SEC1.
   X509_KEY_MISMATCH when it is not public_key's. */
extern enum x509_error key_private(unsigned char const *bytes, size_t len,
                                   struct crypto_public_key const *public_key,
                                   struct crypto_private_key *key);

#endif
