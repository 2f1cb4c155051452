/* ISC license. */

/* Which of its certificates a client sends in answer to a CertificateRequest: by key type
   (RFC 8422, 5.5), signature scheme, and the schemes of its chain (RFC 8446, 4.2.3). Uses
   $KTLS_PKI. */

#include "faults.h"

static struct x509_credential const *chosen;

/* What it chose is known before the transcript tells it that the request was changed. */
static int run_watched_client(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = tls_handshake_new(&side->config, transport, &side->session, &side->error);
    if (!hs) abort();
    int const done = tls_client_send_hello(hs) && tls_client_after_hello(hs);
    chosen = hs->credential;
    tls_handshake_free(hs);
    return done;
}

struct request_case {
    char const *what, *change;
    char const *sent; /* NULL: an empty Certificate */
};

static void asked(uint16_t version, struct request_case const *c, char const *first, char const *second)
{
    loopback_reset();
    only_version(&client.config, version);
    client.config.credential[0] = credential(first);
    client.config.credential[1] = second ? credential(second) : NULL;
    server.run = run_faulty_server;
    server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
    client.run = run_watched_client;
    chosen = NULL;
    fault = (struct fault){ 0, c->change };
    loopback_run();
    ok(faulty.applied, "%04x: %s: applied", version, c->what);
    ok(chosen == (c->sent ? credential(c->sent) : NULL), "%04x: %s: %s, client: %s", version, c->what,
       c->sent ? c->sent : "no certificate", error_text(&client));
}

/* certificate_types, supported_signature_algorithms, certificate_authorities */
static void requests_of_12(void)
{
    static struct request_case const both[] = {
        { "rsa_sign", "body 13 01010004040308040000", "client-rsa" },
        { "ecdsa_sign", "body 13 01400004040308040000", "client-ec" },
        { "rsa_sign and ecdsa_sign: the first of ours", "body 13 0201400004040308040000", "client-ec" },
        { "ecdsa_sign and rsa_sign", "body 13 0240010004040308040000", "client-ec" },
        { "dss_sign", "body 13 01020004040308040000", NULL },
        { "rsa_fixed_dh and dss_sign", "body 13 0203020004040308040000", NULL },
        { "type 0", "body 13 01000004040308040000", NULL },
        { "type 65", "body 13 01410004040308040000", NULL },
        { "type 63", "body 13 013f0004040308040000", NULL },
        { "dss_sign before rsa_sign", "body 13 0202010004040308040000", "client-rsa" },
        { "both types, schemes of RSA", "body 13 020140000208040000", "client-rsa" },
        { "rsa_sign, schemes of EC", "body 13 0101000204030000", NULL },
        { "a scheme that nobody knows", "body 13 0201400002fefe0000", NULL },
        { "authorities are not looked at", "body 13 020140000404030804000400023000", "client-ec" },
    };
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        asked(TLS_1_2, both + i, "client-ec", "client-rsa");
    static struct request_case const one[] = {
        { "ecdsa_sign, and RSA alone is there", "body 13 01400004040308040000", NULL },
        { "rsa_sign, RSA alone", "body 13 01010004040308040000", "client-rsa" },
    };
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) asked(TLS_1_2, one + i, "client-rsa", NULL);
}

/* The byte behind the types is a length, whatever it is. */
static void many_schemes(void)
{
    char change[1024] = "body 13 01400100";
    struct request_case const many = { "ecdsa_sign, and 128 schemes", change, NULL };
    for (int i = 0; i < 128; i++) strcat(change, "0804");
    strcat(change, "0000");
    asked(TLS_1_2, &many, "client-rsa", NULL);
}

static void malformed_requests_of_12(void)
{
    static struct {
        char const *what, *change;
    } const rows[] = {
        { "nothing", "body 13 " },
        { "no types", "body 13 000002040300 00" },
        { "no schemes", "body 13 014000000000" },
        { "half a scheme", "body 13 0140000304030800 00" },
        { "no authorities' length", "body 13 014000020403" },
        { "a byte behind it", "body 13 0140000204030000 00" },
        { "an empty authority", "body 13 014000020403000200 00" },
        { "an authority that is cut", "body 13 01400002040300030002 30" },
        { "half an authority's length", "body 13 0140000204030001 00" },
        { "one authority and half a length", "body 13 01400002040300040001 3000" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char change[128], *to = change;
        for (char const *p = rows[i].change; *p; p++)
            if (*p != ' ' || p < rows[i].change + sizeof "body 13") *to++ = *p;
        *to = 0;
        loopback_reset();
        only_version(&client.config, TLS_1_2);
        client.config.credential[0] = credential("client-ec");
        client.run = run_watched_client;
        server.run = run_faulty_server;
        server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
        fault = (struct fault){ 0, change };
        loopback_run();
        ok(faulty.applied && sent(&client, TLS_DECODE_ERROR), "a CertificateRequest with %s: %s", rows[i].what,
           error_text(&client));
    }
}

static void requests_of_13(void)
{
    static struct request_case const rows[] = {
        { "schemes of both", "ext 13 13 000404030804", "client-ec" },
        { "schemes of RSA", "ext 13 13 00020804", "client-rsa" },
        { "PKCS#1 v1.5 signs no CertificateVerify", "ext 13 13 00020401", NULL },
        { "another curve's", "ext 13 13 00020503", NULL },
        { "certificates signed with RSA", "ext 13 13 000404030804;ext 13 50 00020401", "client-rsa" },
        { "certificates signed with ECDSA", "ext 13 13 000404030804;ext 13 50 00020403", "client-ec" },
        { "certificates signed with a scheme that none has", "ext 13 13 000404030804;ext 13 50 00020603", "client-ec" },
        { "certificates signed with RSA, keys of EC", "ext 13 13 00020403;ext 13 50 00020401", "client-ec" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) asked(TLS_1_3, rows + i, "client-ec", "client-rsa");
    static struct request_case const other[] = {
        { "the second of ours, by the certificates' scheme", "ext 13 13 000404030804;ext 13 50 00020403", "client-ec" },
    };
    asked(TLS_1_3, other, "client-rsa", "client-ec");
}

/* ---- the suites of a server are suite_count, whatever is behind them ---- */

static unsigned int told;

static int note(void *ctx, struct tls_hello const *hello, struct x509_credential const *own[2])
{
    (void)ctx;
    (void)own;
    told = hello->key_types;
    return 1;
}

static void suites_end(void)
{
    enum { ECDSA_SUITE = 0xc02b, RSA_SUITE = 0xc02f };
    static struct {
        uint16_t suites[2];
        size_t count;
        unsigned int key_types;
    } const rows[] = {
        { { ECDSA_SUITE, RSA_SUITE }, 1, 1u << CRYPTO_EC },
        { { RSA_SUITE, ECDSA_SUITE }, 1, 1u << CRYPTO_RSA },
        { { RSA_SUITE, ECDSA_SUITE }, 2, 1u << CRYPTO_RSA | 1u << CRYPTO_EC },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        loopback_reset();
        only_version(&client.config, TLS_1_2);
        memset(server.config.suites, 0, sizeof server.config.suites);
        memcpy(server.config.suites, rows[i].suites, sizeof rows[i].suites);
        server.config.suite_count = rows[i].count;
        server.config.credential[1] = credential("rsa");
        server.config.choose.function = note;
        told = 0;
        loopback_run();
        ok(told == rows[i].key_types, "%zu suites: key types %u", rows[i].count, told);
        both_done("with them");
    }
}

/* A server whose only certificate is the second. */
static void second_alone(void)
{
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        loopback_reset();
        only_version(&client.config, version);
        server.config.credential[0] = NULL;
        server.config.credential[1] = credential("rsa");
        loopback_run();
        both_done("the second certificate alone");
    }
}

int main(void)
{
    loopback_reset();
    second_alone();
    requests_of_12();
    many_schemes();
    malformed_requests_of_12();
    requests_of_13();
    suites_end();
    return done_testing();
}
