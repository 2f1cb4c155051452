/* ISC license. */

/* Private to this layer: the start of a handshake, until its version is known. */

#ifndef KTLS_TLS_ENTRY_H
#define KTLS_TLS_ENTRY_H

#include "tls/handshake.h"

/* client_start.c. The client's handshake in two steps, so that a test can send a foreign ClientHello instead. */
extern int tls_client_send_hello(struct handshake *hs);
extern int tls_client_after_hello(struct handshake *hs);

/* server_start.c */
extern int tls_server_start(struct handshake *hs);

/* perform.c */
extern struct handshake *tls_handshake_new(struct tls_config const *config, struct tls_transport const *transport,
                                       struct tls_session *session, struct tls_error *error);
extern void tls_handshake_fill_session(struct handshake *hs);
extern void tls_handshake_free(struct handshake *hs); /* wipes it */

#endif
