/* ISC license. */

/* The way to the handshake master, and to a new one when it has ended. */

#ifndef KTLS_SERVICE_DISPATCH_H
#define KTLS_SERVICE_DISPATCH_H

#include "service/reactor.h"
#include "worker/order.h"

struct dispatch {
    struct source master; /* fd -1: none */
    int reactor;
    struct master_options const *options;
};

/* Starts the first master: before there is anything that it could inherit. 0: failed,
   errno says why. */
extern int dispatch_start(struct dispatch *dispatch, int reactor, struct master_options const *options);
extern void dispatch_stop(struct dispatch *dispatch);
/* Gives the order with its descriptors, which stay the caller's. 0: failed, errno says why. */
extern int dispatch_order(struct dispatch *dispatch, struct order const *order, int const *fds, size_t count);
/* By errno: the order can be given later. */
extern int dispatch_must_wait(void);
/* Whether reactor_wait is to return when there is room for orders. */
extern void dispatch_await_room(struct dispatch *dispatch, int is_wanted);

#endif
