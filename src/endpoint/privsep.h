/* ISC license. */

/*
 * Private to endpoint: the handshake in a jailed process (privilege separation),
 * and what that tells the process which waits for it.
 */

#ifndef KTLS_PRIVSEP_H
#define KTLS_PRIVSEP_H

#include "endpoint/credentials.h"

struct handshake_task {
    struct endpoint_settings const *settings;
    struct tls_config *config;
    struct endpoint_connection *connection;
    endpoint_handshake *handshake;
};

/* handshake.c: all of it in this process. enter, unless NULL, comes between the
   credentials and the first byte to or from the peer. */
extern int handshake_perform(struct handshake_task const *task,
                             int (*enter)(void *ctx, struct credentials *credentials, struct program_error *error),
                             void *ctx, struct tls_session *session, struct program_error *error);
/* When the failure has been told. */
extern void handshake_linger(struct endpoint_connection const *connection);

/* ---- privsep.c ---- */

/* handshake_perform in a child. A child that has told a failure may live on, until
   privsep_end_child. */
extern int privsep_shake_hands(struct handshake_task const *task, struct tls_session *session,
                               struct program_error *error);
/* Gives it time to end by itself. */
extern void privsep_end_child(struct endpoint_child *child);
/* endpoint_drain_tickets in a child. */
extern int privsep_drain(struct endpoint_settings const *settings, struct endpoint_connection const *connection,
                         unsigned int rtt_ms, struct program_error *error);

/* ---- privsep_account.c ---- */

/* One message through a socket, between two processes of one program. Secret:
   wipe after use. */
struct account {
    struct program_error error; /* code 0: the session is there */
    uint16_t suite;             /* instead of the session's pointer */
    struct tls_session session;
};

extern void account_of_session(struct account *account, struct tls_session const *session);
extern void account_of_failure(struct account *account, struct program_error const *error);

/* Who wrote it may have been taken over by the peer. 1: it is one or the other,
   with nothing in it that could not be. */
extern int account_is_sound(struct account const *account, struct tls_config const *config);
/* To be called when it is. */
extern void account_give_session(struct account const *account, struct tls_session *session);

#endif
