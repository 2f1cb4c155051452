/* ISC license. */

/* Session tickets by themselves: what is opened again, by whom, and for how long. Uses
   $KTLS_PKI. */

#include <time.h>

#include "hex.h"
#include "loopback.h"
#include "tls/handshake.h"

#define DAY 86400u
#define SALT 32

static struct tls_ticket_keys keys;
static struct tls_session session;
static struct tls_error error;
static struct tls_config config;
static unsigned char const secret[TLS_MAX_SECRET] = "a secret of 48 bytes, none of which may be lost";

static struct handshake *server_with(uint16_t suite)
{
    struct tls_transport const nowhere = { .read = NULL };
    tls_config_init(&config);
    config.ticket_keys = &keys;
    struct handshake *hs = tls_handshake_new(&config, &nowhere, &session, &error);
    if (!hs) abort();
    hs->is_server = 1;
    hs->suite = crypto_suite_by_id(suite);
    hs->credential = credential("ec256");
    memcpy(session.server_name, "localhost", sizeof "localhost");
    return hs;
}

static void reset_keys(void)
{
    keys = (struct tls_ticket_keys){ .count = 1 };
    for (size_t i = 0; i < TLS_MAX_TICKET_KEYS; i++) memset(keys.key[i], (int)(i + 1), sizeof keys.key[i]);
}

/* A ticket of a session that began then. */
static size_t seal_since(struct handshake *hs, uint64_t since, unsigned char ticket[TICKET_MAX])
{
    hs->resumes = 1;
    hs->since = since;
    size_t const len = tls_ticket_seal(hs, secret, ticket);
    hs->resumes = 0;
    return len;
}

static int opens(struct handshake const *hs, unsigned char const *ticket, size_t len, struct ticket *found)
{
    static unsigned char copy[TICKET_MAX + 16];
    memcpy(copy, ticket, len);
    return tls_ticket_open(hs, (struct span){ copy, len }, found);
}

static void contents(uint16_t suite)
{
    unsigned char ticket[TICKET_MAX + 16] = { 0 };
    struct ticket found;
    struct handshake *hs = server_with(suite);
    uint64_t const since = (uint64_t)time(NULL) - 1000;
    size_t const size = tls_ticket_secret_size(hs->suite);
    ok(size == (hs->suite->version == TLS_1_2 ? 48 : crypto_hash_size(hs->suite->hash)), "%04x: %zu bytes of secret", suite,
       size);
    reset_keys();
    size_t const len = seal_since(hs, since, ticket);
    ok(len <= TICKET_MAX && opens(hs, ticket, len, &found), "%04x: opened again", suite);
    ok(found.suite == hs->suite && found.since == since && !memcmp(found.secret, secret, size), "%04x: what it holds", suite);

    int cut = 0, longer = 0, changed = 0;
    for (size_t n = 0; n < len; n++) cut += opens(hs, ticket, n, &found);
    for (size_t n = len + 1; n <= len + 16 && n <= sizeof ticket; n++) longer += opens(hs, ticket, n, &found);
    for (size_t i = 0; i < len; i++) {
        ticket[i] ^= 0x40;
        changed += opens(hs, ticket, len, &found);
        ticket[i] ^= 0x40;
    }
    ok(!cut, "%04x: none that is cut", suite);
    ok(!longer, "%04x: none with something behind it", suite);
    ok(!changed, "%04x: none with a changed byte: %d", suite, changed);

    session.server_name[0] ^= 1;
    ok(!opens(hs, ticket, len, &found), "%04x: not for another server name", suite);
    session.server_name[0] ^= 1;
    hs->credential = credential("ec384");
    ok(!opens(hs, ticket, len, &found), "%04x: not for another certificate", suite);
    tls_handshake_free(hs);
}

static void which_keys(void)
{
    unsigned char ticket[TICKET_MAX];
    struct ticket found;
    struct handshake *hs = server_with(0x1301);
    reset_keys();
    size_t const len = seal_since(hs, (uint64_t)time(NULL), ticket);
    for (size_t place = 0; place < TLS_MAX_TICKET_KEYS; place++)
        for (size_t count = 0; count <= TLS_MAX_TICKET_KEYS; count++) {
            reset_keys();
            memset(keys.key[0], 99, sizeof keys.key[0]);
            memset(keys.key[place], 1, sizeof keys.key[0]);
            keys.count = count;
            ok(opens(hs, ticket, len, &found) == (place < count), "its key is number %zu of %zu", place, count);
        }
    tls_handshake_free(hs);
}

/* Within one second of the clock, however slow the machine is. */
static void ages(void)
{
    static struct {
        char const *what;
        long long age;
        int fresh;
    } const rows[] = {
        { "from now", 0, 1 },
        { "from a second later", -1, 0 },
        { "of a day less a second", DAY - 1, 1 },
        { "of a day", DAY, 0 },
        { "of a day and a second", DAY + 1, 0 },
        { "from a day later", -(long long)DAY, 0 },
    };
    struct handshake *hs = server_with(0x1301);
    reset_keys();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char ticket[TICKET_MAX];
        struct ticket found;
        unsigned int lifetime;
        time_t before;
        int opened;
        do {
            before = time(NULL);
            size_t const len = seal_since(hs, (uint64_t)(before - rows[i].age), ticket);
            opened = opens(hs, ticket, len, &found);
            hs->resumes = 1;
            lifetime = tls_ticket_lifetime(hs);
            hs->resumes = 0;
        } while (time(NULL) != before);
        ok(opened == rows[i].fresh, "a ticket %s", rows[i].what);
        if (rows[i].age >= 0)
            ok(lifetime == (rows[i].fresh ? DAY - rows[i].age : 0), "a ticket %s: %u s are left", rows[i].what, lifetime);
    }
    ok(tls_ticket_lifetime(hs) == DAY, "of a new session: a day");
    tls_handshake_free(hs);
}

/* What no server of ours seals, with the right key. */
static void unknown_suite(void)
{
    unsigned char ticket[TICKET_MAX];
    struct ticket found;
    struct handshake *hs = server_with(0x1301);
    struct crypto_suite unknown = *hs->suite;
    struct crypto_suite const *const known = hs->suite;
    reset_keys();
    unknown.id = 0x1399;
    hs->suite = &unknown;
    size_t len = seal_since(hs, (uint64_t)time(NULL), ticket);
    ok(!opens(hs, ticket, len, &found), "a suite that we do not know");
    unknown = *known;
    unknown.version = TLS_1_2; /* its secret is longer */
    len = seal_since(hs, (uint64_t)time(NULL), ticket);
    ok(!opens(hs, ticket, len, &found), "a secret that is longer than the suite's");
    unknown = *crypto_suite_by_id(0x1302);
    unknown.hash = CRYPTO_SHA256;
    len = seal_since(hs, (uint64_t)time(NULL), ticket);
    ok(!opens(hs, ticket, len, &found), "a secret that is shorter than the suite's");
    tls_handshake_free(hs);
}

/* Servers that share a key may be of different versions: the same bytes for the same session. */
static void format(void)
{
    static unsigned char const salt[SALT] = "the salt, which is random else.";
    struct script script = { .next = salt, .left = sizeof salt };
    unsigned char ticket[TICKET_MAX], digest[32];
    char text[2 * sizeof digest + 1];
    struct handshake *hs = server_with(0x1302);
    struct x509_certificate const cert = { (unsigned char const *)"a certificate", 13 };
    struct x509_credential own = { .chain = { .count = 1 } };
    own.chain.cert[0] = cert;
    hs->credential = &own;
    config.random = script_random(&script);
    reset_keys();
    size_t const len = seal_since(hs, 0x0102030405060708, ticket);
    crypto_hash(CRYPTO_SHA256, ticket, len, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    ok(!memcmp(ticket, salt, SALT) && len == SALT + 5 + 1 + 2 + 8 + 48 + 1 + 16, "salt, and a record of TLS 1.3");
    ok(!strcmp(text, "6c169969fe1bfb0a57061c2ee13dccf8b6cefd16d3398cf57b400e5907200afe"), "the ticket's SHA-256: %s", text);
    tls_handshake_free(hs);
}

static void in_messages(void)
{
    unsigned char bytes[TICKET_MAX + 16];
    struct ticket found;
    struct handshake *hs = server_with(0x1301);
    struct writer w = { .p = bytes, .max = sizeof bytes };
    reset_keys();
    tls_put_lifetime(hs, &w);
    ok(w.len == 4 && !memcmp(bytes, "\x00\x01\x51\x80", 4), "ticket_lifetime: a day");
    hs->resumes = 1;
    do {
        hs->since = (uint64_t)time(NULL) - (DAY - 0x8001);
        w.len = 0;
        tls_put_lifetime(hs, &w);
    } while ((uint64_t)time(NULL) != hs->since + (DAY - 0x8001));
    ok(w.len == 4 && !memcmp(bytes, "\x00\x00\x80\x01", 4), "ticket_lifetime: 0x8001 s");
    hs->resumes = 0;
    w.len = 0;
    tls_write8(&w, 0xaa);
    tls_put_ticket(hs, &w, secret);
    size_t const len = (size_t)bytes[1] << 8 | bytes[2];
    ok(bytes[0] == 0xaa && w.len == 3 + len && opens(hs, bytes + 3, len, &found) && !memcmp(found.secret, secret, 32),
       "a ticket behind the two bytes of its length");
    ok(!hs->resumes, "not yet resumed");
    tls_note_session(hs, &found);
    ok(hs->resumes && hs->since == found.since, "a session that goes on keeps its age");
    tls_handshake_free(hs);
}

static void who_has_tickets(void)
{
    struct handshake *hs = server_with(0x1301);
    reset_keys();
    ok(tls_has_tickets(hs), "with a key");
    config.client_auth = TLS_REQUEST_CLIENT_CERT;
    ok(!tls_has_tickets(hs), "not where certificates are asked for");
    config.client_auth = TLS_NO_CLIENT_CERT;
    keys.count = 0;
    ok(!tls_has_tickets(hs), "not with no key");
    config.ticket_keys = NULL;
    ok(!tls_has_tickets(hs), "not without keys");
    tls_handshake_free(hs);
}

int main(void)
{
    static uint16_t const suites[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c };
    loopback_reset();
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) contents(suites[i]);
    which_keys();
    ages();
    unknown_suite();
    format();
    in_messages();
    who_has_tickets();
    return done_testing();
}
