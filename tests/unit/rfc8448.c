/* ISC license. */

/* RFC 8448 as client: sections 3, 5, 6 and 7. */

#include "extension_block.h"
#include "rfc8448_trace.h"

static void seals_as(char const *record, unsigned char type, void const *fragment, size_t len,
                     char const *what)
{
    struct bytes const want = hex(record);
    unsigned char got[256];
    ok(crypto_seal_record(&session.tx, type, fragment, len, got) == want.len, "%s: length", what);
    is_mem(got, want.data, want.len, "%s", what);
}

static void opens_to(char const *record, unsigned char type, void const *fragment, size_t len,
                     char const *what)
{
    struct bytes r = hex(record);
    unsigned char found_type = 0, *found = NULL;
    long const n = crypto_open_record(&session.rx, r.data, r.data + TLS_RECORD_HEADER, r.len - TLS_RECORD_HEADER,
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
    if (t->exporter_secret) is_hex(session.exporter_secret, t->exporter_secret, "exporter_master_secret");
}

static void exchanges_data(struct trace const *t)
{
    static unsigned char const close_notify[] = { 1, 0 };
    unsigned char data[50];

    for (unsigned char i = 0; i < sizeof data; i++) data[i] = i;
    if (t->new_session_ticket) {
        struct bytes r = hex(t->new_session_ticket);
        unsigned char type, *found;
        long const n = crypto_open_record(&session.rx, r.data, r.data + TLS_RECORD_HEADER, r.len - TLS_RECORD_HEADER,
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
    is_error_free(tls_client_after_hello(hs), "the client accepts the trace's server");
    ok(tape.in_at == tape.in_len, "all was read");
    tls_handshake_fill_session(hs);
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
    tls_handshake_free(hs);
}

/* We have no key for the trace's client: the answer is an empty Certificate. */
static void client_without_certificate(struct trace const *t)
{
    static unsigned char const empty[] = { TLS_CERTIFICATE, 0, 0, 4, 0, 0, 0, 0, TLS_FINISHED, 0, 0, 32 };
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
    long const n = crypto_open_record(&keys, tape.out, tape.out + TLS_RECORD_HEADER, tape.out_len - TLS_RECORD_HEADER,
                                      &type, &found);
    ok(n == sizeof empty + 32 && type == KTLS_HANDSHAKE, "the client's flight");
    if (n > (long)sizeof empty) is_mem(found, empty, sizeof empty, "an empty Certificate and Finished");
    tls_handshake_free(hs);
}

static struct span extension_in(unsigned char const *hello_record, size_t len, unsigned int type)
{
    struct reader r = tls_reader_on((struct span){ hello_record, len });
    tls_read_bytes(&r, TLS_RECORD_HEADER + 4 + 2 + 32);
    tls_read_vector8(&r);
    tls_read_vector16(&r);
    tls_read_vector8(&r);
    return find_extension(tls_read_vector16(&r), type);
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
    ok(!tls_client_after_hello(hs) && error.kind == TLS_ERROR_EOF, "the client answers and waits");
    is_mem(tape.out, dummy_ccs, sizeof dummy_ccs, "a dummy ChangeCipherSpec first");

    struct bytes const hello2 = hex(t->client_hello_2);
    unsigned char const *got = tape.out + sizeof dummy_ccs;
    size_t const got_len = tape.out_len - sizeof dummy_ccs;
    struct span const cookie = extension_in(got, got_len, 44), share = extension_in(got, got_len, 51);
    ok(got[0] == 22 && got[1] == 3 && got[2] == 3, "then a second ClientHello, record version 0x0303");
    ok(cookie.len && tls_span_equal(cookie, extension_in(hello2.data, hello2.len, 44)), "the cookie comes back");
    ok(tls_span_equal(share, extension_in(hello2.data, hello2.len, 51)), "one share, of the asked group");
    is_hex(got + TLS_RECORD_HEADER + 4 + 2, t->client_random, "the same random");
    tls_handshake_free(hs);
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
    tls_restart_transcript(hs);
    crypto_transcript_add(&hs->transcript, request.data + TLS_RECORD_HEADER, request.len - TLS_RECORD_HEADER);
    crypto_transcript_add(&hs->transcript, hello2.data + TLS_RECORD_HEADER, hello2.len - TLS_RECORD_HEADER);
    hs->hello_len = hello2.len - TLS_RECORD_HEADER;
    memcpy(hs->hello, hello2.data + TLS_RECORD_HEADER, hs->hello_len);
    hs->dummy_ccs_sent = 1;
    use_share(hs, CRYPTO_SECP256R1, t->client_private_2);
    client_finishes(hs, t);
    output_is(t->client_finished, "client's Finished as in the trace");
    has_application_keys(t);
    exchanges_data(t);
    tls_handshake_free(hs);
}

int main(void)
{
    client(&simple, "section 3");
    client(&middlebox, "section 7");
    client_without_certificate(&client_auth);
    client_answers_retry(&retry);
    client_after_retry(&retry);
    return done_testing();
}
