/* ISC license. */

/*
 * Connections to a host: its addresses by name, and a connection to the first of
 * them that answers (RFC 8305: attempts overlap, IPv6 and IPv4 take turns).
 *
 * Functions that can fail give 1 and 0.
 */

#ifndef KTLS_DIAL_H
#define KTLS_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/address.h"

#define DIAL_MAX 16

struct dial_address {
    union address address;
    socklen_t len;
};

struct dial {
    struct dial_address to[DIAL_MAX + 1]; /* one more to read into */
    size_t count;
    /* Where to connect from, by family; len 0: the kernel chooses. */
    struct dial_address from[2];
};

/* ---- host_addresses.c ---- */

/* 1: text is an address, which may have a zone (RFC 4007, 11). Beyond DIAL_MAX it
   is dropped. */
extern int dial_add(struct dial *dial, char const *text, uint16_t port);
/* A Unix socket; path is shorter than sun_path. */
extern void dial_add_path(struct dial *dial, char const *path);
/* IPv6 first, then in turns as long as there are both. */
extern void dial_take_turns(struct dial *dial);

/* ---- lookup.c ---- */

struct dial_lookup {
    char const *name;
    uint16_t port;
    int64_t deadline;                 /* in ms of CLOCK_MONOTONIC */
    /* In the process that reads what comes from the network. NULL: it keeps its rights. */
    int (*drop_rights)(void const *ctx);
    void const *ctx;
};

#define DIAL_MAX_ANSWER 1024

/* What ktls-resolve prints, executed with these arguments, as a string. 0: answer
   says why there is none. */
extern int dial_ask_resolver(char answer[DIAL_MAX_ANSWER + 1], char const *const *arguments,
                             struct dial_lookup const *lookup);
/* Adds the addresses of the name. 0: why has the reason. */
extern int dial_look_up(struct dial *dial, struct dial_lookup const *lookup, char why[DIAL_MAX_ANSWER + 1]);

/* ---- race.c ---- */

/* A connection that does not block, close-on-exec; -1 with errno. */
extern int dial_connect(struct dial const *dial, int64_t deadline);

#endif
