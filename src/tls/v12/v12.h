/* ISC license. */

/* Private to this layer: the handshake of TLS 1.2 (RFC 5246, RFC 8422). */

#ifndef KTLS_TLS_V12_H
#define KTLS_TLS_V12_H

#include "tls/handshake.h"

/* ---- schedule12.c: RFC 5246, 8.1 and 6.3; RFC 7627 ---- */

extern void tls_derive_master(struct handshake *hs, unsigned char const *premaster, size_t len);
extern void tls_derive_keys12(struct handshake *hs); /* to next_tx and next_rx */
extern int tls_write_finished12(struct handshake *hs); /* after ChangeCipherSpec */
extern int tls_read_finished12(struct handshake *hs);

/* ---- key_exchange12.c: RFC 8422, 5.4 and 5.7 ---- */

extern int tls_write_server_key_exchange(struct handshake *hs);
/* Generates our share of the group that the server chose; *peer_share is the server's. */
extern int tls_read_server_key_exchange(struct handshake *hs, struct message const *m, struct span *peer_share);
/* Both derive the master secret, too, because with RFC 7627 it depends on this message. */
extern int tls_write_client_key_exchange(struct handshake *hs, struct span peer_share);
extern int tls_read_client_key_exchange(struct handshake *hs);

/* ---- ticket12.c: RFC 5077 ---- */

/* Looks for a session to resume: sets hs->resumes when there is one, and
   hs->gives_ticket when the client gets a ticket. */
extern int tls_choose_session12(struct handshake *hs, struct client_hello const *hello);
/* After the client's Finished. */
extern int tls_write_ticket12(struct handshake *hs);

/* ---- the flights: client12.c, server12.c ---- */

/* After the ServerHello. */
extern int tls_client12(struct handshake *hs, struct server_hello const *hello);
/* After the ClientHello. */
extern int tls_server12(struct handshake *hs, struct client_hello const *hello);

#endif
