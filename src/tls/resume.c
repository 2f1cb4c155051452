/* ISC license. */

/* The server resumes sessions, and hands out the tickets for that (RFC 8446,
   2.2, 4.2.11 and 4.6.1; RFC 5077, 3). */

#include <string.h>

#include "tls/handshake.h"

#define PSK_DHE_KE 1
#define MAX_TRIED 4 /* tickets of one client; each costs an attempt with each key */

/* No authority vouched again for who the client was then. */
static int has_tickets(struct handshake const *hs)
{
    return hs->config->ticket_keys && hs->config->ticket_keys->count && !hs->config->client_auth;
}

static void put_lifetime(struct handshake const *hs, struct writer *w)
{
    unsigned int const lifetime = ticket_lifetime(hs);
    write16(w, lifetime >> 16);
    write16(w, lifetime & 0xffff);
}

static void put_ticket(struct handshake *hs, struct writer *w, unsigned char const *secret)
{
    unsigned char ticket[TICKET_MAX];
    size_t const mark = open_vector(w, 2);
    write_bytes(w, ticket, ticket_seal(hs, secret, ticket));
    close_vector(w, mark, 2);
}

static void note_session(struct handshake *hs, struct ticket const *ticket)
{
    hs->resumes = 1;
    hs->since = ticket->since;
}

/* ---- TLS 1.3 ---- */

static int has_mode(struct client_hello const *hello)
{
    struct reader r = reader_on(hello->x.body[EXT_PSK_KEY_EXCHANGE_MODES]);
    struct span const modes = HAS(&hello->x, EXT_PSK_KEY_EXCHANGE_MODES) ? read_vector8(&r) : (struct span){ 0 };
    return modes.p && memchr(modes.p, PSK_DHE_KE, modes.len);
}

/* RFC 8446, 4.2.11: the PSK belongs to the hash, not to the suite. */
static int take_psk(struct handshake *hs, struct span sealed)
{
    struct ticket ticket;
    int const fits = ticket_open(hs, sealed, &ticket) && ticket.suite->version == TLS_1_3
                     && ticket.suite->hash == hs->suite->hash;
    if (fits) {
        note_session(hs, &ticket);
        memcpy(hs->secret.psk, ticket.secret, ticket_secret_size(ticket.suite));
    }
    crypto_wipe(&ticket, sizeof ticket);
    return fits;
}

static int check_binder(struct handshake *hs, struct client_hello const *hello)
{
    struct reader binders = reader_on(hello->psk_binders);
    for (unsigned int i = 0; i < hs->psk_identity; i++) read_vector8(&binders);
    return is_bound(hs, read_vector8(&binders)) || fail(hs, TLS_DECRYPT_ERROR, "wrong binder of a session ticket");
}

int choose_psk(struct handshake *hs, struct client_hello const *hello)
{
    struct reader identities = reader_on(hello->psk_identities);
    hs->gives_ticket = has_tickets(hs) && has_mode(hello);
    if (!hs->gives_ticket) return 1;
    for (; identities.left && hs->psk_identity < MAX_TRIED; hs->psk_identity++) {
        struct span const identity = read_vector16(&identities);
        read_bytes(&identities, 4); /* its age is only of interest for early data, which we never take */
        if (take_psk(hs, identity)) return check_binder(hs, hello);
    }
    return 1;
}

int send_ticket13(struct handshake *hs)
{
    static unsigned char const nonce[] = { 0 }; /* there is no second ticket */
    unsigned char psk[CRYPTO_MAX_HASH], age_add[4];

    if (!hs->gives_ticket || !ticket_lifetime(hs)) return 1;
    hs->config->random.fill(hs->config->random.ctx, age_add, sizeof age_add);
    schedule_resumption(hs, nonce, sizeof nonce, psk);
    struct writer *w = begin_message(hs, TLS_NEW_SESSION_TICKET);
    put_lifetime(hs, w);
    write_bytes(w, age_add, sizeof age_add);
    write8(w, sizeof nonce);
    write_bytes(w, nonce, sizeof nonce);
    put_ticket(hs, w, psk);
    write16(w, 0); /* no extensions */
    crypto_wipe(psk, sizeof psk);
    return end_message(hs) && flush_flight(hs);
}

/* ---- TLS 1.2 ---- */

/* RFC 7627, 5.3: a session had an extended master secret, and has it again. */
static int take_session12(struct handshake *hs, struct client_hello const *hello, struct ticket const *ticket)
{
    if (ticket->suite != hs->suite) return 1;
    if (!HAS(&hello->x, EXT_EXTENDED_MASTER_SECRET))
        return fail(hs, TLS_HANDSHAKE_FAILURE, "resumption without extended master secret");
    note_session(hs, ticket);
    memcpy(hs->secret.master, ticket->secret, sizeof hs->secret.master);
    /* The client's session id says that it is resumed (RFC 5077, 3.4). */
    hs->session_id_len = hello->session_id.len;
    memcpy(hs->session_id, hello->session_id.p, hello->session_id.len);
    return 1;
}

int choose_session12(struct handshake *hs, struct client_hello const *hello)
{
    struct ticket ticket;
    struct span const sealed = hello->x.body[EXT_SESSION_TICKET];
    if (!has_tickets(hs)) return 1;
    hs->gives_ticket = sealed.p && HAS(&hello->x, EXT_EXTENDED_MASTER_SECRET);
    if (!ticket_open(hs, sealed, &ticket)) return 1;
    int const taken = take_session12(hs, hello, &ticket);
    crypto_wipe(&ticket, sizeof ticket);
    return taken;
}

int write_ticket12(struct handshake *hs)
{
    struct writer *w = begin_message(hs, TLS_NEW_SESSION_TICKET);
    put_lifetime(hs, w);
    put_ticket(hs, w, hs->secret.master);
    return end_message(hs);
}
