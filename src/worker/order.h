/* ISC license. */

/*
 * What the service asks of the handshake master: a worker for one thing.
 *
 * With an order come the worker's end of a pair of sockets and, where the order
 * is about one, a descriptor. Through the pair the worker answers with one
 * packet of text:
 *
 *     OK facts      with the descriptor that was asked for
 *     KERNEL facts  the connection is what was asked for, and has its keys
 *     RELAY facts   the pair's end is
 *     ERR reason
 *
 * Before KERNEL and RELAY comes HOLD, with the connection and the client's end
 * of a pair that leads to the relay: a process in jail passes no descriptors.
 * Between them may be ASK facts, answered with yes, no, or load; before that
 * DEPOSIT, with the socket that takes what load brings.
 */

#ifndef KTLS_WORKER_ORDER_H
#define KTLS_WORKER_ORDER_H

#include <stdint.h>
#include <sys/types.h>

#include "protocol/packet.h"
#include "protocol/url.h"

#define ORDER_MAX_GROUPS 64
#define ANSWER_MAX 1900 /* bytes of a worker's answer, so that a reply has room for it */

enum order_kind {
    ORDER_CONNECT,
    ORDER_LISTEN,  /* gives a listening socket; with a descriptor it is that */
    ORDER_ACCEPT,  /* the server's side of an accepted connection */
    ORDER_UPGRADE, /* either side of a client's own connection */
    ORDER_LOAD,    /* a certificate and its key, into the socket that comes along */
};

/* The requester's rights, which the worker assumes. */
struct rights {
    uid_t uid;
    gid_t gid;
    uint32_t group_count;
    gid_t group[ORDER_MAX_GROUPS];
};

struct order {
    enum order_kind kind;
    int64_t deadline; /* ms of CLOCK_MONOTONIC */
    struct rights rights;
    char url[URL_MAX + 1]; /* of LOAD: parameters */
};

_Static_assert(sizeof(struct order) <= PACKET_MAX, "an order is one packet");

/* ---- master.c ---- */

/* The same for all workers, whoever the client is. */
struct master_options {
    int key_dir;              /* -C; -1: none */
    char const *key_dir_name;
    unsigned char is_root;    /* workers change to uid and gid */
    uid_t uid;
    gid_t gid;
    int empty_root;           /* for the jail; -1: none */
    unsigned int without;     /* set of 1u << wall, for walls of the jail that this system does not allow */
};

/* Forks the master; gives our end of a pair of sockets, which it takes orders
   from and ends with: each is one packet, with descriptors. -1: errno says why. */
extern int master_start(struct master_options const *options);

/* ---- worker_jail.c ---- */

struct jail;

/* Of a worker that shakes hands. The descriptors that are kept are the caller's to name. */
extern void worker_jail_describe(struct jail *jail, struct master_options const *options);
/* Finds out what the jail can be here, and writes into text what it lacks ("": nothing). */
extern void worker_jail_survey(struct master_options *options, char *text, size_t size);

/* ---- worker.c ---- */

extern _Noreturn void worker_run(struct master_options const *options, struct order const *order, int channel,
                                 int fd);

#endif
