/* ISC license. */

/* Session tickets, and what a server makes of those that a client brings
   (RFC 8446, 4.2.11; RFC 5077, 3). Uses $KTLS_PKI. */

#include <time.h>

#include "extension_block.h"
#include "hello.h"
#include "tls/v13/v13.h"

static struct tls_ticket_keys ticket_keys = { .count = 2, .key = { { 1, 2, 3 }, { 4, 5, 6 } } };
static unsigned char const secret[TLS_MAX_SECRET] = { 7, 8, 9 };

struct sealed {
    unsigned char bytes[TICKET_MAX + 1];
    size_t len;
};

/* What a ticket is made from. */
struct origin {
    uint16_t suite;
    char const *name, *credential;
    size_t key; /* which of the two */
    long age;   /* s */
};

static struct origin const usual = { 0x1301, "localhost", "ec256", 0, 0 };

/* As much of a handshake as a ticket depends on. */
static struct handshake *handshake_of(struct origin const *origin)
{
    static struct tls_config config;
    static struct tls_session session;
    static struct tls_ticket_keys keys;
    struct tls_error error;

    tls_config_init(&config);
    keys = (struct tls_ticket_keys){ .count = 1 };
    memcpy(keys.key[0], ticket_keys.key[origin->key], TLS_TICKET_KEY);
    config.ticket_keys = &keys;
    struct handshake *hs = tls_handshake_new(&config, &(struct tls_transport){ NULL, NULL, NULL }, &session, &error);
    hs->suite = crypto_suite_by_id(origin->suite);
    hs->credential = credential(origin->credential);
    snprintf(session.server_name, sizeof session.server_name, "%s", origin->name);
    hs->resumes = 1;
    hs->since = (uint64_t)(time(NULL) - origin->age);
    return hs;
}

static struct sealed seal(struct origin const *origin)
{
    struct sealed sealed;
    struct handshake *hs = handshake_of(origin);
    sealed.len = tls_ticket_seal(hs, secret, sealed.bytes);
    tls_handshake_free(hs);
    return sealed;
}

static int opens(struct sealed const *sealed, struct origin const *origin, struct ticket *ticket)
{
    struct handshake *hs = handshake_of(origin);
    int const opened = tls_ticket_open(hs, (struct span){ sealed->bytes, sealed->len }, ticket);
    tls_handshake_free(hs);
    return opened;
}

static void tickets(void)
{
    struct ticket ticket;
    for (size_t i = 0; i < CRYPTO_SUITES; i++) {
        struct crypto_suite const *suite = crypto_suites + i;
        struct origin const origin = { suite->id, "localhost", "rsa", 0, 100 };
        struct sealed const sealed = seal(&origin);
        long const age = opens(&sealed, &origin, &ticket) ? (long)((uint64_t)time(NULL) - ticket.since) : -1;
        ok(ticket.suite == suite && age >= 100 && age <= 102, "%s: a ticket opens", suite->name);
        is_mem(ticket.secret, secret, tls_ticket_secret_size(suite), "%s: to what was in it", suite->name);
    }
    struct sealed const one = seal(&usual), other = seal(&usual);
    ok(one.len == other.len && memcmp(one.bytes, other.bytes, one.len), "no two tickets are the same");
}

static void bindings(void)
{
    static struct {
        char const *what;
        struct origin origin;
        int good;
    } const cases[] = {
        { "the same session", { 0x1301, "localhost", "ec256", 0, 0 }, 1 },
        { "another ticket key", { 0x1301, "localhost", "ec256", 1, 0 }, 0 },
        { "another server name", { 0x1301, "localhost.test", "ec256", 0, 0 }, 0 },
        { "no server name", { 0x1301, "", "ec256", 0, 0 }, 0 },
        { "another certificate", { 0x1301, "localhost", "ec384", 0, 0 }, 0 },
    };
    struct sealed const sealed = seal(&usual);
    struct ticket ticket;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(opens(&sealed, &cases[i].origin, &ticket) == cases[i].good, "a ticket for %s", cases[i].what);
}

static void ages(void)
{
    static unsigned char const nothing[TLS_MAX_SECRET];
    static struct {
        long age;
        int good;
    } const cases[] = { { 0, 1 }, { 86390, 1 }, { 86400, 0 }, { 1000000000, 0 }, { -60, 0 } };
    struct ticket ticket;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct origin origin = usual;
        origin.age = cases[i].age;
        struct sealed const sealed = seal(&origin);
        ok(opens(&sealed, &usual, &ticket) == cases[i].good, "a full handshake %ld s ago", cases[i].age);
        if (!cases[i].good) is_mem(ticket.secret, nothing, sizeof nothing, "and its secret stays where it was");
    }
}

static void spoilt(void)
{
    struct sealed const good = seal(&usual);
    struct ticket ticket;
    int opened = 0;
    for (size_t bit = 0; bit < 8 * good.len; bit++) {
        struct sealed bad = good;
        bad.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        opened += opens(&bad, &usual, &ticket);
    }
    ok(!opened, "no ticket with one bit changed");
    for (size_t len = 0; len <= TICKET_MAX + 1; len++) {
        struct sealed bad = good;
        bad.len = len;
        opened += len != good.len && opens(&bad, &usual, &ticket);
    }
    ok(!opened, "and none of another length");
}

/* ---- RFC 8448, 4: the binder ---- */

#define RFC8448_HELLO                                                                                        \
    "010001fc03031bc3ceb6bbe39cff938355b5a50adb6db21b7a6af649d7b4bc419d7876487d950000061301130313020100"     \
    "01cd0000000b0009000006736572766572ff01000100000a00140012001d00170018001901000101010201030104003300"     \
    "260024001d0020e4ffb68ac05f8d96c99da26698346c6be16482badddafe051a66b4f18d668f0b002a0000002b00030203"     \
    "04000d0020001e04030503060302030804080508060401050106010201040205020602020200" "2d00020101001c000240" \
    "0100150057" ZERO32 ZERO32 "0000000000000000000000000000000000000000000000"                              \
    "002900dd00b800b22c035d829359ee5ff7af4ec900000000262a6494dc486d2c8a34cb33fa90bf1b0070ad3c498883c936"     \
    "7c09a2be785abc55cd226097a3a982117283f82a03a143efd3ff5dd36d64e861be7fd61d2827db279cce145077d454a366"     \
    "4d4e6da4d29ee03725a6a4dafcd0fc67d2aea70529513e3da2677fa5906c5b3f7d8f92f228bda40dda721470f9fbf297b5"     \
    "aea617646fac5c03272e970727c621a79141ef5f7de6505e5bfbc388e93343694093934ae4d357fad6aacb"
#define RFC8448_PSK "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3"
#define RFC8448_BINDER "3add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d"

static void trace(void)
{
    struct handshake *hs = handshake_of(&usual);
    struct bytes const hello = hex(RFC8448_HELLO), psk = hex(RFC8448_PSK);
    struct bytes binder = hex(RFC8448_BINDER);
    crypto_transcript_add(&hs->transcript, hello.data, hello.len);
    hs->at_binders = hs->transcript;
    memcpy(hs->secret.psk, psk.data, psk.len);
    ok(hello.len == 477 && tls_is_bound(hs, (struct span){ binder.data, binder.len }), "RFC 8448, 4: the binder");
    ok(!tls_is_bound(hs, (struct span){ binder.data, binder.len - 1 }), "one byte less is none");
    binder.data[31] ^= 1;
    ok(!tls_is_bound(hs, (struct span){ binder.data, binder.len }), "nor is another one");
    tls_handshake_free(hs);
}

/* ---- TLS 1.3: what the server does with an offer ---- */

enum { FULL = -10 }; /* accepted, with nothing resumed */

struct offer {
    char const *what;
    char const *tickets; /* of each: g good, x garbage, r for RSA, o too old, 4 of SHA-384, c of ChaCha20, 2 of 1.2 */
    char const *modes;
    size_t bound; /* this binder alone is right */
    int expected; /* the identity chosen, FULL, or the alert */
};

static struct offer const offers13[] = {
    { "a ticket", "g", "0101", 0, 0 },
    { "a ticket with a wrong binder", "g", "0101", 1, TLS_DECRYPT_ERROR },
    { "garbage", "x", "0101", 0, FULL },
    { "garbage before it", "xg", "0101", 1, 1 },
    { "garbage before it, the binders exchanged", "xg", "0101", 0, TLS_DECRYPT_ERROR },
    { "two of them, the first counts", "gg", "0101", 0, 0 },
    { "two of them, only the second bound", "gg", "0101", 1, TLS_DECRYPT_ERROR },
    { "the fourth", "xxxg", "0101", 3, 3 },
    { "the fifth", "xxxxg", "0101", 4, FULL },
    { "one that is too old", "o", "0101", 0, FULL },
    { "one for another certificate", "r", "0101", 0, FULL },
    { "one of another hash", "4", "0101", 0, FULL },
    { "one of another suite with the same hash", "c", "0101", 0, 0 },
    { "one of TLS 1.2", "2", "0101", 0, FULL },
    { "psk_ke alone", "g", "0100", 0, FULL },
    { "psk_ke too", "g", "020001", 0, 0 },
};

static struct sealed make_ticket(char kind)
{
    struct origin origin = usual;
    if (kind == 'o') origin.age = 90000;
    if (kind == 'r') origin.credential = "rsa";
    if (kind == '4') origin.suite = 0x1302;
    if (kind == 'c') origin.suite = 0x1303;
    if (kind == '2') origin.suite = 0xc02b;
    struct sealed sealed = seal(&origin);
    if (kind == 'x') sealed.bytes[sealed.len / 2] ^= 1;
    return sealed;
}

/* With binders of zeros. */
static void put_tickets(struct spec *spec, char const *kinds)
{
    struct bytes *body = &spec->extension[spec->count].body;
    struct writer w = { .p = body->data, .max = sizeof body->data };
    size_t const identities = tls_open_vector(&w, 2), count = strlen(kinds);
    for (size_t i = 0; i < count; i++) {
        struct sealed const sealed = make_ticket(kinds[i]);
        size_t const identity = tls_open_vector(&w, 2);
        tls_write_bytes(&w, sealed.bytes, sealed.len);
        tls_close_vector(&w, identity, 2);
        tls_write16(&w, 0), tls_write16(&w, 0);
    }
    tls_close_vector(&w, identities, 2);
    tls_write16(&w, (unsigned int)(33 * count));
    for (size_t i = 0; i < count; i++) {
        tls_write8(&w, 32);
        for (size_t j = 0; j < 32; j++) tls_write8(&w, 0);
    }
    body->len = w.len;
    spec->extension[spec->count++].type = 41;
}

static void make_binder(unsigned char const *hello, size_t len, unsigned char binder[32])
{
    static unsigned char const zero[32];
    unsigned char key[32], hash[32];
    crypto_hkdf_extract(CRYPTO_SHA256, zero, 32, secret, 32, key);
    crypto_hash(CRYPTO_SHA256, "", 0, hash);
    crypto_hkdf_expand_label(CRYPTO_SHA256, key, "res binder", hash, 32, key, 32);
    crypto_hkdf_expand_label(CRYPTO_SHA256, key, "finished", NULL, 0, key, 32);
    crypto_hash(CRYPTO_SHA256, hello, len, hash);
    crypto_hmac(CRYPTO_SHA256, key, 32, hash, 32, binder);
}

static void resuming_server(void)
{
    server_config();
    server.config.ticket_keys = &ticket_keys;
    tape_clear(&tape);
}

static void bring(struct offer const *offer)
{
    unsigned char message[4096];
    struct spec spec;
    size_t const count = strlen(offer->tickets);
    spec_base(&spec, TLS_1_3);
    spec.suites = hex("1301");
    spec_add(&spec, 45, offer->modes);
    put_tickets(&spec, offer->tickets);
    size_t const len = spec_write(&spec, message, sizeof message), list = len - 33 * count;
    if (offer->bound < count) make_binder(message, list - 2, message + list + 33 * offer->bound + 1);
    tape_record(KTLS_HANDSHAKE, message, len);
    serve_tape();
}

static struct span answered(unsigned int type)
{
    struct reader r = tls_reader_on((struct span){ tape.out, tape.out_len });
    tls_read_bytes(&r, TLS_RECORD_HEADER + 4 + 2 + 32);
    tls_read_vector8(&r);
    tls_read_bytes(&r, 3);
    return find_extension(tls_read_vector16(&r), type);
}

static int chosen13(void)
{
    struct span const identity = outcome() == ACCEPT ? answered(41) : (struct span){ 0 };
    return outcome() != ACCEPT ? outcome() : identity.p ? identity.p[0] << 8 | identity.p[1] : FULL;
}

static void offered13(void)
{
    for (size_t i = 0; i < sizeof offers13 / sizeof *offers13; i++) {
        resuming_server();
        bring(offers13 + i);
        int const got = chosen13();
        ok(got == offers13[i].expected, "1.3, %s: %d", offers13[i].what, got);
    }
    resuming_server();
    server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
    bring(offers13);
    ok(chosen13() == FULL, "1.3: a server that asks for certificates resumes nothing");
    resuming_server();
    server.config.ticket_keys = NULL;
    bring(offers13);
    ok(chosen13() == FULL, "1.3: nor does one without keys");
    resuming_server();
    struct tls_ticket_keys const turned = { .count = 2, .key = { { 4, 5, 6 }, { 1, 2, 3 } } };
    server.config.ticket_keys = &turned;
    bring(offers13);
    ok(chosen13() == 0, "1.3: an older key still opens");
    resuming_server();
    server.config.choose = (struct tls_choose){ NULL, NULL };
    server.config.credential[0] = credential("ec384");
    bring(offers13);
    ok(chosen13() == FULL, "1.3: the certificate is another one now");
}

/* ---- TLS 1.2 ---- */

enum { ABBREVIATED = -11 };

struct offer12 {
    char const *what;
    char kind; /* 0: an empty extension */
    char const *changes;
    int expected;
};

static struct offer12 const offers12[] = {
    { "a ticket", '2', "sid " SESSION_ID, ABBREVIATED },
    { "a ticket without a session id", '2', "", ABBREVIATED },
    { "a ticket without extended master secret", '2', "del 23", TLS_HANDSHAKE_FAILURE },
    { "no ticket", 0, "sid " SESSION_ID, FULL },
    { "no ticket, without extended master secret", 0, "del 23", FULL },
    { "garbage", 'x', "sid " SESSION_ID, FULL },
    { "one of TLS 1.3", 'g', "sid " SESSION_ID, FULL },
    { "another name", '2', "set 0 000c0000096c6f63616c686f7375", FULL },
    { "another suite", '2', "suites c02c", FULL },
    { "another certificate", '2', "suites c02f", FULL },
};

static int chosen12(void)
{
    struct reader r = tls_reader_on((struct span){ tape.out, tape.out_len });
    if (outcome() != ACCEPT) return outcome();
    tls_read_bytes(&r, 3);
    tls_read_vector16(&r);
    return tls_read8(&r) == KTLS_CHANGE_CIPHER_SPEC ? ABBREVIATED : FULL;
}

static void offered12(void)
{
    for (size_t i = 0; i < sizeof offers12 / sizeof *offers12; i++) {
        struct offer12 const *offer = offers12 + i;
        struct spec spec;
        resuming_server();
        spec_base(&spec, TLS_1_2);
        spec.suites = hex("c02b");
        spec_add(&spec, 35, "");
        if (offer->kind) {
            struct sealed const sealed = make_ticket(offer->kind);
            spec.extension[spec.count - 1].body.len = sealed.len;
            memcpy(spec.extension[spec.count - 1].body.data, sealed.bytes, sealed.len);
        }
        spec_apply(&spec, offer->changes);
        tape_hello(&spec);
        serve_tape();
        int const got = chosen12(), promises = answered(35).p != NULL;
        int const has_secret = spec_find(&spec, 23) < spec.count;
        ok(got == offer->expected, "1.2, %s: %d", offer->what, got);
        if (got == FULL) ok(promises == has_secret, "1.2, %s: a ticket will come, or not", offer->what);
        if (got == ABBREVIATED)
            is_mem(tape.out + TLS_RECORD_HEADER + 4 + 2 + 32 + 1, spec.session_id.data, spec.session_id.len,
                   "1.2, %s: the session id comes back", offer->what);
    }
}

int main(void)
{
    loopback_reset();
    tickets();
    bindings();
    ages();
    spoilt();
    trace();
    offered13();
    offered12();
    return done_testing();
}
