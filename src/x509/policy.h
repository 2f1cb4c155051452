/* ISC license. */

/* The policies of a path (RFC 5280, 6.1.2 to 6.1.5; RFC 9618), with any-policy as the initial set. It only matters
   whether some policy is valid at each depth, so only the current depth of the policy graph is kept. */

#ifndef KTLS_X509_POLICY_H
#define KTLS_X509_POLICY_H

#include "x509/certificate.h"

#define MAX_POLICIES 64

struct policies {
    struct der expected[MAX_POLICIES]; /* the policies that the next certificate may have */
    size_t count;
    unsigned char has_any; /* anyPolicy is among them */
    unsigned explicit_policy, policy_mapping, inhibit_any_policy; /* 6.1.2: numbers of certificates */
};

extern void x509_policies_init(struct policies *policies, size_t certificates);
/* 6.1.3 (d) to (f). */
extern enum x509_error x509_policies_process(struct policies *policies, struct certificate const *cert, int is_last);
/* 6.1.4 (a), (b) and (h) to (j): for a CA that is not the last certificate. */
extern enum x509_error x509_policies_prepare(struct policies *policies, struct certificate const *cert);
/* 6.1.5 (a), (b) and (g). */
extern enum x509_error x509_policies_wrap_up(struct policies *policies, struct certificate const *cert);

#endif
