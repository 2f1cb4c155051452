/* ISC license. */

/*
 * UCSPI-TLS: prog has the connection as it is, and asks for TLS when it wants it.
 * We become prog; a child, the helper, waits for its word. What prog then reads
 * and writes are pipes, made beforehand, so that it may do so at once; or in mode
 * kernel the connection, which it must leave alone until it is told.
 */

#ifndef KTLS_UCSPITLS_H
#define KTLS_UCSPITLS_H

#include "chain/chain.h"

struct ucspitls {
    struct chain chain;
    /* the helper's ends */
    int control;
    int to_prog, from_prog; /* -1 in mode kernel */
};

/* ---- ucspitls.c: the steps of the process that becomes prog ---- */

/* What prog is given. */
struct ucspitls_ends {
    int control, read, write;
};

extern void ucspitls_open_ends(struct ucspitls_ends *ends, struct ucspitls *ucspitls);
/* 0 in the helper. */
extern pid_t ucspitls_fork(void);
extern _Noreturn void ucspitls_exec_prog(struct ucspitls_ends const *ends, struct ucspitls const *ucspitls);

/* ---- ucspitls_helper.c ---- */

extern _Noreturn void ucspitls_help(struct ucspitls *ucspitls, endpoint_handshake *handshake);

/* ---- ucspitls_guard.c: what others do with the connection meanwhile ---- */

struct ucspitls_guard {
    struct endpoint_connection const *connection;
    uint64_t before; /* bytes that TCP had been given */
};

/* Ends the program when the peer said more than it should before the handshake. */
extern void ucspitls_start_guard(struct ucspitls_guard *guard, struct chain const *chain);
/* Ends the program when more was written to the connection than our handshake did. */
extern void ucspitls_end_guard(struct ucspitls_guard const *guard, uint64_t sent_by_handshake);

#endif
