/* ISC license. */

/*
 * Who gets a slot for a handshake, and who gives one up when slots are scarce.
 * There is no input or output here, and no clock: queue.c tells what happens, and
 * asks.
 *
 * Each direction has a quarter of the slots for itself, so that a CONNECT to a
 * listener of ours and the ACCEPT that it waits for do not wait for each other.
 * The rest of the slots is shared. One user gets at most seven eighths of what a
 * direction may use, one channel at most seven eighths of its user's part, and one
 * address at most seven eighths of its channel's. The next slot goes to the
 * waiting party with the fewest.
 */

#ifndef KTLS_SERVICE_SLOTS_H
#define KTLS_SERVICE_SLOTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SLOTS_GRACE_MS 500 /* for which nobody has to give up a slot */
#define SLOTS_HELLO 64     /* bytes: no ClientHello that we can answer has fewer */

enum slots_direction { SLOTS_OUT, SLOTS_IN, SLOTS_DIRECTIONS };

enum slots_kind { SLOTS_USER, SLOTS_CHANNEL, SLOTS_ADDRESS, SLOTS_KINDS };

/* What identifies a party of each kind; an address is an IPv4 address or a /64
   of IPv6, and 0 where there is none. */
struct slots_keys {
    uint64_t of[SLOTS_KINDS];
};

struct slots_party {
    struct slots_party *next;
    enum slots_kind kind;
    uint64_t key;
    size_t claims; /* that it has, with and without a slot */
    size_t running[SLOTS_DIRECTIONS];
};

/* A handshake that has a slot or wants one. */
struct slots_claim {
    struct slots_party *party[SLOTS_KINDS];
    enum slots_direction direction;
    uint64_t number;     /* the order in which claims came */
    int64_t since;       /* ms: when it began to wait, or got its slot */
    int64_t patience_ms; /* how long it may take in all */
    uint64_t said;       /* bytes that its peer has sent */
    unsigned char is_answered; /* we have sent the peer something */
    unsigned char is_busy;     /* it does not wait for its peer */
};

struct slots {
    size_t max;
    uint64_t last_number;
    size_t running[SLOTS_DIRECTIONS];
    struct slots_party *parties;
};

extern uint64_t slots_address(struct sockaddr_storage const *address);

/* The claim waits from now on. 0: out of memory. */
extern int slots_enter(struct slots *slots, struct slots_claim *claim, struct slots_keys const *keys, int64_t now);
/* To be called when it has no slot (any more). */
extern void slots_leave(struct slots *slots, struct slots_claim *claim);
extern int slots_may_begin(struct slots const *slots, struct slots_claim const *claim);
extern void slots_begin(struct slots *slots, struct slots_claim *claim, int64_t now);
extern void slots_end(struct slots *slots, struct slots_claim *claim);

/* Of two that wait: a is to have the next slot. */
extern int slots_precedes(struct slots_claim const *a, struct slots_claim const *b);
/* running gives up its slot because waiting waits. */
extern int slots_yields(struct slots_claim const *running, struct slots_claim const *waiting, int64_t now);
/* Of two that would give up their slot: a is the first to. */
extern int slots_yields_before(struct slots_claim const *a, struct slots_claim const *b);
/* One that waits has to end when there is no room for more; of two, a is the first. */
extern int slots_is_idle(struct slots_claim const *waiting, int64_t now);
extern int slots_goes_before(struct slots_claim const *a, struct slots_claim const *b);

#endif
