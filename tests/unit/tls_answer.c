/* ISC license. */

/* What a server's ServerHello says, and to whom it says nothing. Uses $KTLS_PKI. */

#include "hello.h"

static struct extensions answered;
static struct server_hello answer;
static struct span message_body(size_t record_at)
{
    struct reader r = tls_reader_on((struct span){ tape.out + record_at, tape.out_len - record_at });
    tls_read_bytes(&r, TLS_RECORD_HEADER + 1);
    return tls_read_vector24(&r);
}

static void parse_answer_on_tape(void)
{
    static struct handshake hs;
    struct message const m = { .type = TLS_SERVER_HELLO, .body = message_body(0) };
    hs.error = &server.error;
    if (!tls_parse_server_hello(&hs, &m, &answer) || !tls_parse_extensions(&hs, answer.extension_block, &answered))
        abort();
}

static int answered_with(unsigned int mask)
{
    unsigned int got = 0;
    for (enum extension e = 0; e < EXTENSIONS; e++)
        if (HAS(&answered, e)) got |= BIT(e);
    if (got != mask) diag("extensions %x, wanted %x", got, mask);
    return got == mask;
}

static void answers(uint16_t version, char const *changes, unsigned int mask, char const *what)
{
    struct spec spec;
    spec_base(&spec, version);
    spec_apply(&spec, changes);
    offer(&spec);
    if (!ok(outcome() == ACCEPT, "%s: accepted", what)) return;
    parse_answer_on_tape();
    ok(answered_with(mask), "%s: exactly the extensions that were asked for", what);
    ok(answer.legacy_version == 0x0303 && !answer.compression, "%s: legacy fields", what);
}

static void contents(void)
{
    unsigned int const base12 = BIT(EXT_SERVER_NAME) | BIT(EXT_EC_POINT_FORMATS) |
                                BIT(EXT_EXTENDED_MASTER_SECRET) | BIT(EXT_RENEGOTIATION_INFO);
    unsigned int const base13 = BIT(EXT_KEY_SHARE) | BIT(EXT_SUPPORTED_VERSIONS);
    struct bytes const sid = hex(SESSION_ID);

    answers(TLS_1_3, "", base13, "1.3");
    ok(answer.session_id.len == 32 && !memcmp(answer.session_id.p, sid.data, 32), "1.3: session id echoed");
    ok(tape.out[0] == KTLS_HANDSHAKE, "1.3: ServerHello first");
    size_t const next = TLS_RECORD_HEADER + (size_t)(tape.out[3] << 8 | tape.out[4]);
    ok(tape.out[next] == KTLS_CHANGE_CIPHER_SPEC && tape.out[next + 6] == KTLS_APPLICATION_DATA,
       "1.3: then a dummy ChangeCipherSpec, then protected records");
    answers(TLS_1_3, "sid ", base13, "1.3, no session id");
    size_t const after = TLS_RECORD_HEADER + (size_t)(tape.out[3] << 8 | tape.out[4]);
    ok(!answer.session_id.len && tape.out[after] == KTLS_APPLICATION_DATA,
       "1.3: no dummy without a session id");
    answers(TLS_1_3, "add 16 0003026832;add 23 ;add 65281 00", base13, "1.3, others in the clear");

    answers(TLS_1_2, "", base12, "1.2");
    struct span const formats = answered.body[EXT_EC_POINT_FORMATS];
    ok(formats.len == 2 && !memcmp(formats.p, "\1\0", 2), "1.2: uncompressed points, and nothing else");
    ok(!memcmp(answer.random.p + 24, "DOWNGRD\1", 8), "1.2: downgrade sentinel");
    answers(TLS_1_2, "sid " SESSION_ID, base12, "1.2, a session id");
    ok(!answer.session_id.len || memcmp(answer.session_id.p, sid.data, 32), "1.2: not resumed");
    answers(TLS_1_2, "add 16 0003026832", base12 | BIT(EXT_ALPN), "1.2, ALPN");
    answers(TLS_1_2, "del 23", base12 & ~BIT(EXT_EXTENDED_MASTER_SECRET), "1.2, no EMS");
    answers(TLS_1_2, "del 65281", base12 & ~BIT(EXT_RENEGOTIATION_INFO), "1.2, no renegotiation_info");
    answers(TLS_1_2, "del 65281;suites c02b00ff", base12, "1.2, SCSV");
    answers(TLS_1_2, "del 0;del 11;del 23;del 65281", 0, "1.2, nothing asked for");
}

/* In 1.2 all messages of the server's first flight are in the clear. */
static struct span message_of_12(unsigned int wanted)
{
    struct reader r = tls_reader_on((struct span){ tape.out, tape.out_len });
    tls_read_bytes(&r, 3);
    r = tls_reader_on(tls_read_vector16(&r));
    while (r.left && !r.bad) {
        unsigned int const type = tls_read8(&r);
        struct span const body = tls_read_vector24(&r);
        if (type == wanted) return body;
    }
    return (struct span){ NULL, 0 };
}

static void key_exchange(void)
{
    struct spec spec;
    spec_base(&spec, TLS_1_2);
    offer(&spec);
    struct span const body = message_of_12(TLS_SERVER_KEY_EXCHANGE);
    ok(body.len > 36 && !memcmp(body.p, "\3\0\35\40", 4), "1.2: named_curve, X25519, 32 octets");
}

static void without_1_3(void)
{
    struct spec spec;
    spec_base(&spec, TLS_1_2);
    spec_apply(&spec, "suites c02b5600");
    server_config();
    server.config.max_version = TLS_1_2;
    tape_clear(&tape);
    tape_hello(&spec);
    serve_tape();
    outcome_is(ACCEPT, "fallback SCSV, and 1.2 is our best");
    parse_answer_on_tape();
    ok(memcmp(answer.random.p + 24, "DOWNGRD", 7) != 0, "no sentinel when 1.2 is our best");

    spec_base(&spec, TLS_1_3);
    server_config();
    server.config.max_version = TLS_1_2;
    tape_clear(&tape);
    tape_hello(&spec);
    serve_tape();
    outcome_is(TLS_PROTOCOL_VERSION, "1.3 only, and 1.2 is our best");
}

/* Longer than the DNS allows: well-formed in TLS, so it is as if there were no name. */
static void long_names(void)
{
    for (size_t len = 252; len <= 258; len++) {
        struct spec spec;
        spec_base(&spec, TLS_1_3);
        struct bytes *body = &spec.extension[0].body;
        struct writer w = { .p = body->data, .max = sizeof body->data };
        tls_write16(&w, (unsigned int)len + 3);
        tls_write8(&w, 0);
        tls_write16(&w, (unsigned int)len);
        for (size_t i = 0; i < len; i++) tls_write8(&w, i % 50 == 49 ? '.' : 'a');
        body->len = w.len;
        offer(&spec);
        int const got = outcome();
        ok(got == ACCEPT && !*server.session.server_name, "server_name of %zu bytes: %s", len, outcome_name(got));
    }
}

int main(void)
{
    server_config();
    contents();
    key_exchange();
    without_1_3();
    long_names();
    return done_testing();
}
