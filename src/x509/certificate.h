/* ISC license. */

/* The fields of a certificate that we look at ourselves (RFC 5280, 4.1). */

#ifndef KTLS_X509_CERTIFICATE_H
#define KTLS_X509_CERTIFICATE_H

#include <stdint.h>

#include "x509/der.h"
#include "x509/x509.h"

struct certificate {
    struct der whole;
    struct der issuer, subject; /* with tag and length */
    struct der validity;
    struct der public_key;          /* SubjectPublicKeyInfo's content */
    struct der signature_algorithm; /* the OID */
    struct der extensions;
};

extern int certificate_parse(struct certificate *cert, unsigned char const *bytes, size_t len);

/* The value of the extension id-ce (2.5.29) `number`: 1 when there is one,
   0 when there is none, -1 when it does not parse or is there twice. */
extern int certificate_extension(struct certificate const *cert, unsigned char number, struct der *value);

enum extension_number {
    EXT_KEY_USAGE = 15,
    EXT_SUBJECT_ALT_NAME = 17,
    EXT_BASIC_CONSTRAINTS = 19,
    EXT_NAME_CONSTRAINTS = 30,
    EXT_POLICIES = 32,
    EXT_EXT_KEY_USAGE = 37,
};

/* Takes the first of cert->extensions, or of what is left of them. */
extern int certificate_next_extension(struct der *extensions, struct der *oid, int *critical,
                                      struct der *value);

/* authority.c, down to certificate_check_critical: 1 when basicConstraints say so. */
extern int certificate_is_ca(struct certificate const *cert);
/* Of a CA, pathLenConstraint: how many authorities may be below. */
extern enum x509_error certificate_path_length(struct certificate const *cert, int *length);
#define NO_PATH_LENGTH (-1)

/* Bits of keyUsage's first byte. */
enum key_usage { DIGITAL_SIGNATURE = 0x80, KEY_CERT_SIGN = 0x04 };
/* Where there is a keyUsage. */
extern enum x509_error certificate_check_key_usage(struct certificate const *cert, enum key_usage usage);
/* No critical extension but those that we heed. */
extern enum x509_error certificate_check_critical(struct certificate const *cert);

/* now in seconds since 1970. */
extern enum x509_error certificate_check_time(struct certificate const *cert, int64_t now);
/* SHA-256, SHA-384 or SHA-512, with RSA (PKCS#1 v1.5) or ECDSA. */
extern enum x509_error certificate_check_signature_algorithm(struct certificate const *cert);
/* Where there is an extendedKeyUsage. */
extern enum x509_error certificate_check_purpose(struct certificate const *cert, enum x509_purpose purpose);

/* name.c: name as in x509_verify. */
extern enum x509_error certificate_check_name(struct certificate const *cert, char const *name);

#endif
