/* ISC license. */

/* The second ClientHello, which may differ from the first only so far (RFC 8446, 4.1.2 and 4.1.4).
   Uses $KTLS_PKI. */

#include "hello.h"

static struct {
    char const *what, *first, *second; /* changes to the base; the first hello has no share besides */
    int expected;
} const cases[] = {
    { "the asked share", "", "", ACCEPT },
    { "no session id", "sid ", "sid ", ACCEPT },
    { "SHA-384", "suites 1302", "suites 1302", ACCEPT },
    { "the asked group is not our best", "set 10 000400180017",
      "set 10 000400180017;set 51 004500170041" P256_SHARE, ACCEPT },
    { "padding that grew", "add 21 00", "add 21 000000", ACCEPT },
    { "padding that is new", "", "add 21 000000", ACCEPT },
    { "encrypted_client_hello, encrypted anew", "add 65037 0011", "add 65037 0022", ACCEPT },
    { "early_data is gone", "add 42 ", "", ACCEPT },
    { "pre_shared_key is gone",
      "add 45 0101;add 41 000a 0004 61626364 00000000 0021 20" SESSION_ID,
      "add 45 0101", ACCEPT },
    { "no share again", "", "set 51 0000", TLS_ILLEGAL_PARAMETER },
    { "no key_share", "", "del 51", TLS_MISSING_EXTENSION },
    { "a share of another group", "", "set 51 004500170041" P256_SHARE, TLS_ILLEGAL_PARAMETER },
    { "two shares", "", "set 51 0069001d0020" X25519_SHARE "00170041" P256_SHARE, TLS_ILLEGAL_PARAMETER },
    { "the asked share behind another", "", "set 51 006900170041" P256_SHARE "001d0020" X25519_SHARE,
      TLS_ILLEGAL_PARAMETER },
    { "an invalid share", "", "set 51 0024001d0020" ZERO32, TLS_ILLEGAL_PARAMETER },
    { "a short share", "", "set 51 0005001d000101", TLS_ILLEGAL_PARAMETER },
    { "a malformed key_share", "", "set 51 0005001d000201", TLS_DECODE_ERROR },
    { "early_data", "add 42 ", "add 42 ", TLS_ILLEGAL_PARAMETER },
    { "early_data that is new", "", "add 42 ", TLS_ILLEGAL_PARAMETER },
    { "another random", "", "random ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      TLS_ILLEGAL_PARAMETER },
    { "another session id", "", "sid 60", TLS_ILLEGAL_PARAMETER },
    { "another legacy_version", "", "ver 0302", TLS_ILLEGAL_PARAMETER },
    { "fewer suites", "", "suites 1301", TLS_ILLEGAL_PARAMETER },
    { "other suites", "", "suites 13021303", TLS_ILLEGAL_PARAMETER },
    { "more suites", "", "suites 130113021303c02b", TLS_ILLEGAL_PARAMETER },
    { "another compression", "", "comp 0001", TLS_ILLEGAL_PARAMETER },
    { "other groups", "", "set 10 0002001d", TLS_ILLEGAL_PARAMETER },
    { "other signature schemes", "", "set 13 00020403", TLS_ILLEGAL_PARAMETER },
    { "another name", "", "set 0 0004 00000161", TLS_ILLEGAL_PARAMETER },
    { "no name", "", "del 0", TLS_ILLEGAL_PARAMETER },
    { "a new extension", "", "add 45 0101", TLS_ILLEGAL_PARAMETER },
    { "a new unknown extension", "", "add 2570 ", TLS_ILLEGAL_PARAMETER },
    { "a lost unknown extension", "add 2570 ", "", TLS_ILLEGAL_PARAMETER },
    { "a cookie that nobody sent", "", "add 44 000100", TLS_ILLEGAL_PARAMETER },
    { "1.2 only", "", "set 43 020303", TLS_ILLEGAL_PARAMETER },
    { "a trailing byte", "", "tail 00", TLS_DECODE_ERROR },
};

/* The first hello, without a share, on an empty tape. */
static void begin_with_hello(struct spec *spec, char const *changes)
{
    server_config();
    tape_clear(&tape);
    spec_base(spec, TLS_1_3);
    spec_apply(spec, "set 51 0000");
    if (*changes) spec_apply(spec, changes);
    tape_hello(spec);
}

static void put_second(struct spec const *spec, int with_dummy)
{
    static unsigned char const one = 1;
    if (with_dummy) tape_record(KTLS_CHANGE_CIPHER_SPEC, &one, 1);
    tape_hello(spec);
}

/* What the server did after its HelloRetryRequest. */
static int second_outcome(void)
{
    size_t const retry = TLS_RECORD_HEADER + (size_t)(tape.out[3] << 8 | tape.out[4]);
    if (!is_hello_retry(tape.out)) return CLOSED;
    if (server.error.kind == TLS_ERROR_SENT) return server.error.number;
    size_t at = retry;
    if (tape.out[at] == KTLS_CHANGE_CIPHER_SPEC) at += 6;
    return tape.out_len > at + 48 && tape.out[at] == KTLS_HANDSHAKE && !is_hello_retry(tape.out + at)
               ? ACCEPT
               : CLOSED;
}

static unsigned int dummies_sent(void)
{
    unsigned int count = 0;
    for (size_t at = 0; at + TLS_RECORD_HEADER <= tape.out_len;
         at += TLS_RECORD_HEADER + (size_t)(tape.out[at + 3] << 8 | tape.out[at + 4]))
        count += tape.out[at] == KTLS_CHANGE_CIPHER_SPEC;
    return count;
}

static void second_hellos(int with_dummy)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct spec spec;
        char what[128];
        snprintf(what, sizeof what, "second hello%s: %s", with_dummy ? " behind a dummy" : "", cases[i].what);
        server_config();
        tape_clear(&tape);
        spec_base(&spec, TLS_1_3);
        spec_apply(&spec, "set 51 0000");
        spec_apply(&spec, cases[i].first);
        tape_hello(&spec);
        spec_base(&spec, TLS_1_3);
        spec_apply(&spec, cases[i].second);
        put_second(&spec, with_dummy);
        serve_tape();
        int const got = second_outcome();
        ok(got == cases[i].expected && (got < 0 || ends_in_alert(got)), "%s: %s", what, outcome_name(got));
        if (got != cases[i].expected)
            diag("wanted %s, got: %s", outcome_name(cases[i].expected), error_text(&server));
        ok(dummies_sent() == (spec.session_id.len || !strcmp(cases[i].second, "sid 60")),
           "%s: one dummy of ours", what);
    }
}

/* The request itself. */
static void request(char const *groups, unsigned int expected, char const *suites)
{
    struct spec spec;
    server_config();
    tape_clear(&tape);
    spec_base(&spec, TLS_1_3);
    spec_apply(&spec, "set 51 0000");
    spec_apply(&spec, groups);
    spec_apply(&spec, suites);
    tape_hello(&spec);
    serve_tape();
    outcome_is(RETRY, groups);

    struct reader r =
        tls_reader_on((struct span){ tape.out + TLS_RECORD_HEADER + 4, tape.out_len - TLS_RECORD_HEADER - 4 });
    ok(tls_read16(&r) == 0x0303, "legacy_version");
    tls_read_bytes(&r, 32);
    ok(tls_read_vector8(&r).len == spec.session_id.len, "session id echoed");
    ok(tls_read16(&r) == (unsigned int)(spec.suites.data[0] << 8 | spec.suites.data[1]), "the suite");
    ok(tls_read8(&r) == 0, "compression");
    struct reader block = tls_reader_on(tls_read_vector16(&r));
    unsigned int group = 0, version = 0, others = 0;
    while (block.left && !block.bad) {
        unsigned int const type = tls_read16(&block);
        struct reader body = tls_reader_on(tls_read_vector16(&block));
        if (type == 51) group = tls_read16(&body);
        else if (type == 43) version = tls_read16(&body);
        else others++;
    }
    ok(group == expected && version == TLS_1_3 && !others, "asks for group %u, in 1.3, nothing else",
       expected);
}

/* RFC 8446, 4.2.10: records of refused early data come before the second hello. */
static void early_data_between(size_t record_len, unsigned int records, int expected)
{
    static unsigned char const garbage[16384 + 257];
    struct spec spec;
    begin_with_hello(&spec, "add 42 ");
    for (unsigned int i = 0; i < records; i++) tape_record(KTLS_APPLICATION_DATA, garbage, record_len);
    spec_base(&spec, TLS_1_3);
    put_second(&spec, 1);
    serve_tape();
    int const got = second_outcome();
    ok(got == expected, "%u records of %zu bytes of early data before the second hello: %s", records,
       record_len, outcome_name(got));
}

/* Both hellos near our limit: the first is kept to be compared. */
static void long_hellos(int same)
{
    static struct spec spec;
    server_config();
    tape_clear(&tape);
    for (int second = 0; second < 2; second++) {
        spec_base(&spec, TLS_1_3);
        if (!second) spec_apply(&spec, "set 51 0000");
        for (unsigned int i = 0; i < 26; i++) {
            spec_add(&spec, 0x6000 + i, "");
            spec.extension[spec.count - 1].body.len = 2040;
        }
        if (second && !same) spec.extension[20].body.data[2000] = 1;
        put_second(&spec, second);
    }
    serve_tape();
    int const got = second_outcome();
    ok(got == (same ? ACCEPT : TLS_ILLEGAL_PARAMETER), "hellos of 53 KB, %s: %s",
       same ? "the same" : "one byte differs", outcome_name(got));
}

/* Early data is whole records, and the second hello is not interrupted by them. */
static void early_data_inside(void)
{
    unsigned char message[4096];
    struct spec spec;
    begin_with_hello(&spec, "add 42 ");
    spec_base(&spec, TLS_1_3);
    size_t const len = spec_write(&spec, message, sizeof message);
    tape_record(KTLS_HANDSHAKE, message, 100);
    tape_record(KTLS_APPLICATION_DATA, "data", 4);
    tape_record(KTLS_HANDSHAKE, message + 100, len - 100);
    serve_tape();
    ok(second_outcome() == TLS_UNEXPECTED_MESSAGE, "early data in the middle of the second hello: %s",
       error_text(&server));
}

static void data_that_is_not_early(void)
{
    struct spec spec;
    begin_with_hello(&spec, "");
    tape_record(KTLS_APPLICATION_DATA, "data", 4);
    serve_tape();
    ok(second_outcome() == TLS_UNEXPECTED_MESSAGE, "application data before the second hello: %s",
       error_text(&server));
}

/* A record's length is that of a plaintext where no early data can come. */
static void long_record_that_is_not_early(void)
{
    static unsigned char const garbage[16384 + 1];
    struct spec spec;
    begin_with_hello(&spec, "");
    tape_record(KTLS_APPLICATION_DATA, garbage, sizeof garbage);
    serve_tape();
    ok(second_outcome() == TLS_RECORD_OVERFLOW, "a long record before the second hello: %s", error_text(&server));
}

/* After the second hello there is no early data: what does not authenticate is an error. */
static void garbage_after_second_hello(void)
{
    static unsigned char const garbage[64];
    struct spec spec;
    begin_with_hello(&spec, "add 42 ");
    spec_base(&spec, TLS_1_3);
    put_second(&spec, 1);
    tape_record(KTLS_APPLICATION_DATA, garbage, sizeof garbage);
    serve_tape();
    ok(second_outcome() == TLS_BAD_RECORD_MAC, "garbage after the second hello: %s", error_text(&server));
}

int main(void)
{
    server_config();
    request("set 10 0006001d00170018", CRYPTO_X25519, "suites 1301");
    request("set 10 000400180017", CRYPTO_SECP256R1, "suites 1301");
    request("set 10 00040a0a0018", CRYPTO_SECP384R1, "suites 1303;sid ");
    second_hellos(0);
    second_hellos(1);
    early_data_between(100, 1, ACCEPT);
    early_data_between(16384, 3, ACCEPT);
    early_data_between(16384, 12, TLS_UNEXPECTED_MESSAGE);
    early_data_between(16384 + 256, 2, ACCEPT);
    early_data_between(16384 + 257, 1, TLS_RECORD_OVERFLOW);
    early_data_inside();
    data_that_is_not_early();
    long_record_that_is_not_early();
    garbage_after_second_hello();
    long_hellos(1);
    long_hellos(0);
    return done_testing();
}
