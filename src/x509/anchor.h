/* ISC license. */

/* The few trusted certificates that a chain can need. */

#ifndef KTLS_X509_ANCHOR_H
#define KTLS_X509_ANCHOR_H

#include <bearssl.h>

#include "x509/certificate.h"

#define MAX_ANCHORS 32

struct anchors {
    br_x509_trust_anchor anchor[MAX_ANCHORS];
    struct certificate cert[MAX_ANCHORS];
    int path_length[MAX_ANCHORS];
    size_t count;
    enum x509_error rejected; /* why the last one that was not taken was not */
    unsigned char *storage;
};

/* What of a chain decides whether an anchor matters. */
struct wanted {
    struct certificate const *cert[X509_MAX_CERTIFICATES]; /* end-entity first */
    size_t count;
    int64_t now;
    enum x509_purpose purpose;
};

/* From trust takes the CAs that have an issuer's name of a wanted certificate,
   and the end-entity certificate itself, which is then trusted directly.
   anchors_free is due even after an error. */
extern enum x509_error anchors_collect(struct anchors *anchors, struct x509_trust const *trust,
                                       struct wanted const *wanted);
extern void anchors_free(struct anchors *anchors);

/* 1 when a path may end with this certificate. */
extern int anchors_have_issuer(struct anchors const *anchors, struct certificate const *cert);
/* Those that may vouch for a path that ends with this certificate: authorities
   of its issuer's name whose path length allows so many others between them
   and the end entity; the end entity when there are none between. The engine
   takes a path up to the first anchor that signed, so it must not see others.
   Gives their number, at most MAX_ANCHORS. */
extern size_t anchors_for_path(struct anchors const *anchors, struct certificate const *cert, size_t between,
                               br_x509_trust_anchor *usable);
/* 1 when the end entity is trusted directly. */
extern int anchors_have_end_entity(struct anchors const *anchors);

#endif
