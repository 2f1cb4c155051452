/* ISC license. */

/* Handshakes of clients that are not ours: other groups, HelloRetryRequest, no extended_master_secret.
   Our hello is changed before it is sent, hashed and remembered. Uses $KTLS_PKI. */

#include "edited_hello.h"
#include "same_connection.h"

static uint16_t edited_group;

/* A hello as ours would be if it began with another group's share. */
static int run_client_with_share(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = tls_handshake_new(&side->config, transport, &side->session, &side->error);
    hs->session_id_len = sizeof hs->session_id;
    crypto_share_generate(&hs->share, edited_group, &side->config.random);
    int const done = tls_write_client_hello(hs, (struct span){ 0 }) && tls_flush_flight(hs) &&
                     tls_client_after_hello(hs);
    if (done) tls_handshake_fill_session(hs);
    tls_handshake_free(hs);
    return done;
}

/* The bytes of an extension in a hello of 1.2. */
static unsigned char *find_in_hello(struct handshake *hs, unsigned char const *extension, size_t len)
{
    size_t at = block_at(hs);
    while (memcmp(hs->stage.p + at, extension, len)) at++;
    return hs->stage.p + at;
}

/* supported_groups names one group, four times. */
static void edit_groups(struct handshake *hs)
{
    static unsigned char const groups[] = { 0, 10, 0, 10, 0, 8, 0, 29, 0, 23, 0, 24, 0, 25 };
    unsigned char *p = find_in_hello(hs, groups, sizeof groups);
    for (size_t i = 7; i < sizeof groups; i += 2) p[i] = (unsigned char)edited_group;
}

/* An unknown extension in the place of extended_master_secret. */
static void remove_master_secret(struct handshake *hs)
{
    static unsigned char const extended_master_secret[] = { 0, 23, 0, 0 };
    unsigned char *p = find_in_hello(hs, extended_master_secret, sizeof extended_master_secret);
    p[0] = p[1] = 0x0a;
}

static void (*edit)(struct handshake *hs);

static int run_client_edited(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = tls_handshake_new(&side->config, transport, &side->session, &side->error);
    if (!tls_write_client_hello(hs, (struct span){ 0 })) abort();
    edit(hs);
    replace_hello(hs, hs->stage.len);
    int const done = tls_flush_flight(hs) && tls_client_after_hello(hs);
    if (done) tls_handshake_fill_session(hs);
    tls_handshake_free(hs);
    return done;
}

static void groups(void)
{
    static uint16_t const all[] = { CRYPTO_X25519, CRYPTO_SECP256R1, CRYPTO_SECP384R1, CRYPTO_SECP521R1 };
    char what[64];

    for (size_t i = 0; i < 3; i++) {
        edited_group = all[i];
        loopback_reset();
        client.run = run_client_with_share;
        loopback_run();
        snprintf(what, sizeof what, "1.3, group %d", edited_group);
        if (both_done(what)) carries_data(&client.session, &server.session, what);

        loopback_reset();
        client.run = run_client_edited;
        edit = edit_groups;
        server.config.credential[0] = credential("rsa");
        only_version(&client.config, TLS_1_2);
        loopback_run();
        snprintf(what, sizeof what, "1.2, group %d", edited_group);
        if (both_done(what)) carries_data(&client.session, &server.session, what);
    }
}

/* RFC 7627 was new once. */
static void old_master_secret(void)
{
    static uint16_t const suites[] = { 0xc02b, 0xc02c, 0xcca9 };
    for (size_t i = 0; i < 3; i++) {
        loopback_reset();
        client.run = run_client_edited;
        edit = remove_master_secret;
        only_version(&client.config, TLS_1_2);
        client.config.suites[0] = suites[i];
        client.config.suite_count = 1;
        loopback_run();
        is_same_connection(crypto_suite_by_id(suites[i]), "1.2 without extended_master_secret");
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

static void only_groups(struct tls_config *config, uint16_t const *groups, size_t max)
{
    for (config->group_count = 0; config->group_count < max && groups[config->group_count]; config->group_count++)
        config->groups[config->group_count] = groups[config->group_count];
}

/* What each side has, and what they agree on: a share that is there saves a round trip. */
static void hybrids(void)
{
    static struct {
        uint16_t client[3], server[3], agreed;
        unsigned char retried;
    } const cases[] = {
        { { CRYPTO_X25519MLKEM768, CRYPTO_X25519 }, { CRYPTO_X25519MLKEM768, CRYPTO_X25519 }, CRYPTO_X25519MLKEM768, 0 },
        { { CRYPTO_X25519MLKEM768, CRYPTO_X25519 }, { CRYPTO_X25519 }, CRYPTO_X25519, 0 },
        { { CRYPTO_X25519MLKEM768 }, { CRYPTO_X25519MLKEM768 }, CRYPTO_X25519MLKEM768, 0 },
        { { CRYPTO_SECP256R1MLKEM768 }, { CRYPTO_SECP256R1MLKEM768 }, CRYPTO_SECP256R1MLKEM768, 0 },
        { { CRYPTO_SECP256R1MLKEM768, CRYPTO_SECP256R1 }, { CRYPTO_SECP256R1 }, CRYPTO_SECP256R1, 0 },
        { { CRYPTO_X25519, CRYPTO_X25519MLKEM768 }, { CRYPTO_X25519MLKEM768 }, CRYPTO_X25519MLKEM768, 1 },
        { { CRYPTO_X25519MLKEM768, CRYPTO_X25519, CRYPTO_SECP384R1 }, { CRYPTO_SECP384R1 }, CRYPTO_SECP384R1, 1 },
        { { CRYPTO_X25519MLKEM768, CRYPTO_SECP256R1MLKEM768 }, { CRYPTO_SECP256R1MLKEM768 }, CRYPTO_SECP256R1MLKEM768, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[64];
        snprintf(what, sizeof what, "hybrid groups, case %zu", i);
        loopback_reset();
        only_groups(&client.config, cases[i].client, 3);
        only_groups(&server.config, cases[i].server, 3);
        only_version(&client.config, TLS_1_3);
        loopback_run();
        if (both_done(what)) carries_data(&client.session, &server.session, what);
        ok(client.session.group == cases[i].agreed && server.session.group == cases[i].agreed, "%s: the group", what);
        ok(client.session.retried == cases[i].retried && server.session.retried == cases[i].retried,
           "%s: HelloRetryRequest or not", what);
    }
}

/* Hybrid groups are of TLS 1.3: with TLS 1.2 the others count. */
static void hybrids_in_12(void)
{
    static uint16_t const both[] = { CRYPTO_X25519MLKEM768, CRYPTO_SECP256R1 };
    loopback_reset();
    only_groups(&client.config, both, 2);
    only_groups(&server.config, both, 2);
    only_version(&server.config, TLS_1_2);
    loopback_run();
    if (both_done("1.2, a hybrid group is configured")) ok(client.session.group == CRYPTO_SECP256R1, "the other is used");

    loopback_reset();
    only_groups(&server.config, both, 1);
    only_version(&server.config, TLS_1_2);
    loopback_run();
    ok(server.error.kind == TLS_ERROR_SENT && server.error.number == TLS_HANDSHAKE_FAILURE,
       "1.2, no other is configured: handshake_failure");
}

/* The first of the server's list that the client has, and no group behind the list's end. */
static void servers_list(uint16_t version)
{
    static struct {
        uint16_t client[3], server[3], agreed; /* 0: none */
        size_t server_count;
    } const cases[] = {
        { { CRYPTO_X25519, CRYPTO_SECP256R1 }, { CRYPTO_X25519, CRYPTO_SECP256R1 }, CRYPTO_X25519, 2 },
        { { CRYPTO_SECP384R1, CRYPTO_SECP256R1 }, { CRYPTO_X25519, CRYPTO_SECP384R1 }, CRYPTO_SECP384R1, 2 },
        { { CRYPTO_SECP384R1 }, { CRYPTO_X25519, CRYPTO_SECP384R1 }, 0, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[64];
        snprintf(what, sizeof what, "%04x: the server's groups, case %zu", version, i);
        loopback_reset();
        only_groups(&client.config, cases[i].client, 3);
        only_groups(&server.config, cases[i].server, 3);
        server.config.group_count = cases[i].server_count;
        only_version(&client.config, version);
        loopback_run();
        if (!cases[i].agreed) server_refuses(TLS_HANDSHAKE_FAILURE, what);
        else if (both_done(what)) ok(client.session.group == cases[i].agreed, "%s: %d", what, client.session.group);
    }
}

/* RFC 8422, 4: without supported_groups the server may choose, and what every such client has is P-256. */
static void remove_groups(struct handshake *hs)
{
    static unsigned char const header[] = { 0, 10, 0 };
    find_in_hello(hs, header, sizeof header)[0] = 0x0a;
}

static void without_groups(void)
{
    static uint16_t const with[] = { CRYPTO_X25519, CRYPTO_SECP256R1, 0 }, without[] = { CRYPTO_X25519, 0 };
    for (int has = 0; has < 2; has++) {
        loopback_reset();
        client.run = run_client_edited;
        edit = remove_groups;
        only_groups(&server.config, has ? with : without, 3);
        only_version(&client.config, TLS_1_2);
        loopback_run();
        if (!has) server_refuses(TLS_HANDSHAKE_FAILURE, "1.2, no supported_groups, a server without P-256");
        else if (both_done("1.2, no supported_groups")) ok(client.session.group == CRYPTO_SECP256R1, "P-256");
    }
}

/* In 1.2 the order is the server's. */
static void servers_order(void)
{
    static uint16_t const ours[] = { CRYPTO_X25519, CRYPTO_SECP256R1, 0 };
    static uint16_t const theirs[] = { CRYPTO_SECP256R1, CRYPTO_X25519, 0 };
    loopback_reset();
    only_groups(&client.config, ours, 3);
    only_groups(&server.config, theirs, 3);
    only_version(&client.config, TLS_1_2);
    loopback_run();
    if (both_done("1.2, another order")) ok(client.session.group == CRYPTO_SECP256R1, "the server's first");
}

int main(void)
{
    loopback_reset();
    servers_list(TLS_1_2);
    servers_list(TLS_1_3);
    servers_order();
    without_groups();
    groups();
    old_master_secret();
    hello_retry();
    hybrids();
    hybrids_in_12();
    return done_testing();
}
