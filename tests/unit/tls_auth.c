/* ISC license. */

/* Who proves what to whom, and what is said when it is not enough. Uses $KTLS_PKI. */

#include "loopback.h"

/* ---- servers that a client does not believe ---- */

static void bad_server(uint16_t version, char const *key, int alert)
{
    char what[64];
    snprintf(what, sizeof what, "%04x: server %s", version, key);
    loopback_reset();
    only_version(&client.config, version);
    server.config.credential[0] = credential(key);
    loopback_run();
    client_refuses(alert, what);
    ok(!client.session.peer_present && !client.session.peer_subject[0], "%s: nothing is known of it", what);
}

static void bad_servers(uint16_t version)
{
    bad_server(version, "expired", TLS_CERTIFICATE_EXPIRED);
    bad_server(version, "future", TLS_CERTIFICATE_EXPIRED);
    bad_server(version, "selfsigned", TLS_UNKNOWN_CA);
    bad_server(version, "wrongname", TLS_BAD_CERTIFICATE);
    bad_server(version, "clientonly", TLS_UNSUPPORTED_CERTIFICATE);
    bad_server(version, "sha1", TLS_UNSUPPORTED_CERTIFICATE);
}

static void unverified_server(uint16_t version)
{
    loopback_reset();
    only_version(&client.config, version);
    client.config.trust = NULL;
    server.config.credential[0] = credential("selfsigned");
    loopback_run();
    if (both_done("not verified"))
        ok(client.session.peer_present && !client.session.peer_verified, "%04x: present, not verified",
           version);
}

/* The certificate of one key, signatures with another. With RSA our own side
   notices: it verifies what it has signed. */
static void impostor(uint16_t version, char const *name, char const *other)
{
    static struct x509_credential lying;
    char what[64];
    snprintf(what, sizeof what, "%04x: %s with the key of %s", version, name, other);
    loopback_reset();
    only_version(&client.config, version);
    lying = *credential(name);
    lying.private_key = credential(other)->private_key;
    server.config.credential[0] = &lying;
    loopback_run();
    if (lying.private_key.type == CRYPTO_RSA) server_refuses(TLS_INTERNAL_ERROR, what);
    else client_refuses(TLS_DECRYPT_ERROR, what);
    ok(!client.session.peer_present, "%s: not believed", what);
}

/* ---- client certificates ---- */

struct client_case {
    enum tls_client_auth asked;
    char const *key; /* NULL: none */
    int present;
    int alert12, alert13; /* 0: the handshake succeeds */
};

static void outcome(uint16_t version, struct client_case const *c, char const *what)
{
    int const alert = version == TLS_1_2 ? c->alert12 : c->alert13;
    if (!alert) {
        if (!both_done(what)) return;
        ok(server.session.peer_present == c->present && server.session.peer_verified == c->present,
           "%s: identity %d", what, c->present);
        return;
    }
    ok(sent(&server, alert), "%s: server sends %s: %s", what, tls_alert_name((unsigned int)alert),
       error_text(&server));
    /* A 1.3 client is done before the server has looked at its certificate. */
    if (version == TLS_1_2) ok(received(&client, alert), "%s: client: %s", what, error_text(&client));
    else ok(client.done, "%s: the client is done", what);
    ok(!server.session.peer_present && !server.session.peer_subject[0], "%s: no identity", what);
}

static void client_certificates(uint16_t version)
{
    static struct client_case const cases[] = {
        { TLS_NO_CLIENT_CERT, NULL, 0, 0, 0 },
        { TLS_NO_CLIENT_CERT, "client-ec", 0, 0, 0 },
        { TLS_REQUEST_CLIENT_CERT, NULL, 0, 0, 0 },
        { TLS_REQUEST_CLIENT_CERT, "client-ec", 1, 0, 0 },
        { TLS_REQUEST_CLIENT_CERT, "client-rsa", 1, 0, 0 },
        { TLS_REQUIRE_CLIENT_CERT, "client-ec", 1, 0, 0 },
        { TLS_REQUIRE_CLIENT_CERT, "client-rsa", 1, 0, 0 },
        { TLS_REQUIRE_CLIENT_CERT, NULL, 0, TLS_HANDSHAKE_FAILURE, TLS_CERTIFICATE_REQUIRED },
        { TLS_REQUIRE_CLIENT_CERT, "client-unknown", 0, TLS_UNKNOWN_CA, TLS_UNKNOWN_CA },
        { TLS_REQUEST_CLIENT_CERT, "client-unknown", 0, TLS_UNKNOWN_CA, TLS_UNKNOWN_CA },
        { TLS_REQUIRE_CLIENT_CERT, "expired", 0, TLS_CERTIFICATE_EXPIRED, TLS_CERTIFICATE_EXPIRED },
        { TLS_REQUIRE_CLIENT_CERT, "ec256", 0, TLS_UNSUPPORTED_CERTIFICATE, TLS_UNSUPPORTED_CERTIFICATE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[96];
        snprintf(what, sizeof what, "%04x: client auth %d, %s", version, (int)cases[i].asked,
                 cases[i].key ? cases[i].key : "none");
        loopback_reset();
        only_version(&client.config, version);
        server.config.client_auth = cases[i].asked;
        if (cases[i].key) client.config.credential[0] = credential(cases[i].key);
        loopback_run();
        outcome(version, cases + i, what);
    }
}

static void client_impostor(uint16_t version)
{
    static struct x509_credential lying;
    struct client_case const refused = { TLS_REQUEST_CLIENT_CERT, "client-ec", 0, TLS_DECRYPT_ERROR,
                                         TLS_DECRYPT_ERROR };
    loopback_reset();
    only_version(&client.config, version);
    server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
    lying = *credential("client-ec");
    lying.private_key = credential("client-unknown")->private_key;
    client.config.credential[0] = &lying;
    loopback_run();
    outcome(version, &refused, "a client with another's certificate");
}

static void two_client_credentials(uint16_t version)
{
    unsigned char hash[32];
    struct x509_certificate const *rsa = credential("client-rsa")->chain.cert;

    loopback_reset();
    only_version(&client.config, version);
    server.config.client_auth = TLS_REQUIRE_CLIENT_CERT;
    client.config.credential[0] = credential("client-rsa");
    client.config.credential[1] = credential("client-ec");
    loopback_run();
    crypto_hash(CRYPTO_SHA256, rsa->der, rsa->len, hash);
    if (both_done("two client credentials"))
        ok(!memcmp(server.session.peer_hash, hash, sizeof hash), "%04x: the first that suits", version);
}

/* ---- long chains ---- */

static void pad_chain(struct x509_chain *chain, size_t count)
{
    static unsigned char const junk[5000] = { 0x30, 0x82, 0x13, 0x84 };
    for (size_t i = 1; i <= count; i++) chain->cert[i] = (struct x509_certificate){ junk, sizeof junk };
    chain->count = 1 + count;
}

/* A Certificate message of several records, in both directions. */
static void long_chains(uint16_t version)
{
    static struct x509_credential ours, theirs;
    loopback_reset();
    only_version(&client.config, version);
    ours = *credential("client-ec");
    theirs = *credential("rsa");
    pad_chain(&ours.chain, 12);
    pad_chain(&theirs.chain, 12);
    client.config.trust = server.config.trust = NULL;
    client.config.credential[0] = &ours;
    server.config.credential[0] = &theirs;
    server.config.client_auth = TLS_REQUIRE_CLIENT_CERT;
    loopback_run();
    if (both_done("chains of 60 KB"))
        ok(client.session.peer_present && server.session.peer_present, "%04x: both identities", version);
}

/* ---- ends ---- */

static int run_nothing(struct side *side, struct tls_transport const *transport)
{
    (void)side, (void)transport;
    return 0;
}

static void vanishing_peer(void)
{
    loopback_reset();
    server.run = run_nothing;
    loopback_run();
    ok(!client.done && client.error.kind == TLS_ERROR_EOF, "the server vanishes: %s", error_text(&client));
    loopback_reset();
    client.run = run_nothing;
    loopback_run();
    ok(!server.done && server.error.kind == TLS_ERROR_EOF, "the client vanishes: %s", error_text(&server));
}

static int run_hurried_server(struct side *side, struct tls_transport const *transport)
{
    struct tls_fd_transport fds = *(struct tls_fd_transport const *)transport->ctx;
    fds.deadline = tls_deadline_after(100);
    struct tls_transport const hurried = tls_transport_on_fds(&fds);
    return tls_server_handshake(&side->config, &hurried, &side->session, &side->error);
}

static int run_silence(struct side *side, struct tls_transport const *transport)
{
    unsigned char byte;
    (void)side;
    return transport->read(transport->ctx, &byte, 1) == 0;
}

static void silent_peer(void)
{
    loopback_reset();
    server.run = run_hurried_server;
    client.run = run_silence;
    loopback_run();
    ok(!server.done && server.error.kind == TLS_ERROR_TIMEOUT, "silence ends at the deadline: %s",
       error_text(&server));
    ok(client.done, "and nothing is sent into it");
}

int main(void)
{
    loopback_reset();
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        bad_servers(version);
        unverified_server(version);
        impostor(version, "ec256", "ec-chain");
        impostor(version, "rsa", "client-rsa");
        client_certificates(version);
        client_impostor(version);
        two_client_credentials(version);
        long_chains(version);
    }
    vanishing_peer();
    silent_peer();
    return done_testing();
}
