/* ISC license. */

/* What the handshake's process tells the one that waits for it. */

#ifndef KTLS_PRIVSEP_H
#define KTLS_PRIVSEP_H

#include "tls/tls.h"

#define MAX_ACCOUNT_TEXT 256

/* One message through a pipe, between two processes of one program. Secret:
   wipe after use. */
struct account {
    int code;       /* 0: the session is there; else with what to exit, and text says why */
    unsigned char is_silent; /* why is not worth a line */
    uint16_t suite; /* instead of the session's pointer */
    char text[MAX_ACCOUNT_TEXT];
    struct tls_session session;
};

extern void account_of_session(struct account *account, struct tls_session const *session);
extern void account_of_failure(struct account *account, int code, char const *text);

/* Who wrote it may have been taken over by the peer. 1: it is one or the other,
   with nothing in it that could not be. */
extern int account_is_sound(struct account const *account, struct tls_config const *config);
/* To be called when it is. */
extern void account_give_session(struct account const *account, struct tls_session *session);

#endif
