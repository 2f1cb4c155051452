/* ISC license. */

/* What our client offers, and what it makes of answers that need no keys: HelloRetryRequest (RFC
 * 8446, 4.1.4). */

#include "hex.h"
#include "tap.h"
#include "tape.h"
#include "tls/entry/entry.h"

static struct tape tape;
static struct tls_config config;
static struct tls_session session;
static struct tls_error error;

static void fill_same(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    memset(buf, 0x42, len);
}

static void begin(void)
{
    tape_clear(&tape);
    tls_config_init(&config);
    config.server_name = "example.test";
    config.random.fill = fill_same;
}

static void run(void)
{
    struct tls_transport const transport = tape_transport(&tape);
    if (tls_client_handshake(&config, &transport, &session, &error)) abort();
    if (error.went_on) ok(0, "the client goes on after '%s'", error.reason);
}

/* ---- our hello ---- */

static struct client_hello hello;

static void parse_hello(size_t record_at)
{
    static struct handshake hs;
    struct reader r = tls_reader_on((struct span){ tape.out + record_at, tape.out_len - record_at });
    tls_read_bytes(&r, 3);
    struct span const record = tls_read_vector16(&r);
    struct message m = { .type = TLS_CLIENT_HELLO, .body = { record.p + 4, record.len - 4 } };
    hs.error = &error;
    memset(&error, 0, sizeof error);
    ok(record.p[0] == TLS_CLIENT_HELLO && tls_parse_client_hello(&hs, &m, &hello), "our hello is well-formed");
}

static int offers_exactly(unsigned int mask)
{
    unsigned int got = 0;
    for (enum extension e = 0; e < EXTENSIONS; e++)
        if (HAS(&hello.x, e)) got |= BIT(e);
    if (got != mask) diag("extensions %x, wanted %x", got, mask);
    return got == mask;
}

static unsigned int const both = BIT(EXT_SUPPORTED_GROUPS) | BIT(EXT_SIGNATURE_ALGORITHMS);
static unsigned int const for_12 = BIT(EXT_EC_POINT_FORMATS) | BIT(EXT_EXTENDED_MASTER_SECRET) |
                                   BIT(EXT_RENEGOTIATION_INFO);
static unsigned int const for_13 = BIT(EXT_SUPPORTED_VERSIONS) | BIT(EXT_KEY_SHARE);

static void offered(char const *what, unsigned int mask)
{
    run();
    ok(tape.out[0] == KTLS_HANDSHAKE && tape.out[1] == 3 && tape.out[2] == 1, "%s: record version 3.1", what);
    ok(tape.writes == 1, "%s: one write", what);
    parse_hello(0);
    ok(offers_exactly(mask), "%s: extensions", what);
    ok(hello.legacy_version == 0x0303 && hello.compression.len == 1 && !hello.compression.p[0],
       "%s: legacy fields", what);
}

static void our_hellos(void)
{
    static unsigned char const protocols[] = "\x02h2";
    begin();
    offered("both versions", both | for_12 | for_13 | BIT(EXT_SERVER_NAME));
    ok(hello.session_id.len == 32, "a session id for the middleboxes");
    ok(hello.cipher_suites.len == 2 * CRYPTO_SUITES, "all suites");
    ok(hello.versions.len == 4 && tls_list16_has(hello.versions, TLS_1_2) && tls_list16_has(hello.versions, TLS_1_3),
       "both versions");
    ok(hello.shares.len == 2 + 2 + 1216 + 2 + 2 + 32 && hello.shares.p[0] == 0x11 && hello.shares.p[1] == 0xec,
       "X25519MLKEM768's share, and X25519's");
    is_mem(hello.shares.p + hello.shares.len - 32, hello.shares.p + 4 + 1216 - 32, 32, "with the same point");

    begin();
    config.max_version = TLS_1_2;
    offered("1.2", both | for_12 | BIT(EXT_SERVER_NAME));
    ok(!hello.session_id.len && hello.cipher_suites.len == 12, "1.2: no session id, its suites only");

    begin();
    config.min_version = TLS_1_3;
    offered("1.3", both | for_13 | BIT(EXT_SERVER_NAME));
    ok(hello.cipher_suites.len == 6 && hello.versions.len == 2, "1.3: its suites only");

    begin();
    config.server_name = "192.0.2.1";
    config.ask_tickets = 1;
    config.alpn = protocols;
    config.alpn_len = sizeof protocols - 1;
    offered("an address, tickets, ALPN",
            both | for_12 | for_13 | BIT(EXT_PSK_KEY_EXCHANGE_MODES) | BIT(EXT_ALPN));
}

/* ---- answers ---- */

#define RETRY_RANDOM "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
#define HELLO_RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SESSION_ID "4242424242424242424242424242424242424242424242424242424242424242"
#define P256_SHARE                                                                                           \
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                                     \
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define IN_1_3 "002b00020304"
#define FOR_P256 "003300020017"
#define SHARE_P256 "0033004500170041" P256_SHARE

struct answer {
    char const *random, *session_id, *suite, *compression, *extensions;
};

static void play(struct answer const *a)
{
    struct bytes const random = hex(a->random), session_id = hex(a->session_id), suite = hex(a->suite);
    struct bytes const compression = hex(a->compression), extensions = hex(a->extensions);
    unsigned char record[1024];
    struct writer w = { .p = record, .max = sizeof record };
    tls_write8(&w, KTLS_HANDSHAKE);
    tls_write16(&w, 0x0303);
    size_t const fragment = tls_open_vector(&w, 2);
    tls_write8(&w, TLS_SERVER_HELLO);
    size_t const message = tls_open_vector(&w, 3);
    tls_write16(&w, 0x0303);
    tls_write_bytes(&w, random.data, random.len);
    size_t mark = tls_open_vector(&w, 1);
    tls_write_bytes(&w, session_id.data, session_id.len);
    tls_close_vector(&w, mark, 1);
    tls_write_bytes(&w, suite.data, suite.len);
    tls_write_bytes(&w, compression.data, compression.len);
    mark = tls_open_vector(&w, 2);
    tls_write_bytes(&w, extensions.data, extensions.len);
    tls_close_vector(&w, mark, 2);
    tls_close_vector(&w, message, 3);
    tls_close_vector(&w, fragment, 2);
    tape_put(&tape, w.p, w.len);
}

static struct {
    char const *what;
    struct answer first, second;
    int expected; /* 0: the client waits for more */
} const retries[] = {
#define GOOD { RETRY_RANDOM, SESSION_ID, "1301", "00", FOR_P256 IN_1_3 }
    { "a second HelloRetryRequest", GOOD, GOOD, TLS_UNEXPECTED_MESSAGE },
    { "a second one for yet another group",
      GOOD,
      { RETRY_RANDOM, SESSION_ID, "1301", "00", "003300020018" IN_1_3 },
      TLS_UNEXPECTED_MESSAGE },
    { "another suite",
      GOOD,
      { HELLO_RANDOM, SESSION_ID, "1303", "00", SHARE_P256 IN_1_3 },
      TLS_ILLEGAL_PARAMETER },
    { "another session id",
      GOOD,
      { HELLO_RANDOM, "42", "1301", "00", SHARE_P256 IN_1_3 },
      TLS_ILLEGAL_PARAMETER },
    { "compression",
      GOOD,
      { HELLO_RANDOM, SESSION_ID, "1301", "01", SHARE_P256 IN_1_3 },
      TLS_ILLEGAL_PARAMETER },
    { "1.2", GOOD, { HELLO_RANDOM, "", "c02b", "00", "" }, TLS_ILLEGAL_PARAMETER },
    { "1.2 by a 1.3 suite",
      GOOD,
      { HELLO_RANDOM, SESSION_ID, "1301", "00", SHARE_P256 },
      TLS_ILLEGAL_PARAMETER },
    { "the share of the first hello",
      GOOD,
      { HELLO_RANDOM, SESSION_ID, "1301", "00", "00330024001d0020" HELLO_RANDOM IN_1_3 },
      TLS_ILLEGAL_PARAMETER },
    { "a point off the curve",
      GOOD,
      { HELLO_RANDOM, SESSION_ID, "1301", "00",
        "0033004500170041 04" HELLO_RANDOM HELLO_RANDOM IN_1_3 },
      TLS_ILLEGAL_PARAMETER },
    { "no share", GOOD, { HELLO_RANDOM, SESSION_ID, "1301", "00", IN_1_3 }, TLS_MISSING_EXTENSION },
    { "a cookie in ServerHello",
      GOOD,
      { HELLO_RANDOM, SESSION_ID, "1301", "00", SHARE_P256 IN_1_3 "002c00030001aa" },
      -1 },
    { "a good ServerHello", GOOD, { HELLO_RANDOM, SESSION_ID, "1301", "00", SHARE_P256 IN_1_3 }, 0 },
    { "a cookie, no group",
      { RETRY_RANDOM, SESSION_ID, "1301", "00", IN_1_3 "002c00030001aa" },
      { HELLO_RANDOM, SESSION_ID, "1301", "00", "00330024001d0020" P256_SHARE IN_1_3 },
      TLS_DECODE_ERROR },
    { "a cookie, no group, then X25519",
      { RETRY_RANDOM, SESSION_ID, "1301", "00", IN_1_3 "002c00030001aa" },
      { HELLO_RANDOM, SESSION_ID, "1301", "00", "00330024001d0020" HELLO_RANDOM IN_1_3 },
      0 },
    { "a cookie, no group, then P-256",
      { RETRY_RANDOM, SESSION_ID, "1301", "00", IN_1_3 "002c00030001aa" },
      { HELLO_RANDOM, SESSION_ID, "1301", "00", SHARE_P256 IN_1_3 },
      TLS_ILLEGAL_PARAMETER },
#undef GOOD
};

static int was_sent(int alert)
{
    return error.kind == TLS_ERROR_SENT && error.number == alert;
}

/* A cookie in a ServerHello may be called either unoffered or out of place. */
static int is_right(int expected)
{
    if (expected < 0) return was_sent(TLS_ILLEGAL_PARAMETER) || was_sent(TLS_UNSUPPORTED_EXTENSION);
    return expected ? was_sent(expected) : error.kind == TLS_ERROR_EOF;
}

static void second_answers(void)
{
    for (size_t i = 0; i < sizeof retries / sizeof *retries; i++) {
        char text[200];
        begin();
        play(&retries[i].first);
        play(&retries[i].second);
        run();
        tls_error_text(&error, text, sizeof text);
        ok(is_right(retries[i].expected), "after HelloRetryRequest, %s: %s", retries[i].what, text);
        ok(tape.writes >= 2, "after HelloRetryRequest, %s: there was a second hello", retries[i].what);
    }
}

static void second_hello(void)
{
    struct answer const asks = { RETRY_RANDOM, SESSION_ID, "1302", "00",
                                 FOR_P256 IN_1_3 "002c00050003aabbcc" };
    begin();
    config.alpn = (unsigned char const *)"\x02h2";
    config.alpn_len = 3;
    play(&asks);
    run();
    size_t const first = TLS_RECORD_HEADER + (size_t)(tape.out[3] << 8 | tape.out[4]);
    static struct client_hello one;
    parse_hello(0);
    one = hello;
    ok(!memcmp(tape.out + first, "\x14\x03\x03\x00\x01\x01", 6), "a dummy ChangeCipherSpec first");
    ok(tape.out[first + 6 + 1] == 3 && tape.out[first + 6 + 2] == 3, "record version 3.3");
    parse_hello(first + 6);
    ok(tls_span_equal(one.random, hello.random) && tls_span_equal(one.session_id, hello.session_id) &&
           tls_span_equal(one.cipher_suites, hello.cipher_suites) && tls_span_equal(one.versions, hello.versions) &&
           tls_span_equal(one.groups, hello.groups) && tls_span_equal(one.alpn, hello.alpn),
       "what must stay stays");
    ok(hello.shares.len == 4 + 65 && hello.shares.p[1] == CRYPTO_SECP256R1,
       "one share, the one that was asked for");
    struct span const cookie = hello.x.body[EXT_COOKIE];
    ok(cookie.len == 5 && !memcmp(cookie.p, "\x00\x03\xaa\xbb\xcc", 5), "the cookie");
    ok(tape.writes == 2, "one write");
}

/* In a 1.2 answer our session id would resume what never was. */
static void resumption(void)
{
    static struct answer const echoed = { HELLO_RANDOM, SESSION_ID, "c02b", "00", "ff01000100" };
    static struct answer const fresh = { HELLO_RANDOM, "4343", "c02b", "00", "ff01000100" };
    static struct answer const none = { HELLO_RANDOM, "", "c02b", "00", "ff01000100" };
    begin();
    play(&echoed);
    run();
    ok(was_sent(TLS_ILLEGAL_PARAMETER), "1.2 with our session id");
    begin();
    play(&fresh);
    run();
    ok(error.kind == TLS_ERROR_EOF, "1.2 with a session id of the server's");
    begin();
    play(&none);
    run();
    ok(error.kind == TLS_ERROR_EOF, "1.2 without a session id");
}

static void unrelated_answers(void)
{
    static struct {
        char const *what, *record;
        enum tls_error_kind kind;
        int number;
    } const cases[] = {
        { "nothing", "", TLS_ERROR_EOF, 0 },
        { "half a header", "1603", TLS_ERROR_EOF, 0 },
        { "HTTP", "485454502f312e3120343030", TLS_ERROR_SENT, TLS_UNEXPECTED_MESSAGE },
        { "SMTP", "3232302068656c6c6f0d0a", TLS_ERROR_SENT, TLS_UNEXPECTED_MESSAGE },
        { "protocol_version", "15030100020246", TLS_ERROR_RECEIVED, TLS_PROTOCOL_VERSION },
        { "handshake_failure", "15030300020228", TLS_ERROR_RECEIVED, TLS_HANDSHAKE_FAILURE },
        { "close_notify", "15030300020100", TLS_ERROR_RECEIVED, TLS_CLOSE_NOTIFY },
        { "a ClientHello", "160303000401000000", TLS_ERROR_SENT, TLS_UNEXPECTED_MESSAGE },
        { "application data", "170303000161", TLS_ERROR_SENT, TLS_UNEXPECTED_MESSAGE },
        { "ChangeCipherSpec of 2", "140303000102", TLS_ERROR_SENT, TLS_UNEXPECTED_MESSAGE },
        { "16385 bytes", "160303400100", TLS_ERROR_SENT, TLS_RECORD_OVERFLOW },
        { "unrecognized_name as a warning, then nothing", "15030300020170", TLS_ERROR_EOF, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes const record = hex(cases[i].record);
        char text[200];
        begin();
        tape_put(&tape, record.data, record.len);
        run();
        tls_error_text(&error, text, sizeof text);
        ok(error.kind == cases[i].kind && error.number == cases[i].number, "the server says %s: %s",
           cases[i].what, text);
        ok(tape.writes == 1u + (error.kind == TLS_ERROR_SENT), "%s: nothing else is sent", cases[i].what);
    }
}

int main(void)
{
    our_hellos();
    second_answers();
    second_hello();
    resumption();
    unrelated_answers();
    return done_testing();
}
