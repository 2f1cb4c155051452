/* ISC license. */

/* The server's session tickets in TLS 1.3: resuming a session by a PSK and sending a
   ticket (RFC 8446, 2.2, 4.2.11 and 4.6.1). */

#include <string.h>

#include "tls/v13/v13.h"

#define PSK_DHE_KE 1
#define MAX_TRIED 4 /* tickets of one client; each costs an attempt with each key */

static int has_mode(struct client_hello const *hello)
{
    struct span modes;
    return tls_only_vector(hello->x.body[EXT_PSK_KEY_EXCHANGE_MODES], 1, &modes) &&
           memchr(modes.p, PSK_DHE_KE, modes.len);
}

/* RFC 8446, 4.2.11: a PSK can be used with every suite that has the same hash. */
static int take_psk(struct handshake *hs, struct span sealed)
{
    struct ticket ticket;
    int const fits = tls_ticket_open(hs, sealed, &ticket) && ticket.suite->version == TLS_1_3
                     && ticket.suite->hash == hs->suite->hash;
    if (fits) {
        tls_note_session(hs, &ticket);
        memcpy(hs->secret.psk, ticket.secret, tls_ticket_secret_size(ticket.suite));
    }
    crypto_wipe(&ticket, sizeof ticket);
    return fits;
}

static int check_binder(struct handshake *hs, struct client_hello const *hello)
{
    struct reader binders = tls_reader_on(hello->psk_binders);
    for (unsigned int i = 0; i < hs->psk_identity; i++) tls_read_vector8(&binders);
    return tls_is_bound(hs, tls_read_vector8(&binders)) ||
           tls_fail(hs, TLS_DECRYPT_ERROR, "wrong binder of a session ticket");
}

int tls_choose_psk(struct handshake *hs, struct client_hello const *hello)
{
    struct reader identities = tls_reader_on(hello->psk_identities);
    hs->gives_ticket = tls_has_tickets(hs) && has_mode(hello);
    if (!hs->gives_ticket) return 1;
    for (; identities.left && hs->psk_identity < MAX_TRIED; hs->psk_identity++) {
        struct span const identity = tls_read_vector16(&identities);
        tls_read_bytes(&identities, 4); /* obfuscated_ticket_age matters only for early data, which we never accept */
        if (take_psk(hs, identity)) return check_binder(hs, hello);
    }
    return 1;
}

int tls_send_ticket13(struct handshake *hs)
{
    static unsigned char const nonce[] = { 0 }; /* there is no second ticket */
    unsigned char psk[CRYPTO_MAX_HASH], age_add[4];

    if (!hs->gives_ticket || !tls_ticket_lifetime(hs)) return 1;
    hs->config->random.fill(hs->config->random.ctx, age_add, sizeof age_add);
    tls_schedule_resumption(hs, nonce, sizeof nonce, psk);
    struct writer *w = tls_begin_message(hs, TLS_NEW_SESSION_TICKET);
    tls_put_lifetime(hs, w);
    tls_write_bytes(w, age_add, sizeof age_add);
    tls_write8(w, sizeof nonce);
    tls_write_bytes(w, nonce, sizeof nonce);
    tls_put_ticket(hs, w, psk);
    tls_write16(w, 0); /* no extensions */
    crypto_wipe(psk, sizeof psk);
    return tls_end_message(hs) && tls_flush_flight(hs);
}
