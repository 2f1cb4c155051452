/* ISC license. */

/* Certification paths: path.c finds them, validate.c judges one. */

#ifndef KTLS_X509_PATH_H
#define KTLS_X509_PATH_H

#include "x509/certificate.h"

#define MAX_ANCHORS 32 /* that have the names of issuers in a chain */

struct verification {
    struct x509_chain const *chain;
    struct x509_check const *check;
    struct certificate cert[X509_MAX_CERTIFICATES + MAX_ANCHORS]; /* those sent, then anchors */
    size_t sent, count;
    unsigned char room[X509_MAX_CHAIN]; /* for anchors that are decoded */
    size_t room_used;

    size_t path[X509_MAX_PATH + 1]; /* indices into cert, the end entity's first, the anchor's last */
    size_t depth;                   /* certificates before the anchor */

    unsigned steps, signatures, comparisons; /* that may still be made */
    /* Whether one signed the other; UNTRIED. */
    unsigned char verdict[X509_MAX_CERTIFICATES][X509_MAX_CERTIFICATES + MAX_ANCHORS];

    /* The error to be told, of that rank, and the certificate that it is about. */
    enum x509_error error;
    enum rank { RANK_NONE, RANK_DEAD_END, RANK_CANDIDATE, RANK_PATH } rank;
    struct der culprit;
};

#define UNTRIED 0xff

extern struct certificate const *path_certificate(struct verification const *v, size_t place);

/* The path up to an anchor. *place is that of the certificate that an error is about. */
extern enum x509_error path_validate(struct verification *v, size_t *place);
/* An end entity that is an anchor itself. */
extern enum x509_error validate_directly(struct verification const *v);
/* What makes a certificate no issuer at all, by itself: a cheap question before a path is built over it. */
extern enum x509_error validate_candidate(struct verification const *v, struct certificate const *cert);

/* crl.c: 1 the certificate's status with the issuer's CRLs (RFC 5280, 6.3, for direct and complete ones). */
extern enum x509_error crl_check(struct x509_check const *check, struct certificate const *cert,
                                 struct certificate const *issuer, struct crypto_public_key const *key);

/* pin.c */
extern int pins_have(struct x509_pins const *pins, struct certificate const *cert);

#endif
