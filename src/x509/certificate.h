/* ISC license. */

/* A parsed certificate (RFC 5280, 4.1 and 4.2), and functions on its parts. */

#ifndef KTLS_X509_CERTIFICATE_H
#define KTLS_X509_CERTIFICATE_H

#include <stdint.h>

#include "x509/der.h"
#include "x509/x509.h"

/* ---- signed.c: what certificates and CRLs have in common (RFC 5280, 4.1.1 and 5.1.1) ---- */

struct signed_data {
    struct der tbs; /* the signed bytes, with tag and length */
    struct der content;
    struct der algorithm, signature;
};

extern int x509_signed_parse(struct der whole, struct signed_data *data);
/* Reads the algorithm in the signed part, which must be the same as the one outside. */
extern int x509_signed_take_algorithm(struct signed_data const *data, struct der *tbs);
extern enum x509_error x509_signed_scheme(struct signed_data const *data, struct crypto_scheme const **scheme);
extern enum x509_error x509_signed_check(struct signed_data const *data, struct crypto_public_key const *key);

/* Reads a Time (RFC 5280, 4.1.2.5) as seconds since 1970. *is_lax becomes 1 for a GeneralizedTime before 2050. */
extern int x509_take_time(struct der *in, int64_t *seconds, unsigned char *is_lax);

/* Reads the next Extension. */
extern int x509_take_extension(struct der *extensions, struct der *oid, int *critical, struct der *value);

/* ---- certificate.c ---- */

/* The extensions that are processed. */
enum extension {
    EXT_BASIC_CONSTRAINTS,
    EXT_KEY_USAGE,
    EXT_EXT_KEY_USAGE,
    EXT_SUBJECT_ALT_NAME,
    EXT_NAME_CONSTRAINTS,
    EXT_POLICIES,
    EXT_POLICY_MAPPINGS,
    EXT_POLICY_CONSTRAINTS,
    EXT_INHIBIT_ANY_POLICY,
    EXT_AUTHORITY_KEY_ID,
    EXT_SUBJECT_KEY_ID,
    EXTENSIONS
};

/* Bits of the first byte of KeyUsage (RFC 5280, 4.2.1.3). */
enum key_usage { DIGITAL_SIGNATURE = 0x80, KEY_CERT_SIGN = 0x04, CRL_SIGN = 0x02 };

#define NO_LIMIT UINT32_MAX

struct certificate {
    struct der whole;
    struct signed_data data;
    struct der serial, issuer, subject;          /* names without their outer tag and length */
    uint32_t issuer_fingerprint, subject_fingerprint; /* by name_fingerprint */
    struct der public_key;                       /* SubjectPublicKeyInfo with tag and length */
    int64_t not_before, not_after;

    struct der extension[EXTENSIONS]; /* the values without tag and length; p is NULL if the extension is absent */
    unsigned critical;                /* mask of 1u << enum extension */
    unsigned char is_unprocessed;     /* it has another critical extension */
    unsigned char is_lax;             /* it breaks a MUST that some roots break, too */
    unsigned char is_ca;
    unsigned char is_self_issued;
    unsigned char key_usage; /* 0xff without the extension */
    unsigned char purposes;  /* mask of 1u << enum x509_purpose */
    unsigned path_length, require_explicit_policy, inhibit_policy_mapping, inhibit_any_policy; /* or NO_LIMIT */
    struct der authority_key_id;
    struct der permitted, excluded; /* GeneralSubtrees */
};

extern int x509_certificate_parse(struct certificate *cert, unsigned char const *bytes, size_t len);
/* Reads the subject alone. The certificate may be cut short after it. */
extern int x509_certificate_subject(struct der head, struct der *subject);

/* ---- public_key.c ---- */

extern enum x509_error x509_public_key_parse(struct certificate const *cert, struct crypto_public_key *key);
/* The same; RSA keys must also be long enough to verify a signature with. */
extern enum x509_error x509_public_key_strong(struct certificate const *cert, struct crypto_public_key *key);

/* ---- string.c: the string types of X.520 ---- */

#define NO_CHARACTER UINT32_MAX /* an invalid character */

extern int x509_is_string(unsigned tag);
/* Reads at least one byte; in must not be empty. */
extern uint32_t x509_next_character(struct der *in, unsigned tag);

/* ---- name.c: distinguished names ---- */

extern int x509_take_attribute(struct der *rdn, struct der *oid, unsigned *tag, struct der *value);
/* Compares by the rules of RFC 5280, 7.1. */
extern int x509_names_equal(struct der a, struct der b);
/* 1 if name begins with the RDNs of base. */
extern int x509_name_is_within(struct der name, struct der base);
/* A hash that is the same for equal names. */
extern uint32_t x509_name_fingerprint(struct der name);

/* ---- identity.c: the name of a TLS server (RFC 9525) ---- */

extern enum x509_error x509_check_identity(struct certificate const *cert, char const *name);
/* 1 if name is one label followed by suffix. */
extern int x509_matches_wildcard(char const *suffix, size_t suffix_len, char const *name, size_t name_len);

/* ---- constraints.c: RFC 5280, 4.2.1.10 ---- */

/* Tags of GeneralName. */
enum {
    NAME_EMAIL = DER_CONTEXT | 1,
    NAME_DNS = DER_CONTEXT | 2,
    NAME_DIRECTORY = DER_CONTEXT | DER_CONSTRUCTED | 4,
    NAME_URI = DER_CONTEXT | 6,
    NAME_ADDRESS = DER_CONTEXT | 7,
};

/* A name in a certificate, or the base of a subtree. The value of a directory name is without its outer tag and
   length. */
struct general_name {
    unsigned tag;
    struct der value;
};

extern int x509_take_general_name(struct der *in, struct general_name *name);
extern int x509_constraints_are_valid(struct der subtrees);
/* Checks all names of cert against the constraints of an authority above it. Each comparison decrements *budget. */
extern enum x509_error x509_check_constraints(struct certificate const *authority, struct certificate const *cert,
                                         unsigned *budget);

#endif
