/* ISC license. */

/* The server's session tickets in TLS 1.2: resuming a session and sending a ticket (RFC 5077, 3). */

#include <string.h>

#include "tls/v12/v12.h"

/* RFC 7627, 5.3: only sessions with extended master secret are resumed, and the hello must offer it again. */
static int take_session12(struct handshake *hs, struct client_hello const *hello, struct ticket const *ticket)
{
    if (ticket->suite != hs->suite) return 1;
    if (!HAS(&hello->x, EXT_EXTENDED_MASTER_SECRET))
        return tls_fail(hs, TLS_HANDSHAKE_FAILURE, "resumption without extended master secret");
    tls_note_session(hs, ticket);
    memcpy(hs->secret.master, ticket->secret, sizeof hs->secret.master);
    /* Echoing the client's session id tells it that the session is resumed (RFC 5077, 3.4). */
    hs->session_id_len = hello->session_id.len;
    memcpy(hs->session_id, hello->session_id.p, hello->session_id.len);
    return 1;
}

int tls_choose_session12(struct handshake *hs, struct client_hello const *hello)
{
    struct ticket ticket;
    struct span const sealed = hello->x.body[EXT_SESSION_TICKET];
    if (!tls_has_tickets(hs)) return 1;
    hs->gives_ticket = sealed.p && HAS(&hello->x, EXT_EXTENDED_MASTER_SECRET);
    if (!tls_ticket_open(hs, sealed, &ticket)) return 1;
    int const taken = take_session12(hs, hello, &ticket);
    crypto_wipe(&ticket, sizeof ticket);
    return taken;
}

int tls_write_ticket12(struct handshake *hs)
{
    struct writer *w = tls_begin_message(hs, TLS_NEW_SESSION_TICKET);
    tls_put_lifetime(hs, w);
    tls_put_ticket(hs, w, hs->secret.master);
    return tls_end_message(hs);
}
