/* ISC license. */

/* RFC 8448 as server: sections 3, 6 and 7. */

#include "rfc8448_trace.h"
#include "tls/v13/v13.h"

static char const client_finished_message[] =
    "14000020 a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61";
static char const master_secret[] = "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919";
static char const resumption_psk[] = "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3";

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
    if (!ok(len >= TLS_RECORD_HEADER + size, "a whole record")) return;
    long const n = crypto_open_record(&keys, record, record + TLS_RECORD_HEADER, size, &type, &found);
    ok(n > 4 && type == KTLS_HANDSHAKE && found[0] == TLS_ENCRYPTED_EXTENSIONS,
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
    add_private_key(CRYPTO_X25519, t->server_private);
    add_randomness(verify_salt);
    play(t->client_hello);
    int const done = tls_server_start(hs);
    ok(!done && error.kind == TLS_ERROR_EOF, "the server answers and waits");
    ok(tape.writes == 1, "one write");
    is_mem(tape.out, hello.data, hello.len, "ServerHello as in the trace");
    if (ccs) is_mem(tape.out + hello.len, dummy_ccs, ccs, "a dummy ChangeCipherSpec");
    is_hex(hs->secret.client, t->client_hs_secret, "client_handshake_traffic_secret");
    first_message_is(t, tape.out + hello.len + ccs, tape.out_len - hello.len - ccs);
    ok(!strcmp(session.server_name, "server"), "server_name");
    tls_handshake_free(hs);
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
    ok(crypto_sign(&credential->private_key, &credential->public_key, crypto_scheme_by_id(0x0804), digest.data,
                   &random, made) == 128,
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
    long const n = crypto_open_record(&keys, flight.data, flight.data + TLS_RECORD_HEADER,
                                      flight.len - TLS_RECORD_HEADER, &type, &found);
    if (ok(n > 0, "the trace's server flight opens"))
        crypto_transcript_add(&hs->transcript, found, (size_t)n);
}

/* Cut anywhere, or with a byte too many, it proves nothing: whatever else becomes
   of the handshake, the answer itself must be no. Checked before the good one, whose
   transcript it shares. */
static void refuses_unreadable_proofs(struct handshake *hs, struct message const *m)
{
    unsigned char longer[1024];
    int taken = 0;

    for (size_t len = 0; len < m->body.len; len++) {
        struct message const cut = { .type = m->type, .body = { m->body.p, len } };
        taken += tls_take_certificate_verify(hs, &cut);
    }
    ok(!taken && error.kind == TLS_ERROR_SENT && error.number == TLS_DECODE_ERROR, "a CertificateVerify that is cut");
    error = (struct tls_error){ .kind = TLS_ERROR_NONE };
    memcpy(longer, m->body.p, m->body.len);
    longer[m->body.len] = 0;
    struct message const long_one = { .type = m->type, .body = { longer, m->body.len + 1 } };
    ok(!tls_take_certificate_verify(hs, &long_one) && error.number == TLS_DECODE_ERROR, "one with a byte too many");
    error = (struct tls_error){ .kind = TLS_ERROR_NONE };
    longer[0] = longer[1] = 0;
    struct message const unknown = { .type = m->type, .body = { longer, m->body.len } };
    ok(!tls_take_certificate_verify(hs, &unknown) && error.number == TLS_ILLEGAL_PARAMETER, "one of an unknown scheme");
    error = (struct tls_error){ .kind = TLS_ERROR_NONE };
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
    crypto_transcript_add(&hs->transcript, hello.data + TLS_RECORD_HEADER, hello.len - TLS_RECORD_HEADER);
    add_server_flight(hs, t);
    memcpy(hs->secret.client, secret.data, secret.len);
    tls_protect_rx(hs);
    play(t->client_flight);
    ok(tls_expect_message(hs, TLS_CERTIFICATE, &m) && tls_take_certificate(hs, &m, &empty) && !empty, "Certificate");
    ok(!session.peer_present, "not believed before it is proven");
    ok(tls_expect_message(hs, TLS_CERTIFICATE_VERIFY, &m), "a CertificateVerify");
    refuses_unreadable_proofs(hs, &m);
    ok(tls_take_certificate_verify(hs, &m), "which proves the key");
    is_error_free(tls_read_finished13(hs), "Finished");
    ok(session.peer_present && tls_at_record_boundary(hs), "believed, and nothing left over");
    tls_handshake_free(hs);
}

/* Section 3: what the ticket of the trace's server stands for. */
static void resumption(struct trace const *t)
{
    static unsigned char const nonce[2];
    struct bytes const hello = hex(t->server_hello), finished = hex(client_finished_message);
    struct bytes const master = hex(master_secret);
    unsigned char psk[CRYPTO_MAX_HASH];

    diag("server, resumption");
    struct handshake *hs = start();
    use_hello(hs, t);
    hs->suite = crypto_suite_by_id(0x1301);
    crypto_transcript_add(&hs->transcript, hello.data + TLS_RECORD_HEADER, hello.len - TLS_RECORD_HEADER);
    add_server_flight(hs, t);
    crypto_transcript_add(&hs->transcript, finished.data, finished.len);
    memcpy(hs->secret.current, master.data, master.len);
    tls_schedule_resumption(hs, nonce, sizeof nonce, psk);
    is_hex(psk, resumption_psk, "resumption secret");
    tls_handshake_free(hs);
}

int main(void)
{
    server(&simple, "section 3");
    server(&client_auth, "section 6");
    server(&middlebox, "section 7");
    signature();
    server_takes_certificate(&client_auth);
    resumption(&simple);
    return done_testing();
}
