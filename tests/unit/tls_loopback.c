/* ISC license. */

/* Whole handshakes: every version, suite, key and group, and what both ends know afterwards. */

#include "loopback.h"

static int keys_equal(struct ktls_traffic_keys const *a, struct ktls_traffic_keys const *b)
{
    return a->version == b->version && a->cipher == b->cipher && a->seq == b->seq &&
           !memcmp(a->key, b->key, sizeof a->key) && !memcmp(a->iv, b->iv, sizeof a->iv);
}

static void carries_data(struct tls_session *from, struct tls_session *to, char const *what)
{
    unsigned char record[128], type = 0, *found = NULL;
    size_t const len = crypto_seal_record(&from->tx, KTLS_APPLICATION_DATA, "hello", 5, record);
    long const n = crypto_open_record(&to->rx, record, record + RECORD_HEADER, len - RECORD_HEADER, &type, &found);
    ok(n == 5 && type == KTLS_APPLICATION_DATA && !memcmp(found, "hello", 5), "%s: data passes", what);
}

static void rekeys(char const *what)
{
    size_t const size = crypto_hash_size(client.session.suite->hash);
    unsigned char before[TLS_MAX_SECRET];

    ok(!memcmp(client.session.tx_secret, server.session.rx_secret, size) &&
           !memcmp(client.session.rx_secret, server.session.tx_secret, size),
       "%s: traffic secrets", what);
    memcpy(before, client.session.tx_secret, sizeof before);
    tls_next_keys(client.session.suite, client.session.tx_secret, &client.session.tx);
    tls_next_keys(server.session.suite, server.session.rx_secret, &server.session.rx);
    ok(memcmp(before, client.session.tx_secret, size) && !client.session.tx.seq &&
           keys_equal(&client.session.tx, &server.session.rx),
       "%s: next generation", what);
    carries_data(&client.session, &server.session, what);
}

static void is_same_connection(struct crypto_suite const *suite, char const *what)
{
    struct tls_session *c = &client.session, *s = &server.session;
    if (!both_done(what)) return;
    ok(c->suite == suite && s->suite == suite && c->version == suite->version && s->version == suite->version,
       "%s: version and suite", what);
    ok(keys_equal(&c->tx, &s->rx) && keys_equal(&c->rx, &s->tx) && memcmp(c->tx.key, c->rx.key, 16),
       "%s: traffic keys", what);
    /* In 1.2 Finished was the first record under these keys. */
    ok(c->tx.seq == (suite->version == TLS_1_2) && c->rx.seq == c->tx.seq, "%s: sequence numbers", what);
    carries_data(c, s, what);
    carries_data(s, c, what);
    if (suite->version == TLS_1_3) rekeys(what);
}

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
        else if (both_done(what)) ok(client.session.version == cases[i].version, "%s: %04x", what, cases[i].version);
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
            ok(client.session.suite->cipher == KTLS_CHACHA20_POLY1305, "%04x: a client's ChaCha20 is honoured", version);

        loopback_reset();
        only_version(&client.config, version);
        memcpy(client.config.suites, aes_first, sizeof aes_first);
        client.config.suite_count = 6;
        server.config.suites[0] = version == TLS_1_2 ? 0xc02c : 0x1302;
        server.config.suites[1] = version == TLS_1_2 ? 0xc02b : 0x1301;
        server.config.suite_count = 2;
        loopback_run();
        if (both_done("server's order"))
            ok(client.session.suite->id == server.config.suites[0], "%04x: the server's order decides", version);
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
        char const *what = i & 1 ? "the client's suites are of one version" : "the server's suites are of one version";
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
        ok(!strcmp(client.session.alpn, expected) && !strcmp(server.session.alpn, expected), "%s: \"%s\"", what,
           expected);
}

static void alpns(uint16_t version)
{
    alpn(version, "h2,http/1.1", "http/1.1,h2", "http/1.1");
    alpn(version, "h2", "http/1.1,h2", "h2");
    alpn(version, "h2", "http/1.1", NULL);
    alpn(version, "h2", "h", NULL);
    alpn(version, "h2", NULL, "");
    alpn(version, NULL, "h2", "");
}

/* ---- key exchange groups ---- */

static uint16_t edited_group;

/* A hello as ours would be if it began with another group's share. */
static int run_client_with_share(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = handshake_new(&side->config, transport, &side->session, &side->error);
    hs->session_id_len = sizeof hs->session_id;
    crypto_share_generate(&hs->share, edited_group, &side->config.random);
    int const done = write_client_hello(hs, (struct span){ 0 }) && flush_flight(hs) && client_after_hello(hs);
    if (done) handshake_fill_session(hs);
    handshake_free(hs);
    return done;
}

/* The hello that was staged becomes another one of len bytes; sent, hashed and remembered as such. */
static void replace_hello(struct handshake *hs, size_t len)
{
    hs->stage.len = len;
    hs->stage.p[2] = (unsigned char)((len - 4) >> 8);
    hs->stage.p[3] = (unsigned char)(len - 4);
    crypto_transcript_init(&hs->transcript);
    crypto_transcript_add(&hs->transcript, hs->stage.p, len);
    memcpy(hs->hello, hs->stage.p, len);
    hs->hello_len = len;
}

/* Where the extension block's length stands. */
static size_t block_at(struct handshake const *hs)
{
    size_t at = 4 + 2 + 32;
    at += 1u + hs->stage.p[at];
    at += 2u + (size_t)(hs->stage.p[at] << 8 | hs->stage.p[at + 1]);
    return at + 1u + hs->stage.p[at];
}

/* key_share is our last extension: an empty one makes the server ask. */
static int run_client_without_share(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = handshake_new(&side->config, transport, &side->session, &side->error);
    hs->session_id_len = sizeof hs->session_id;
    if (!write_client_hello(hs, (struct span){ 0 })) abort();
    size_t const len = hs->stage.len - 4, block = block_at(hs);
    unsigned char *p = hs->stage.p;
    p[len - 3] = 2, p[len - 2] = p[len - 1] = 0;
    p[block] = (unsigned char)((len - block - 2) >> 8);
    p[block + 1] = (unsigned char)(len - block - 2);
    replace_hello(hs, len);
    int const done = flush_flight(hs) && client_after_hello(hs);
    if (done) handshake_fill_session(hs);
    handshake_free(hs);
    return done;
}

/* A TLS 1.2 hello whose supported_groups names one group, three times. */
static int run_client_with_groups(struct side *side, struct tls_transport const *transport)
{
    static unsigned char const groups[] = { 0, 10, 0, 8, 0, 6, 0, 29, 0, 23, 0, 24 };
    struct handshake *hs = handshake_new(&side->config, transport, &side->session, &side->error);
    if (!write_client_hello(hs, (struct span){ 0 })) abort();
    size_t at = block_at(hs);
    while (memcmp(hs->stage.p + at, groups, sizeof groups)) at++;
    for (size_t i = 7; i < sizeof groups; i += 2) hs->stage.p[at + i] = (unsigned char)edited_group;
    replace_hello(hs, hs->stage.len);
    int const done = flush_flight(hs) && client_after_hello(hs);
    if (done) handshake_fill_session(hs);
    handshake_free(hs);
    return done;
}

static void groups(void)
{
    static uint16_t const all[] = { CRYPTO_X25519, CRYPTO_SECP256R1, CRYPTO_SECP384R1 };
    char what[64];

    for (size_t i = 0; i < 3; i++) {
        edited_group = all[i];
        loopback_reset();
        client.run = run_client_with_share;
        loopback_run();
        snprintf(what, sizeof what, "1.3, group %d", edited_group);
        if (both_done(what)) carries_data(&client.session, &server.session, what);

        loopback_reset();
        client.run = run_client_with_groups;
        server.config.credential[0] = credential("rsa");
        only_version(&client.config, TLS_1_2);
        loopback_run();
        snprintf(what, sizeof what, "1.2, group %d", edited_group);
        if (both_done(what)) carries_data(&client.session, &server.session, what);
    }
}

static void hello_retry(void)
{
    static char const *const names[] = { "HelloRetryRequest, SHA-256", "HelloRetryRequest, SHA-384" };
    for (size_t i = 0; i < 2; i++) {
        loopback_reset();
        client.run = run_client_without_share;
        client.config.suites[0] = i ? 0x1302 : 0x1301;
        client.config.suite_count = 1;
        loopback_run();
        is_same_connection(crypto_suite_by_id(client.config.suites[0]), names[i]);
    }
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
                ok(!strcmp(server.session.server_name, cases[i].sent), "%04x: server_name \"%s\"", version,
                   server.session.server_name);
        }
    loopback_reset();
    client.config.server_name = NULL;
    loopback_run();
    if (both_done("no name")) ok(!server.session.server_name[0], "no server_name");
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
    groups();
    hello_retry();
    server_names();
    return done_testing();
}
