/* ISC license. */

/*
 * Session tickets (RFC 8446, 4.6.1; RFC 5077): the state of a session, sealed by
 * the server and stored by the client. A ticket is a random salt and a record of
 * TLS 1.3. The keys of that record are derived from the ticket key, the salt, and
 * the server name and certificate that the ticket is valid for.
 */

#include <string.h>
#include <time.h>

#include "tls/handshake.h"

#define FORMAT 1
#define SALT 32
#define HEAD (1 + 2 + 8) /* format, suite, since */
#define SUITE 0x1303     /* TLS_CHACHA20_POLY1305_SHA256, which is constant-time everywhere */
#define MAX_AGE 86400    /* s; counted from the full handshake, however often it was resumed */

_Static_assert(TICKET_MAX == SALT + TLS_RECORD_HEADER + HEAD + TLS_MAX_SECRET + 1 + CRYPTO_TAG, "room for a ticket");

size_t tls_ticket_secret_size(struct crypto_suite const *suite)
{
    return suite->version == TLS_1_2 ? TLS_MAX_SECRET : crypto_hash_size(suite->hash);
}

static void derive_keys(struct handshake const *hs, unsigned char const *ticket_key, unsigned char const *salt,
                        struct ktls_traffic_keys *keys)
{
    struct x509_certificate const *cert = hs->credential->chain.cert;
    char const *name = hs->session->server_name;
    unsigned char purpose[SALT + 32 + X509_MAX_NAME], context[32], secret[CRYPTO_MAX_HASH];
    size_t const name_len = strlen(name);

    memcpy(purpose, salt, SALT);
    crypto_hash(CRYPTO_SHA256, cert->der, cert->len, purpose + SALT);
    memcpy(purpose + SALT + 32, name, name_len);
    crypto_hash(CRYPTO_SHA256, purpose, SALT + 32 + name_len, context);
    crypto_hkdf_expand_label(CRYPTO_SHA256, ticket_key, "ticket", context, sizeof context, secret, 32);
    crypto_traffic_keys(crypto_suite_by_id(SUITE), secret, keys);
    crypto_wipe(secret, sizeof secret);
}

static uint64_t now(void)
{
    return (uint64_t)time(NULL);
}

unsigned int tls_ticket_lifetime(struct handshake const *hs)
{
    uint64_t const age = now() - hs->since;
    return !hs->resumes ? MAX_AGE : age < MAX_AGE ? (unsigned int)(MAX_AGE - age) : 0;
}

/* ---- sealing ---- */

static void write64(struct writer *w, uint64_t n)
{
    for (int shift = 48; shift >= 0; shift -= 16) tls_write16(w, (unsigned int)(n >> shift) & 0xffff);
}

size_t tls_ticket_seal(struct handshake const *hs, unsigned char const *secret, unsigned char ticket[TICKET_MAX])
{
    unsigned char content[HEAD + TLS_MAX_SECRET];
    struct writer w = { .p = content, .max = sizeof content };
    struct ktls_traffic_keys keys;

    tls_write8(&w, FORMAT);
    tls_write16(&w, hs->suite->id);
    write64(&w, hs->resumes ? hs->since : now());
    tls_write_bytes(&w, secret, tls_ticket_secret_size(hs->suite));
    hs->config->random.fill(hs->config->random.ctx, ticket, SALT);
    derive_keys(hs, hs->config->ticket_keys->key[0], ticket, &keys);
    size_t const len = crypto_seal_record(&keys, KTLS_HANDSHAKE, content, w.len, ticket + SALT);
    crypto_wipe(content, sizeof content);
    crypto_wipe(&keys, sizeof keys);
    return SALT + len;
}

/* ---- opening ---- */

static int is_fresh(uint64_t since)
{
    return since <= now() && now() - since < MAX_AGE;
}

/* Copies the secret only when the rest of the ticket is valid. */
static int read_content(struct reader *r, struct ticket *ticket)
{
    unsigned int const format = tls_read8(r);
    ticket->suite = crypto_suite_by_id((uint16_t)tls_read16(r));
    for (int i = 0; i < 4; i++) ticket->since = ticket->since << 16 | tls_read16(r);
    if (format != FORMAT || !ticket->suite) return 0;
    struct span const secret = tls_read_bytes(r, tls_ticket_secret_size(ticket->suite));
    if (!tls_read_to_end(r) || !is_fresh(ticket->since)) return 0;
    memcpy(ticket->secret, secret.p, secret.len);
    return 1;
}

static int open_with(struct handshake const *hs, unsigned char const *ticket_key, struct span sealed,
                     struct ticket *ticket)
{
    unsigned char bytes[TICKET_MAX], *content = bytes, type;
    struct ktls_traffic_keys keys;
    size_t const head = SALT + TLS_RECORD_HEADER;

    memcpy(bytes, sealed.p, sealed.len);
    derive_keys(hs, ticket_key, bytes, &keys);
    long const len = crypto_open_record(&keys, bytes + SALT, bytes + head, sealed.len - head, &type, &content);
    struct reader r = tls_reader_on((struct span){ content, len < 0 ? 0 : (size_t)len });
    *ticket = (struct ticket){ .suite = NULL };
    int const opened = len >= 0 && read_content(&r, ticket);
    crypto_wipe(bytes, sizeof bytes);
    crypto_wipe(&keys, sizeof keys);
    return opened;
}

int tls_ticket_open(struct handshake const *hs, struct span sealed, struct ticket *ticket)
{
    struct tls_ticket_keys const *keys = hs->config->ticket_keys;
    if (sealed.len < SALT + TLS_RECORD_HEADER || sealed.len > TICKET_MAX) return 0;
    for (size_t i = 0; i < keys->count; i++)
        if (open_with(hs, keys->key[i], sealed, ticket)) return 1;
    return 0;
}

/* ---- in messages ---- */

/* With client authentication there is no resumption: the client's certificate would not be verified again. */
int tls_has_tickets(struct handshake const *hs)
{
    return hs->config->ticket_keys && hs->config->ticket_keys->count && !hs->config->client_auth;
}

void tls_put_lifetime(struct handshake const *hs, struct writer *w)
{
    unsigned int const lifetime = tls_ticket_lifetime(hs);
    tls_write16(w, lifetime >> 16);
    tls_write16(w, lifetime & 0xffff);
}

void tls_put_ticket(struct handshake *hs, struct writer *w, unsigned char const *secret)
{
    unsigned char ticket[TICKET_MAX];
    size_t const mark = tls_open_vector(w, 2);
    tls_write_bytes(w, ticket, tls_ticket_seal(hs, secret, ticket));
    tls_close_vector(w, mark, 2);
}

void tls_note_session(struct handshake *hs, struct ticket const *ticket)
{
    hs->resumes = 1;
    hs->since = ticket->since;
}
