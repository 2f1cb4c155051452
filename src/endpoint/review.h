/* ISC license. */

/* Whether what the environment says would work, before the first connection. */

#ifndef KTLS_REVIEW_H
#define KTLS_REVIEW_H

#include "endpoint/endpoint.h"

enum review_level {
    REVIEW_GOOD,    /* what was looked at, and why is what it is */
    REVIEW_NOTE,    /* right for some, a mistake of others */
    REVIEW_WARNING, /* works, but not for long, or not for everybody */
    REVIEW_ERROR,   /* connections would fail */
};

struct review {
    /* Is told each finding: what is a variable or a file. */
    void (*report)(void *ctx, enum review_level level, char const *what, char const *why);
    void *ctx;
    int64_t now; /* s since 1970 */
    struct endpoint_settings const *settings;
};

/* As ktls-tlsd or, by the role in the settings, ktls-tlsc with these would find it.
   0: variables are missing or do not fit together, so that it would not start. */
extern int review_settings(struct review const *review, struct program_error *error);

#endif
