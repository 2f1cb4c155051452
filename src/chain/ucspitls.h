/* ISC license. */

/*
 * UCSPI-TLS: prog gets the plain connection, and requests TLS when it needs it. This
 * process executes prog; a child, the helper, waits for the request. After it prog
 * uses pipes, which exist already, so that it can use them immediately; in mode
 * kernel it uses the connection, but not before the helper's answer.
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

/* The descriptors that prog gets. */
struct ucspitls_ends {
    int control, read, write;
};

extern void ucspitls_open_ends(struct ucspitls_ends *ends, struct ucspitls *ucspitls);
/* Returns 0 in the helper. */
extern pid_t ucspitls_fork(void);
extern _Noreturn void ucspitls_exec_prog(struct ucspitls_ends const *ends, struct ucspitls const *ucspitls);

/* ---- ucspitls_helper.c ---- */

extern _Noreturn void ucspitls_help(struct ucspitls *ucspitls, endpoint_handshake *handshake);

/* ---- ucspitls_guard.c: detects use of the connection by others before and during the handshake ---- */

struct ucspitls_guard {
    struct endpoint_connection const *connection;
    uint64_t before; /* bytes that TCP had been given */
};

/* Ends the program when the peer has sent plaintext that would follow the request for TLS. */
extern void ucspitls_start_guard(struct ucspitls_guard *guard, struct chain const *chain);
/* Ends the program when others than our handshake have written to the connection. */
extern void ucspitls_end_guard(struct ucspitls_guard const *guard, uint64_t sent_by_handshake);

#endif
