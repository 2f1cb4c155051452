/* ISC license. */

/* Certification paths: path.c searches them, validate.c validates one. */

#ifndef KTLS_X509_PATH_H
#define KTLS_X509_PATH_H

#include "x509/certificate.h"

#define MAX_ANCHORS 32 /* whose subject is the issuer of a certificate in the chain */

struct verification {
    struct x509_chain const *chain;
    struct x509_check const *check;
    struct certificate cert[X509_MAX_CERTIFICATES + MAX_ANCHORS]; /* first those that were sent, then anchors */
    size_t sent, count;
    unsigned char room[X509_MAX_CHAIN]; /* for the DER of anchors */
    size_t room_used;

    size_t path[X509_MAX_PATH + 1]; /* indices of cert, from the end entity to the anchor */
    size_t depth;                   /* certificates before the anchor */

    unsigned steps, signatures, comparisons; /* how many are still allowed */
    /* The result of verifying the signature of one certificate with the key of another, or UNTRIED. */
    unsigned char verdict[X509_MAX_CERTIFICATES][X509_MAX_CERTIFICATES + MAX_ANCHORS];

    /* The most telling error so far, its rank, and the certificate that it is about. */
    enum x509_error error;
    enum rank { RANK_NONE, RANK_DEAD_END, RANK_CANDIDATE, RANK_PATH } rank;
    struct der culprit;
};

#define UNTRIED 0xff

extern struct certificate const *x509_path_certificate(struct verification const *v, size_t place);

/* Validates the path. *place is the place of the certificate that an error is about. */
extern enum x509_error x509_path_validate(struct verification *v, size_t *place);
/* Validates an end entity that is itself an anchor. */
extern enum x509_error x509_validate_directly(struct verification const *v);
/* Whether the certificate can be an issuer at all: a cheap check before the search goes on with it. */
extern enum x509_error x509_validate_candidate(struct verification const *v, struct certificate const *cert);

/* crl.c: the status of a certificate by the CRLs of its issuer (RFC 5280, 6.3, for direct and complete CRLs). */
extern enum x509_error x509_crl_check(struct x509_check const *check, struct certificate const *cert,
                                 struct certificate const *issuer, struct crypto_public_key const *key);

/* key_pins.c */
extern int x509_pins_have(struct x509_pins const *pins, struct certificate const *cert);

#endif
