/* ISC license. */

/* The record layer and the frame of messages, as a server meets them (RFC 8446, 5; RFC 5246, 6).
   Uses $KTLS_PKI. */

#include "hello.h"

static struct bytes hello13, hello12;

static struct bytes base_hello(uint16_t version, char const *changes)
{
    struct spec spec;
    struct bytes message = { 0 };
    spec_base(&spec, version);
    spec_apply(&spec, changes);
    message.len = spec_write(&spec, message.data, sizeof message.data);
    return message;
}

static void begin(void)
{
    server_config();
    tape_clear(&tape);
}

static void end(int expected, char const *what)
{
    serve_tape();
    outcome_is(expected, what);
}

static void put_hex(char const *text)
{
    struct bytes const b = hex(text);
    tape_put(&tape, b.data, b.len);
}

/* ---- before and around the first hello ---- */

static struct {
    char const *what, *before; /* raw records, then a good hello */
    int expected;
} const openings[] = {
    { "nothing before it", "", ACCEPT },
    { "an empty handshake record", "1603030000", TLS_UNEXPECTED_MESSAGE },
    { "an empty alert", "1503030000", TLS_UNEXPECTED_MESSAGE },
    { "an empty ChangeCipherSpec", "1403030000", TLS_UNEXPECTED_MESSAGE },
    { "ChangeCipherSpec", "140303000101", TLS_UNEXPECTED_MESSAGE },
    { "application data", "170303000400000000", TLS_UNEXPECTED_MESSAGE },
    { "empty application data", "1703030000", TLS_UNEXPECTED_MESSAGE },
    { "heartbeat", "180303000400000000", TLS_UNEXPECTED_MESSAGE },
    { "record type 0", "000303000400000000", TLS_UNEXPECTED_MESSAGE },
    { "record type 255", "ff0303000400000000", TLS_UNEXPECTED_MESSAGE },
    { "HTTP", "474554202f20485454502f312e310d0a0d0a", TLS_UNEXPECTED_MESSAGE },
    { "an SSL 2.0 hello", "802e0100020015000000100100800200800300800400800500800600400700c0",
      TLS_UNEXPECTED_MESSAGE },
    { "record version 2.0", "1602000004 01000000", TLS_PROTOCOL_VERSION },
    { "record of 16385 bytes", "1603014001 01", TLS_RECORD_OVERFLOW },
    { "record of 65535 bytes", "160301ffff 01", TLS_RECORD_OVERFLOW },
    { "ServerHello", "1603030004 02000000", TLS_UNEXPECTED_MESSAGE },
    { "HelloRequest", "1603030004 00000000", TLS_UNEXPECTED_MESSAGE },
    { "Finished", "1603030010 1400000c000000000000000000000000", TLS_UNEXPECTED_MESSAGE },
    { "unknown handshake type", "1603030004 63000000", TLS_UNEXPECTED_MESSAGE },
    { "a hello of 16 MiB", "1603010004 01ffffff", TLS_DECODE_ERROR },
    { "a hello longer than one can be", "1603010004 01020145", TLS_DECODE_ERROR },
    { "an empty hello", "1603010004 01000000", TLS_DECODE_ERROR },
    { "a fatal alert", "15030100020228", CLOSED },
    { "close_notify", "15030100020100", CLOSED },
    { "close_notify as fatal", "15030100020200", CLOSED },
    { "a warning", "1503010002015a", ACCEPT },
    { "an alert of one byte", "150301000101", TLS_DECODE_ERROR },
    { "an alert of three bytes", "1503010003015a00", TLS_DECODE_ERROR },
    { "two alerts in a record", "1503010004015a015a", TLS_DECODE_ERROR },
    { "alert level 0", "1503010002005a", TLS_ILLEGAL_PARAMETER },
    { "alert level 3", "1503010002035a", TLS_ILLEGAL_PARAMETER },
};

static void before_the_hello(void)
{
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        begin();
        put_hex(openings[i].before);
        tape_record(KTLS_HANDSHAKE, hello13.data, hello13.len);
        end(openings[i].expected, openings[i].what);
    }
    begin();
    put_hex("15030100020228");
    serve_tape();
    ok(server.error.kind == TLS_ERROR_RECEIVED && server.error.number == TLS_HANDSHAKE_FAILURE &&
           !tape.out_len,
       "nothing answers a fatal alert");
}

static void many_warnings(void)
{
    begin();
    for (int i = 0; i < 100; i++) put_hex("1503010002015a");
    tape_record(KTLS_HANDSHAKE, hello13.data, hello13.len);
    end(TLS_UNEXPECTED_MESSAGE, "a hundred warnings");
}

static void record_versions(void)
{
    static unsigned char const minors[] = { 0, 1, 2, 3, 4, 255 };
    for (size_t i = 0; i < sizeof minors; i++) {
        unsigned char header[] = { 22, 3, minors[i], (unsigned char)(hello13.len >> 8),
                                   (unsigned char)hello13.len };
        char what[64];
        begin();
        tape_put(&tape, header, sizeof header);
        tape_put(&tape, hello13.data, hello13.len);
        snprintf(what, sizeof what, "record version 3.%d", minors[i]);
        end(ACCEPT, what);
    }
}

/* ---- messages over records ---- */

static void split(struct bytes const *hello, size_t size)
{
    char what[64];
    begin();
    for (size_t at = 0; at < hello->len; at += size)
        tape_record(KTLS_HANDSHAKE, hello->data + at, hello->len - at < size ? hello->len - at : size);
    snprintf(what, sizeof what, "a hello in records of %zu bytes", size);
    end(ACCEPT, what);
}

static struct {
    char const *what, *between;
    int expected;
} const interruptions[] = {
    { "a warning in the middle", "1503030002015a", TLS_UNEXPECTED_MESSAGE },
    { "ChangeCipherSpec in the middle", "140303000101", TLS_UNEXPECTED_MESSAGE },
    { "application data in the middle", "170303000161", TLS_UNEXPECTED_MESSAGE },
    { "an empty record in the middle", "1603030000", TLS_UNEXPECTED_MESSAGE },
    { "an unknown record in the middle", "630303000161", TLS_UNEXPECTED_MESSAGE },
};

static void interrupted(size_t first)
{
    for (size_t i = 0; i < sizeof interruptions / sizeof *interruptions; i++) {
        char what[96];
        snprintf(what, sizeof what, "%s of a message, after %zu bytes", interruptions[i].what, first);
        begin();
        tape_record(KTLS_HANDSHAKE, hello13.data, first);
        put_hex(interruptions[i].between);
        tape_record(KTLS_HANDSHAKE, hello13.data + first, hello13.len - first);
        end(interruptions[i].expected, what);
    }
}

static void left_over(struct bytes const *hello, char const *more, char const *what)
{
    struct bytes both = *hello;
    struct bytes const rest = hex(more);
    memcpy(both.data + both.len, rest.data, rest.len);
    begin();
    tape_record(KTLS_HANDSHAKE, both.data, both.len + rest.len);
    end(TLS_UNEXPECTED_MESSAGE, what);
}

/* Padding makes a hello of any length. */
static void padded(size_t total, int expected)
{
    static unsigned char message[1 << 17];
    struct spec spec;
    char what[64];
    spec_base(&spec, TLS_1_3);
    size_t const len = spec_write(&spec, message, sizeof message), more = total - len;
    size_t const block = len - 2 - (size_t)(4 + 14 + 4 + 8 + 4 + 18 + 4 + 3 + 4 + 38);
    unsigned char *p = message + len;
    p[0] = 0, p[1] = 21, p[2] = (unsigned char)((more - 4) >> 8), p[3] = (unsigned char)(more - 4);
    memset(p + 4, 0, more - 4);
    size_t const block_len = total - block - 2;
    message[block] = (unsigned char)(block_len >> 8), message[block + 1] = (unsigned char)block_len;
    message[1] = (unsigned char)((total - 4) >> 16);
    message[2] = (unsigned char)((total - 4) >> 8), message[3] = (unsigned char)(total - 4);
    begin();
    for (size_t at = 0; at < total; at += 16384)
        tape_record(KTLS_HANDSHAKE, message + at, total - at < 16384 ? total - at : 16384);
    snprintf(what, sizeof what, "a hello of %zu bytes", total);
    end(expected, what);
}

/* ---- behind a TLS 1.3 ServerHello ---- */

static struct {
    char const *what, *changes, *behind;
    int expected; /* CLOSED: the server still waits */
} const answers13[] = {
    { "a dummy ChangeCipherSpec", "", "140303000101", CLOSED },
    { "two of them", "", "140303000101140303000101", CLOSED },
    { "ChangeCipherSpec of 0", "", "140303000100", TLS_UNEXPECTED_MESSAGE },
    { "ChangeCipherSpec of two bytes", "", "14030300020101", TLS_UNEXPECTED_MESSAGE },
    { "an empty ChangeCipherSpec", "", "1403030000", TLS_UNEXPECTED_MESSAGE },
    { "handshake in the clear", "", "160303000414000000", TLS_UNEXPECTED_MESSAGE },
    { "a record that does not open", "",
      "17030300200000000000000000000000000000000000000000000000000000000000000000", TLS_BAD_RECORD_MAC },
    { "a record shorter than a tag", "", "170303000400000000", TLS_BAD_RECORD_MAC },
    { "an empty record", "", "1703030000", TLS_BAD_RECORD_MAC },
    { "a record longer than 2^14 + 256", "", "1703034101", TLS_RECORD_OVERFLOW },
    { "an unknown record type", "", "180303000100", TLS_UNEXPECTED_MESSAGE },
    { "an alert in the clear: the client could not use our hello", "", "15030300020228", CLOSED },
    { "an empty alert in the clear", "", "1503030000", TLS_UNEXPECTED_MESSAGE },
    { "early data that does not open", "add 42 ",
      "17030300200000000000000000000000000000000000000000000000000000000000000000", CLOSED },
    { "early data, then a dummy", "add 42 ",
      "17030300200000000000000000000000000000000000000000000000000000000000000000140303000101", CLOSED },
};

static void behind_server_hello(void)
{
    for (size_t i = 0; i < sizeof answers13 / sizeof *answers13; i++) {
        struct bytes const hello = base_hello(TLS_1_3, answers13[i].changes);
        begin();
        tape_record(KTLS_HANDSHAKE, hello.data, hello.len);
        put_hex(answers13[i].behind);
        serve_tape();
        int const got = server.error.kind == TLS_ERROR_SENT ? server.error.number : CLOSED;
        ok(got == answers13[i].expected, "1.3, then %s: %s", answers13[i].what, error_text(&server));
        ok(got == CLOSED || tape.writes == 2, "1.3, then %s: one flight, one alert", answers13[i].what);
    }
}

static void behind_12(char const *what, char const *behind, int expected)
{
    begin();
    tape_record(KTLS_HANDSHAKE, hello12.data, hello12.len);
    put_hex(behind);
    serve_tape();
    int const got = server.error.kind == TLS_ERROR_SENT ? server.error.number : CLOSED;
    ok(got == expected && (got == CLOSED || ends_in_alert(got)), "1.2, then %s: %s", what,
       error_text(&server));
}

static void early_data_flood(void)
{
    static unsigned char const garbage[16384];
    struct bytes const hello = base_hello(TLS_1_3, "add 42 ");
    begin();
    tape_record(KTLS_HANDSHAKE, hello.data, hello.len);
    for (int i = 0; i < 20; i++) tape_record(KTLS_APPLICATION_DATA, garbage, sizeof garbage);
    serve_tape();
    ok(sent(&server, TLS_UNEXPECTED_MESSAGE) || sent(&server, TLS_BAD_RECORD_MAC),
       "early data without end: %s", error_text(&server));
}

static void dummy_flood(void)
{
    begin();
    tape_record(KTLS_HANDSHAKE, hello13.data, hello13.len);
    for (int i = 0; i < 100; i++) put_hex("140303000101");
    serve_tape();
    ok(sent(&server, TLS_UNEXPECTED_MESSAGE), "ChangeCipherSpec without end: %s", error_text(&server));
}

static void all_of_12(void)
{
    behind_12("an early ChangeCipherSpec", "140303000101", TLS_UNEXPECTED_MESSAGE);
    behind_12("application data", "170303000161", TLS_UNEXPECTED_MESSAGE);
    behind_12("Finished", "1603030010 1400000c000000000000000000000000", TLS_UNEXPECTED_MESSAGE);
    behind_12("a second ClientHello", "1603030004 01000000", TLS_UNEXPECTED_MESSAGE);
    behind_12("a Certificate that was not asked for", "1603030007 0b000003000000", TLS_UNEXPECTED_MESSAGE);
    behind_12("CertificateVerify", "1603030008 0f00000404030000", TLS_UNEXPECTED_MESSAGE);
    behind_12("an empty ClientKeyExchange", "1603030004 10000000", TLS_DECODE_ERROR);
    behind_12("ClientKeyExchange of no bytes", "1603030005 1000000100", TLS_DECODE_ERROR);
    behind_12("ClientKeyExchange with a byte too many", "1603030026 10000022 20" X25519_SHARE "00",
              TLS_DECODE_ERROR);
    behind_12("ClientKeyExchange, share longer than the message", "1603030006 10000002 2000",
              TLS_DECODE_ERROR);
    behind_12("ClientKeyExchange, share too short", "1603030007 10000003 020102", TLS_ILLEGAL_PARAMETER);
    behind_12("ClientKeyExchange, share zero", "1603030025 10000021 20" ZERO32, TLS_ILLEGAL_PARAMETER);
    behind_12("ClientKeyExchange, then Finished without ChangeCipherSpec",
              "1603030035 10000021 20" X25519_SHARE "1400000c000000000000000000000000",
              TLS_UNEXPECTED_MESSAGE);
    behind_12("ClientKeyExchange, then ChangeCipherSpec of 2",
              "1603030025 10000021 20" X25519_SHARE "140303000102",
              TLS_UNEXPECTED_MESSAGE);
    behind_12("ChangeCipherSpec of two bytes", "1603030025 10000021 20" X25519_SHARE "14030300020101",
              TLS_UNEXPECTED_MESSAGE);
    behind_12("half of another message before ChangeCipherSpec",
              "1603030026 10000021 20" X25519_SHARE "14 140303000101",
              TLS_UNEXPECTED_MESSAGE);
    behind_12("a warning", "1503030002015a", CLOSED);
    behind_12("another record version", "1603010025 10000021 20" X25519_SHARE, TLS_PROTOCOL_VERSION);
}

/* Behind ChangeCipherSpec the alert is protected. */
static void protected_12(char const *what, char const *behind, int expected)
{
    begin();
    tape_record(KTLS_HANDSHAKE, hello12.data, hello12.len);
    put_hex("1603030025 10000021 20" X25519_SHARE "140303000101");
    put_hex(behind);
    serve_tape();
    ok(sent(&server, expected), "1.2 behind ChangeCipherSpec, %s: %s", what, error_text(&server));
}

int main(void)
{
    server_config();
    hello13 = base_hello(TLS_1_3, "");
    hello12 = base_hello(TLS_1_2, "");
    before_the_hello();
    many_warnings();
    record_versions();
    split(&hello13, 1), split(&hello13, 3), split(&hello13, 100), split(&hello12, 1), split(&hello12, 5);
    interrupted(1), interrupted(4), interrupted(100);
    left_over(&hello13, "00", "a byte behind the hello");
    left_over(&hello13, "14000000", "a message behind the hello");
    left_over(&hello12, "1000002120" X25519_SHARE, "a 1.2 flight behind the hello");
    padded(16384, ACCEPT), padded(16385, ACCEPT), padded(65536, ACCEPT), padded(65537, ACCEPT);
    behind_server_hello();
    early_data_flood();
    dummy_flood();
    all_of_12();
    protected_12("a record that does not open",
                 "1603030028 0000000000000000" ZERO32,
                 TLS_BAD_RECORD_MAC);
    protected_12("a short record", "1603030004 00000000", TLS_BAD_RECORD_MAC);
    protected_12("a record longer than 2^14 + 2048", "1603034801", TLS_RECORD_OVERFLOW);
    return done_testing();
}
