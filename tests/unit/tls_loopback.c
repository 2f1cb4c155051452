/* ISC license. */

/* Whole handshakes: every version, suite, key and group, and what both ends know afterwards.
   Uses $KTLS_PKI. */

#include "same_connection.h"

static void knows_server(char const *key, char const *what)
{
    struct x509_certificate const *cert = credential(key)->chain.cert;
    unsigned char hash[32];
    crypto_hash(CRYPTO_SHA256, cert->der, cert->len, hash);
    ok(client.session.peer_present && client.session.peer_verified &&
           !memcmp(client.session.peer_hash, hash, sizeof hash) && client.session.peer_subject[0],
       "%s: the client knows the server", what);
    ok(!server.session.peer_present && !server.session.peer_subject[0], "%s: the server knows nobody", what);
    ok(!strcmp(server.session.server_name, "localhost"), "%s: server_name", what);
}

static void suite_with_key(struct crypto_suite const *suite, char const *key)
{
    char what[128];
    snprintf(what, sizeof what, "%s, %s", suite->name, key);
    loopback_reset();
    server.config.credential[0] = credential(key);
    only_version(&client.config, suite->version);
    client.config.suites[0] = suite->id;
    client.config.suite_count = 1;
    loopback_run();
    is_same_connection(suite, what);
    if (client.done && server.done) knows_server(key, what);
}

static void all_suites(void)
{
    static struct {
        char const *name;
        enum crypto_key_type type;
    } const keys[] = { { "ec256", CRYPTO_EC }, { "ec384", CRYPTO_EC }, { "rsa", CRYPTO_RSA },
                       { "ec-chain", CRYPTO_EC } };
    for (size_t i = 0; i < CRYPTO_SUITES; i++)
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (crypto_suites[i].auth == CRYPTO_ANY_KEY || crypto_suites[i].auth == keys[k].type)
                suite_with_key(crypto_suites + i, keys[k].name);
}

/* The negotiated version from each side's range; 0: none. */
static void versions(void)
{
    static struct {
        uint16_t client_min, client_max, server_min, server_max, version;
    } const cases[] = {
        { TLS_1_2, TLS_1_3, TLS_1_2, TLS_1_3, TLS_1_3 }, { TLS_1_2, TLS_1_2, TLS_1_2, TLS_1_3, TLS_1_2 },
        { TLS_1_3, TLS_1_3, TLS_1_2, TLS_1_3, TLS_1_3 }, { TLS_1_2, TLS_1_3, TLS_1_2, TLS_1_2, TLS_1_2 },
        { TLS_1_2, TLS_1_3, TLS_1_3, TLS_1_3, TLS_1_3 }, { TLS_1_2, TLS_1_2, TLS_1_3, TLS_1_3, 0 },
        { TLS_1_3, TLS_1_3, TLS_1_2, TLS_1_2, 0 },       { TLS_1_2, TLS_1_2, TLS_1_2, TLS_1_2, TLS_1_2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[64];
        snprintf(what, sizeof what, "versions, case %zu", i);
        loopback_reset();
        client.config.min_version = cases[i].client_min;
        client.config.max_version = cases[i].client_max;
        server.config.min_version = cases[i].server_min;
        server.config.max_version = cases[i].server_max;
        loopback_run();
        if (!cases[i].version) server_refuses(TLS_PROTOCOL_VERSION, what);
        else if (both_done(what))
            ok(client.session.version == cases[i].version, "%s: %04x", what, cases[i].version);
    }
}

static void suite_choice(void)
{
    static uint16_t const chacha_first[] = { 0x1303, 0xcca9, 0x1301, 0xc02b };
    static uint16_t const aes_first[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9 };

    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        loopback_reset();
        only_version(&client.config, version);
        memcpy(client.config.suites, chacha_first, sizeof chacha_first);
        memcpy(server.config.suites, aes_first, sizeof aes_first);
        client.config.suite_count = 4;
        server.config.suite_count = 6;
        loopback_run();
        if (both_done("ChaCha20 first"))
            ok(client.session.suite->cipher == KTLS_CHACHA20_POLY1305,
               "%04x: a client's ChaCha20 is honoured", version);

        loopback_reset();
        only_version(&client.config, version);
        memcpy(client.config.suites, aes_first, sizeof aes_first);
        client.config.suite_count = 6;
        server.config.suites[0] = version == TLS_1_2 ? 0xc02c : 0x1302;
        server.config.suites[1] = version == TLS_1_2 ? 0xc02b : 0x1301;
        server.config.suite_count = 2;
        loopback_run();
        if (both_done("server's order"))
            ok(client.session.suite->id == server.config.suites[0], "%04x: the server's order decides",
               version);
    }
    loopback_reset();
    client.config.suites[0] = 0x1301;
    server.config.suites[0] = 0x1302;
    client.config.suite_count = server.config.suite_count = 1;
    loopback_run();
    server_refuses(TLS_HANDSHAKE_FAILURE, "no common suite");
    loopback_reset();
    only_version(&client.config, TLS_1_2);
    client.config.suites[0] = 0xc02f;
    client.config.suite_count = 1;
    loopback_run();
    server_refuses(TLS_HANDSHAKE_FAILURE, "an RSA suite and an EC key");
}

/* A version without a suite is not offered, and not chosen. */
static void versions_follow_suites(void)
{
    for (int i = 0; i < 4; i++) {
        struct side *const side = i & 1 ? &client : &server;
        char const *what =
            i & 1 ? "the client's suites are of one version" : "the server's suites are of one version";
        loopback_reset();
        side->config.suites[0] = i & 2 ? 0x1301 : 0xc02b;
        side->config.suite_count = 1;
        loopback_run();
        if (both_done(what)) ok(client.session.suite->id == side->config.suites[0], "%s: suite", what);
    }
}

static void two_credentials(void)
{
    static uint16_t const suites[] = { 0xc02f, 0xc02b, 0x1301 };
    static char const *const expected[] = { "rsa", "ec256", "ec256" };

    for (size_t i = 0; i < 3; i++) {
        loopback_reset();
        server.config.credential[1] = credential("rsa");
        only_version(&client.config, crypto_suite_by_id(suites[i])->version);
        client.config.suites[0] = suites[i];
        client.config.suite_count = 1;
        loopback_run();
        if (both_done("two credentials")) knows_server(expected[i], expected[i]);
    }
}

/* ---- ALPN ---- */

static void alpn(uint16_t version, char const *ours, char const *theirs, char const *expected)
{
    unsigned char offered[64], known[64];
    char what[128];
    snprintf(what, sizeof what, "%04x: ALPN %s to a server with %s", version, ours ? ours : "nothing",
             theirs ? theirs : "nothing");
    loopback_reset();
    only_version(&client.config, version);
    client.config.alpn = offered;
    server.config.alpn = known;
    if (ours) client.config.alpn_len = tls_parse_alpn(offered, sizeof offered, ours);
    if (theirs) server.config.alpn_len = tls_parse_alpn(known, sizeof known, theirs);
    loopback_run();
    if (!expected) server_refuses(TLS_NO_APPLICATION_PROTOCOL, what);
    else if (both_done(what))
        ok(!strcmp(client.session.alpn, expected) && !strcmp(server.session.alpn, expected), "%s: \"%s\"",
           what, expected);
}

static void alpns(uint16_t version)
{
    alpn(version, "h2,http/1.1", "http/1.1,h2", "http/1.1");
    alpn(version, "h2", "http/1.1,h2", "h2");
    alpn(version, "h2", "http/1.1", NULL);
    alpn(version, "h2", "h", NULL);
    alpn(version, "h", "h2,h", "h");
    alpn(version, "h2", NULL, "");
    alpn(version, NULL, "h2", "");
}

static void server_names(void)
{
    static struct {
        char const *name, *sent;
    } const cases[] = {
        { "localhost", "localhost" },
        { "EXAMPLE.test", "example.test" },
        { "a.wild.test", "a.wild.test" },
        { "127.0.0.1", "" },
        { "::1", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
            loopback_reset();
            only_version(&client.config, version);
            client.config.server_name = cases[i].name;
            loopback_run();
            if (both_done(cases[i].name))
                ok(!strcmp(server.session.server_name, cases[i].sent) &&
                       !strcmp(client.session.server_name, cases[i].sent),
                   "%04x: server_name \"%s\"", version,
                   server.session.server_name);
        }
    loopback_reset();
    client.config.server_name = NULL;
    loopback_run();
    if (both_done("no name")) ok(!server.session.server_name[0], "no server_name");
}

/* ---- a slow network ---- */

static struct tls_transport fast;

static ssize_t read_one_byte(void *ctx, void *buf, size_t len)
{
    return fast.read(ctx, buf, len ? 1 : 0);
}

static int run_slow_client(struct side *side, struct tls_transport const *transport)
{
    fast = *transport;
    struct tls_transport const slow = { .read = read_one_byte, .write = fast.write, .ctx = fast.ctx };
    return tls_client_handshake(&side->config, &slow, &side->session, &side->error);
}

static int run_slow_server(struct side *side, struct tls_transport const *transport)
{
    fast = *transport;
    struct tls_transport const slow = { .read = read_one_byte, .write = fast.write, .ctx = fast.ctx };
    return tls_server_handshake(&side->config, &slow, &side->session, &side->error);
}

static void slow_peers(void)
{
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        loopback_reset();
        only_version(&client.config, version);
        client.run = run_slow_client;
        loopback_run();
        both_done("the client gets one byte at a time");
        loopback_reset();
        only_version(&client.config, version);
        server.run = run_slow_server;
        loopback_run();
        both_done("the server gets one byte at a time");
    }
}

int main(void)
{
    loopback_reset();
    all_suites();
    versions();
    suite_choice();
    versions_follow_suites();
    two_credentials();
    alpns(TLS_1_2);
    alpns(TLS_1_3);
    server_names();
    slow_peers();
    return done_testing();
}
