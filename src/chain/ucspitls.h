/* ISC license. */

/* Private to the UCSPI-TLS programs. */

#ifndef KTLS_CHAIN_UCSPITLS_H
#define KTLS_CHAIN_UCSPITLS_H

#include "chain/chain.h"

struct ucspitls {
    enum chain_program role; /* CHAIN_TLSD or CHAIN_TLSC */
    chain_handshake *handshake;
    struct chain_options options;
    struct chain_prog_ends pipes; /* the helper's; -1 in mode kernel */
    struct chain_input input;
    struct tls_config config;
    int control; /* the helper's end */
};

/* ucspitls_helper.c: what the child does. */
extern _Noreturn void ucspitls_help(struct ucspitls *ucspitls);

/* ---- ucspitls_guard.c: what others do with the connection meanwhile ---- */

struct ucspitls_guard {
    struct chain_connection const *connection;
    uint64_t before; /* bytes that TCP had been given */
};

/* Ends the program when the peer said more than it should before the handshake. */
extern void ucspitls_start_guard(struct ucspitls_guard *guard, enum chain_program role,
                                 struct chain_connection const *connection);
/* Ends the program when more was written to the connection than our handshake did. */
extern void ucspitls_end_guard(struct ucspitls_guard const *guard, uint64_t sent_by_handshake);

#endif
