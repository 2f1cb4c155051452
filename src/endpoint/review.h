/* ISC license. */

/* Whether what the environment says would work, before the first connection. */

#ifndef KTLS_REVIEW_H
#define KTLS_REVIEW_H

#include "chain/chain.h"

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
    struct chain_input const *input;
};

/* As ktls-tlsd with these options would find it. Ends the program, as ktls-tlsd
   does, when variables are missing or do not fit together. */
extern void review_server(struct review const *review, struct chain_options const *options);
/* The same of ktls-tlsc. */
extern void review_client(struct review const *review, struct chain_options const *options);

#endif
