/* ISC license. */

/*
 * The traces of RFC 8448 through the handshake itself: the trace's ClientHello
 * is put in the place of ours, its private keys are the randomness, and from
 * there every octet and every secret must be the trace's.
 */

#include "tls/handshake.h"

#include "hex.h"
#include "tap.h"
#include "tape.h"

struct trace {
    char const *client_random, *client_session_id, *client_private, *client_private_2;
    char const *server_random, *server_private;
    char const *client_hello, *retry_request, *client_hello_2, *server_hello, *server_flight;
    char const *client_finished, *client_flight, *new_session_ticket;
    char const *client_data, *server_data, *client_close, *server_close;
    char const *client_hs_secret, *server_hs_secret, *client_ap_secret, *server_ap_secret;
};

#include "rfc8448/client_auth.h"
#include "rfc8448/middlebox.h"
#include "rfc8448/retry.h"
#include "rfc8448/server_key.h"
#include "rfc8448/simple.h"

static struct tape tape;
static struct tls_config config;
static struct tls_session session;
static struct tls_error error;
static struct script script;
static struct bytes scripted;

static void play(char const *records)
{
    struct bytes const b = hex(records);
    tape_put(&tape, b.data, b.len);
}

static void add_randomness(char const *text)
{
    struct bytes const b = hex(text);
    memcpy(scripted.data + scripted.len, b.data, b.len);
    scripted.len += b.len;
    script.left += b.len;
}

static struct handshake *start(void)
{
    static uint16_t const suites[] = { 0x1301, 0x1303, 0x1302 };
    struct tls_transport const transport = tape_transport(&tape);

    tape_clear(&tape);
    scripted.len = 0;
    script = (struct script){ .next = scripted.data };
    tls_config_init(&config);
    config.random = script_random(&script);
    memcpy(config.suites, suites, sizeof suites);
    config.suite_count = 3;
    struct handshake *hs = handshake_new(&config, &transport, &session, &error);
    if (!hs) abort();
    return hs;
}

static void is_error_free(int done, char const *what)
{
    char text[200];
    tls_error_text(&error, text, sizeof text);
    ok(done == 1, "%s: %s", what, text);
}

static void use_hello(struct handshake *hs, struct trace const *t)
{
    struct bytes const record = hex(t->client_hello), random = hex(t->client_random);
    struct bytes const session_id = hex(t->client_session_id ? t->client_session_id : "");

    hs->hello_len = record.len - RECORD_HEADER;
    memcpy(hs->hello, record.data + RECORD_HEADER, hs->hello_len);
    crypto_transcript_add(&hs->transcript, hs->hello, hs->hello_len);
    memcpy(hs->client_random, random.data, sizeof hs->client_random);
    memcpy(hs->session_id, session_id.data, session_id.len);
    hs->session_id_len = session_id.len;
}

static void use_share(struct handshake *hs, uint16_t group, char const *private_key)
{
    add_randomness(private_key);
    ok(crypto_share_generate(&hs->share, group, &config.random), "the trace's key share");
}

static void is_hex(void const *got, char const *want, char const *what)
{
    struct bytes const w = hex(want);
    is_mem(got, w.data, w.len, "%s", what);
}

static void output_is(char const *records, char const *what)
{
    struct bytes const w = hex(records);
    ok(tape.out_len == w.len, "%s: length", what);
    is_mem(tape.out, w.data, w.len, "%s", what);
}

static void seals_as(char const *record, unsigned char type, void const *fragment, size_t len, char const *what)
{
    struct bytes const want = hex(record);
    unsigned char got[256];
    ok(crypto_seal_record(&session.tx, type, fragment, len, got) == want.len, "%s: length", what);
    is_mem(got, want.data, want.len, "%s", what);
}

static void opens_to(char const *record, unsigned char type, void const *fragment, size_t len, char const *what)
{
    struct bytes r = hex(record);
    unsigned char found_type = 0, *found = NULL;
    long const n = crypto_open_record(&session.rx, r.data, r.data + RECORD_HEADER, r.len - RECORD_HEADER,
                                      &found_type, &found);
    ok(n == (long)len && found_type == type, "%s: length and type", what);
    if (n == (long)len) is_mem(found, fragment, len, "%s", what);
}

static void has_application_keys(struct trace const *t)
{
    ok(session.version == TLS_1_3 && session.suite == crypto_suite_by_id(0x1301), "version and suite");
    ok(!session.tx.seq && !session.rx.seq, "sequence numbers start again");
    is_hex(session.tx_secret, t->client_ap_secret, "client_application_traffic_secret_0");
    is_hex(session.rx_secret, t->server_ap_secret, "server_application_traffic_secret_0");
}

static void exchanges_data(struct trace const *t)
{
    static unsigned char const close_notify[] = { 1, 0 };
    unsigned char data[50];

    for (unsigned char i = 0; i < sizeof data; i++) data[i] = i;
    if (t->new_session_ticket) {
        struct bytes r = hex(t->new_session_ticket);
        unsigned char type, *found;
        long const n = crypto_open_record(&session.rx, r.data, r.data + RECORD_HEADER, r.len - RECORD_HEADER,
                                          &type, &found);
        ok(n == 205 && type == KTLS_HANDSHAKE && found[0] == 4, "NewSessionTicket opens");
    }
    if (t->client_data) seals_as(t->client_data, KTLS_APPLICATION_DATA, data, sizeof data, "client's data");
    if (t->server_data) opens_to(t->server_data, KTLS_APPLICATION_DATA, data, sizeof data, "server's data");
    seals_as(t->client_close, KTLS_ALERT, close_notify, 2, "client's close_notify");
    opens_to(t->server_close, KTLS_ALERT, close_notify, 2, "server's close_notify");
}

static void client_finishes(struct handshake *hs, struct trace const *t)
{
    play(t->server_hello);
    play(t->server_flight);
    is_error_free(client_after_hello(hs), "the client accepts the trace's server");
    ok(tape.in_at == tape.in_len, "all was read");
    handshake_fill_session(hs);
}

static void client(struct trace const *t, char const *name)
{
    diag("client, %s", name);
    struct handshake *hs = start();
    use_hello(hs, t);
    use_share(hs, CRYPTO_X25519, t->client_private);
    client_finishes(hs, t);
    output_is(t->client_finished, "client's Finished as in the trace");
    ok(tape.writes == 1, "one write");
    has_application_keys(t);
    exchanges_data(t);
    ok(session.peer_present && !session.peer_verified, "the server's key is proven, its chain not verified");
    struct bytes const cert = hex(certificate);
    unsigned char hash[32];
    crypto_hash(CRYPTO_SHA256, cert.data, cert.len, hash);
    is_mem(session.peer_hash, hash, sizeof hash, "hash of the server's certificate");
    handshake_free(hs);
}

/* We have no key for the trace's client: the answer is an empty Certificate. */
static void client_without_certificate(struct trace const *t)
{
    static unsigned char const empty[] = { CERTIFICATE, 0, 0, 4, 0, 0, 0, 0, FINISHED, 0, 0, 32 };
    struct ktls_traffic_keys keys;
    unsigned char type, *found;

    diag("client, asked for a certificate");
    struct handshake *hs = start();
    use_hello(hs, t);
    use_share(hs, CRYPTO_X25519, t->client_private);
    client_finishes(hs, t);
    has_application_keys(t);
    struct bytes const secret = hex(t->client_hs_secret);
    crypto_traffic_keys(crypto_suite_by_id(0x1301), secret.data, &keys);
    long const n = crypto_open_record(&keys, tape.out, tape.out + RECORD_HEADER, tape.out_len - RECORD_HEADER,
                                      &type, &found);
    ok(n == sizeof empty + 32 && type == KTLS_HANDSHAKE, "the client's flight");
    if (n > (long)sizeof empty) is_mem(found, empty, sizeof empty, "an empty Certificate and Finished");
    handshake_free(hs);
}

static struct span extension_in(unsigned char const *hello_record, size_t len, unsigned int type)
{
    struct reader r = reader_on((struct span){ hello_record, len });
    read_bytes(&r, RECORD_HEADER + 4 + 2 + 32);
    read_vector8(&r);
    read_vector16(&r);
    read_vector8(&r);
    struct reader block = reader_on(read_vector16(&r));
    while (block.left && !block.bad) {
        unsigned int const t = read16(&block);
        struct span const body = read_vector16(&block);
        if (t == type) return body;
    }
    return (struct span){ 0 };
}

/* The first half of section 5: our answer to the trace's HelloRetryRequest. */
static void client_answers_retry(struct trace const *t)
{
    static unsigned char const dummy_ccs[] = { 20, 3, 3, 0, 1, 1 };
    diag("client, HelloRetryRequest");
    struct handshake *hs = start();
    use_hello(hs, t);
    use_share(hs, CRYPTO_X25519, t->client_private);
    add_randomness(t->client_private_2);
    play(t->retry_request);
    ok(!client_after_hello(hs) && error.kind == TLS_ERROR_EOF, "the client answers and waits");
    is_mem(tape.out, dummy_ccs, sizeof dummy_ccs, "a dummy ChangeCipherSpec first");

    struct bytes const hello2 = hex(t->client_hello_2);
    unsigned char const *got = tape.out + sizeof dummy_ccs;
    size_t const got_len = tape.out_len - sizeof dummy_ccs;
    struct span const cookie = extension_in(got, got_len, 44), share = extension_in(got, got_len, 51);
    ok(got[0] == 22 && got[1] == 3 && got[2] == 3, "then a second ClientHello, record version 0x0303");
    ok(cookie.len && span_equal(cookie, extension_in(hello2.data, hello2.len, 44)), "the cookie comes back");
    ok(span_equal(share, extension_in(hello2.data, hello2.len, 51)), "one share, of the asked group");
    is_hex(got + RECORD_HEADER + 4 + 2, t->client_random, "the same random");
    handshake_free(hs);
}

/* The second half: as if the trace's second ClientHello had been ours. */
static void client_after_retry(struct trace const *t)
{
    diag("client, after HelloRetryRequest");
    struct handshake *hs = start();
    struct bytes const request = hex(t->retry_request), hello2 = hex(t->client_hello_2);

    use_hello(hs, t);
    hs->version = TLS_1_3;
    hs->suite = crypto_suite_by_id(0x1301);
    restart_transcript(hs);
    crypto_transcript_add(&hs->transcript, request.data + RECORD_HEADER, request.len - RECORD_HEADER);
    crypto_transcript_add(&hs->transcript, hello2.data + RECORD_HEADER, hello2.len - RECORD_HEADER);
    hs->hello_len = hello2.len - RECORD_HEADER;
    memcpy(hs->hello, hello2.data + RECORD_HEADER, hs->hello_len);
    hs->dummy_ccs_sent = 1;
    use_share(hs, CRYPTO_SECP256R1, t->client_private_2);
    client_finishes(hs, t);
    output_is(t->client_finished, "client's Finished as in the trace");
    has_application_keys(t);
    exchanges_data(t);
    handshake_free(hs);
}

static size_t append(unsigned char *to, size_t at, char const *number, size_t *len)
{
    struct bytes const b = hex(number);
    memcpy(to + at, b.data, b.len);
    *len = b.len;
    return at + b.len;
}

static struct x509_credential *trace_credential(void)
{
    static struct x509_credential credential;
    static struct bytes cert;
    struct crypto_private_key *key = &credential.private_key;

    cert = hex(certificate);
    credential.chain = (struct x509_chain){ .cert = { { cert.data, cert.len } }, .count = 1 };
    if (x509_public_key(credential.chain.cert, &credential.public_key) != X509_OK) abort();
    key->type = CRYPTO_RSA;
    key->modulus_bits = 1024;
    size_t at = append(key->data, 0, rsa_p, &key->p_len);
    at = append(key->data, at, rsa_q, &key->q_len);
    at = append(key->data, at, rsa_dp, &key->dp_len);
    at = append(key->data, at, rsa_dq, &key->dq_len);
    append(key->data, at, rsa_iq, &key->iq_len);
    return &credential;
}

static void first_message_is(struct trace const *t, unsigned char *record, size_t len)
{
    struct bytes const secret = hex(t->server_hs_secret);
    struct ktls_traffic_keys keys;
    unsigned char type = 0, *found = NULL;
    crypto_traffic_keys(crypto_suite_by_id(0x1301), secret.data, &keys);
    size_t const size = (size_t)record[3] << 8 | record[4];
    if (!ok(len >= RECORD_HEADER + size, "a whole record")) return;
    long const n = crypto_open_record(&keys, record, record + RECORD_HEADER, size, &type, &found);
    ok(n > 4 && type == KTLS_HANDSHAKE && found[0] == ENCRYPTED_EXTENSIONS,
       "the flight opens with server_handshake_traffic_secret");
}

static void server(struct trace const *t, char const *name)
{
    static unsigned char const dummy_ccs[] = { 20, 3, 3, 0, 1, 1 };
    struct bytes const hello = hex(t->server_hello);
    size_t const ccs = t->client_session_id ? sizeof dummy_ccs : 0;

    diag("server, %s", name);
    struct handshake *hs = start();
    config.credential[0] = trace_credential();
    add_randomness(t->server_random);
    add_randomness(t->server_private);
    add_randomness(verify_salt);
    play(t->client_hello);
    int const done = server_handshake(hs);
    ok(!done && error.kind == TLS_ERROR_EOF, "the server answers and waits");
    ok(tape.writes == 1, "one write");
    is_mem(tape.out, hello.data, hello.len, "ServerHello as in the trace");
    if (ccs) is_mem(tape.out + hello.len, dummy_ccs, ccs, "a dummy ChangeCipherSpec");
    is_hex(hs->secret.client, t->client_hs_secret, "client_handshake_traffic_secret");
    first_message_is(t, tape.out + hello.len + ccs, tape.out_len - hello.len - ccs);
    ok(!strcmp(session.server_name, "server"), "server_name");
    handshake_free(hs);
}

static void signature(void)
{
    struct x509_credential const *credential = trace_credential();
    struct bytes const digest = hex(verify_digest), salt = hex(verify_salt), modulus = hex(rsa_modulus);
    struct script drawn = { salt.data, salt.len };
    struct crypto_random const random = script_random(&drawn);
    unsigned char made[CRYPTO_MAX_SIGNATURE];

    diag("the server's signature");
    ok(credential->public_key.modulus_len == modulus.len, "length of the modulus");
    is_mem(credential->public_key.data, modulus.data, modulus.len, "the certificate's modulus");
    ok(crypto_key_matches(&credential->private_key, &credential->public_key), "the certificate's key");
    ok(crypto_sign(&credential->private_key, crypto_scheme_by_id(0x0804), digest.data, &random, made) == 128,
       "the trace's salt signs");
    is_hex(made, verify_signature, "CertificateVerify's signature");
}

/* What the trace's server sent after its ServerHello, in the clear. */
static void add_server_flight(struct handshake *hs, struct trace const *t)
{
    struct bytes const secret = hex(t->server_hs_secret);
    struct bytes flight = hex(t->server_flight);
    struct ktls_traffic_keys keys;
    unsigned char type, *found;
    crypto_traffic_keys(hs->suite, secret.data, &keys);
    long const n = crypto_open_record(&keys, flight.data, flight.data + RECORD_HEADER, flight.len - RECORD_HEADER,
                                      &type, &found);
    if (ok(n > 0, "the trace's server flight opens")) crypto_transcript_add(&hs->transcript, found, (size_t)n);
}

/* Section 6: the trace's client proves its key to our server. */
static void server_takes_certificate(struct trace const *t)
{
    struct bytes const secret = hex(t->client_hs_secret), hello = hex(t->server_hello);
    struct message m;
    int empty = 1;

    diag("server, client's certificate");
    struct handshake *hs = start();
    use_hello(hs, t);
    hs->is_server = 1;
    hs->version = TLS_1_3;
    hs->suite = crypto_suite_by_id(0x1301);
    config.client_auth = TLS_REQUIRE_CLIENT_CERT;
    crypto_transcript_add(&hs->transcript, hello.data + RECORD_HEADER, hello.len - RECORD_HEADER);
    add_server_flight(hs, t);
    memcpy(hs->secret.client, secret.data, secret.len);
    protect_rx(hs);
    play(t->client_flight);
    ok(expect_message(hs, CERTIFICATE, &m) && read_certificate(hs, &m, &empty) && !empty, "Certificate");
    add_to_transcript(hs, &m);
    ok(!session.peer_present, "not believed before it is proven");
    ok(expect_message(hs, CERTIFICATE_VERIFY, &m) && read_certificate_verify(hs, &m), "CertificateVerify");
    add_to_transcript(hs, &m);
    is_error_free(read_finished13(hs), "Finished");
    ok(session.peer_present && at_record_boundary(hs), "believed, and nothing left over");
    handshake_free(hs);
}

int main(void)
{
    client(&simple, "section 3");
    client(&middlebox, "section 7");
    client_without_certificate(&client_auth);
    client_answers_retry(&retry);
    client_after_retry(&retry);
    server(&simple, "section 3");
    server(&client_auth, "section 6");
    server(&middlebox, "section 7");
    signature();
    server_takes_certificate(&client_auth);
    return done_testing();
}
