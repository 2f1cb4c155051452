/* ISC license. */

/* Private to this layer: the handshake of TLS 1.3 (RFC 8446). */

#ifndef KTLS_TLS_V13_H
#define KTLS_TLS_V13_H

#include "tls/handshake.h"

/* ---- schedule13.c: RFC 8446, 7.1 ---- */

extern void tls_schedule_handshake(struct handshake *hs, unsigned char const *shared, size_t len);
extern void tls_schedule_application(struct handshake *hs);
/* Switch one direction to the handshake traffic keys, or with advance_ to the
   application traffic keys. Staged messages are sealed under the old keys first;
   rx may change only at a record boundary. */
extern int tls_protect_tx(struct handshake *hs);
extern int tls_protect_rx(struct handshake *hs);
extern int tls_advance_tx(struct handshake *hs);
extern int tls_advance_rx(struct handshake *hs);
/* 1 when the binder proves that the client knows hs->secret.psk (RFC 8446, 4.2.11.2). */
extern int tls_is_bound(struct handshake *hs, struct span binder);
/* The PSK of the ticket with this nonce, once the client's Finished is known (4.6.1). */
extern void tls_schedule_resumption(struct handshake *hs, void const *nonce, size_t len, unsigned char *psk);
extern int tls_write_finished13(struct handshake *hs);
extern int tls_read_finished13(struct handshake *hs);

/* ---- ticket13.c: RFC 8446, 4.2.11 and 4.6.1 ---- */

/* Looks for a session to resume: sets hs->resumes when there is one, and
   hs->gives_ticket when the client gets a new ticket. */
extern int tls_choose_psk(struct handshake *hs, struct client_hello const *hello);
/* The last message of the handshake. */
extern int tls_send_ticket13(struct handshake *hs);

/* ---- the flights: client13.c, server13.c ---- */

/* After a HelloRetryRequest: sends the second ClientHello. */
extern int tls_client13_retry(struct handshake *hs, struct message const *m, struct server_hello const *hello);
/* After the ServerHello. */
extern int tls_client13(struct handshake *hs, struct server_hello const *hello);
/* After the ClientHello. */
extern int tls_server13(struct handshake *hs, struct client_hello const *hello);

#endif
