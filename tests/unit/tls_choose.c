/* ISC license. */

/* A server's choice of certificate by the hello. Uses $KTLS_PKI. */

#include <poll.h>

#include "edited_hello.h"
#include "hello.h"

#define RSA (1u << CRYPTO_RSA)
#define EC (1u << CRYPTO_EC)

static struct {
    int answer, calls, server_knows_name;
    char const *give[2];
    char server_name[X509_MAX_NAME + 1];
    unsigned char alpn[64];
    size_t alpn_len;
    unsigned int key_types;
    int suits_ec256, suits_ec384, suits_rsa;
} asked;

static int choose(void *ctx, struct tls_hello const *hello, struct x509_credential const *chosen[2])
{
    asked.calls++;
    asked.server_knows_name = ctx == &asked && chosen[0] == server.config.credential[0];
    snprintf(asked.server_name, sizeof asked.server_name, "%s", hello->server_name);
    asked.alpn_len = hello->alpn_len;
    if (hello->alpn_len && hello->alpn_len <= sizeof asked.alpn)
        memcpy(asked.alpn, hello->alpn, hello->alpn_len);
    asked.key_types = hello->key_types;
    asked.suits_ec256 = tls_hello_suits(hello, credential("ec256"));
    asked.suits_ec384 = tls_hello_suits(hello, credential("ec384"));
    asked.suits_rsa = tls_hello_suits(hello, credential("rsa"));
    for (size_t i = 0; i < 2; i++)
        if (asked.give[i]) chosen[i] = credential(asked.give[i]);
    return asked.answer;
}

static void reset(uint16_t version, int answer)
{
    loopback_reset();
    memset(&asked, 0, sizeof asked);
    asked.answer = answer;
    server.config.choose = (struct tls_choose){ choose, &asked };
    only_version(&client.config, version);
}

static int client_saw(char const *key)
{
    struct x509_certificate const *cert = credential(key)->chain.cert;
    unsigned char hash[32];
    crypto_hash(CRYPTO_SHA256, cert->der, cert->len, hash);
    return !memcmp(client.session.peer_hash, hash, sizeof hash);
}

static void what_is_told(uint16_t version)
{
    static unsigned char const protocols[] = "\002h2\010http/1.1";
    reset(version, 1);
    client.config.server_name = "EXAMPLE.test";
    client.config.alpn = protocols;
    client.config.alpn_len = sizeof protocols - 1;
    loopback_run();
    if (!both_done("a choice")) return;
    ok(asked.calls == 1, "%04x: asked once", version);
    ok(asked.server_knows_name, "%04x: with its context, and what is configured to begin with", version);
    ok(!strcmp(asked.server_name, "example.test"), "%04x: the name in lower case", version);
    ok(asked.alpn_len == sizeof protocols - 1 && !memcmp(asked.alpn, protocols, asked.alpn_len),
       "%04x: the application protocols", version);
    ok(asked.key_types == (EC | RSA), "%04x: both types of key", version);
    ok(asked.suits_ec256 && asked.suits_ec384 && asked.suits_rsa, "%04x: every certificate suits", version);
    ok(client_saw("ec256"), "%04x: the configured one, as nothing else was chosen", version);
}

static void nothing_told(uint16_t version)
{
    reset(version, 1);
    client.config.server_name = "127.0.0.1";
    loopback_run();
    if (both_done("no name"))
        ok(!*asked.server_name && !asked.alpn_len, "%04x: neither name nor ALPN", version);
}

static void answers(uint16_t version)
{
    reset(version, 1);
    server.config.credential[0] = NULL;
    asked.give[0] = "rsa";
    loopback_run();
    if (both_done("chosen")) ok(client_saw("rsa"), "%04x: what was chosen", version);
    reset(version, 0);
    loopback_run();
    server_refuses(TLS_UNRECOGNIZED_NAME, "refused");
    reset(version, -1);
    loopback_run();
    server_refuses(TLS_INTERNAL_ERROR, "not able to choose");
    reset(version, 1);
    server.config.credential[0] = NULL;
    loopback_run();
    server_refuses(TLS_HANDSHAKE_FAILURE, "nothing chosen");
}

/* The client's first share is of a group that the server must ask for again. */
static void once_with_retry(void)
{
    reset(TLS_1_3, 1);
    client.run = run_client_without_share;
    loopback_run();
    if (both_done("HelloRetryRequest")) ok(asked.calls == 1, "asked once although there were two hellos");
}

/* ---- a choice that takes longer than the handshake may ---- */

static struct tls_fd_transport hurried_fds;

static int run_hurried_server(struct side *side, struct tls_transport const *transport)
{
    hurried_fds = *(struct tls_fd_transport const *)transport->ctx;
    struct tls_transport const hurried = tls_transport_on_fds(&hurried_fds);
    return tls_server_handshake(&side->config, &hurried, &side->session, &side->error);
}

static int choose_late(void *ctx, struct tls_hello const *hello, struct x509_credential const *chosen[2])
{
    hurried_fds.deadline = tls_deadline_after(1);
    poll(NULL, 0, 10);
    return choose(ctx, hello, chosen);
}

static void late(void)
{
    reset(TLS_1_3, 1);
    server.config.choose.function = choose_late;
    server.run = run_hurried_server;
    loopback_run();
    ok(asked.calls == 1 && !server.done && server.error.kind == TLS_ERROR_TIMEOUT,
       "a late choice ends in a timeout: %s", error_text(&server));
}

static void key_types(void)
{
    static struct {
        uint16_t suite;
        unsigned int types;
        int ec256, ec384, rsa;
    } const cases[] = { { 0x1301, EC | RSA, 1, 1, 1 }, { 0xc02b, EC, 1, 1, 0 }, { 0xc02f, RSA, 0, 0, 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct crypto_suite const *suite = crypto_suite_by_id(cases[i].suite);
        reset(suite->version, 0);
        client.config.suites[0] = suite->id;
        client.config.suite_count = 1;
        loopback_run();
        ok(asked.key_types == cases[i].types, "%s: types of keys %x", suite->name, asked.key_types);
        ok(asked.suits_ec256 == cases[i].ec256 && asked.suits_ec384 == cases[i].ec384 &&
               asked.suits_rsa == cases[i].rsa,
           "%s: which certificates suit", suite->name);
    }
}

/* One scheme alone: in 1.3 PKCS#1 v1.5 signs no handshake (RFC 8446, 4.2.3). */
static void key_types_by_scheme(void)
{
    static struct {
        char const *scheme;
        unsigned int types12, types13;
    } const cases[] = {
        { "0403", EC, EC },   { "0503", EC, EC }, { "0603", EC, EC }, { "0804", RSA, RSA }, { "0805", RSA, RSA },
        { "0806", RSA, RSA }, { "0401", RSA, 0 }, { "0501", RSA, 0 }, { "0601", RSA, 0 },   { "0807", 0, 0 },
        { "0203", 0, 0 },     { "0201", 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
            struct spec spec;
            char change[32];
            snprintf(change, sizeof change, "set 13 0002%s", cases[i].scheme);
            reset(version, 0);
            spec_base(&spec, version);
            spec_apply(&spec, change);
            tape_clear(&tape);
            tape_hello(&spec);
            serve_tape();
            unsigned int const wanted = version == TLS_1_2 ? cases[i].types12 : cases[i].types13;
            ok(asked.key_types == wanted, "%04x, scheme %s: types of keys %x", version, cases[i].scheme, asked.key_types);
        }
}

/* ---- signatures in chains ---- */

/* The chain of ec256 is signed with ECDSA and SHA-256, that of rsa with RSA and
   SHA-256. In 1.2 the Certificate is there to be seen. */
static void chain_signatures(char const *first, char const *second, char const *changes, char const *expected)
{
    struct x509_certificate const *cert = credential(expected)->chain.cert;
    struct spec spec;
    server_config();
    server.config.credential[0] = credential(first);
    server.config.credential[1] = second ? credential(second) : NULL;
    spec_base(&spec, TLS_1_2);
    spec_apply(&spec, changes);
    tape_clear(&tape);
    tape_hello(&spec);
    serve_tape();
    ok(outcome() == ACCEPT && memmem(tape.out, tape.out_len, cert->der, cert->len),
       "%s and %s for \"%s\": %s", first, second ? second : "nothing", changes, expected);
}

static void chains(void)
{
    chain_signatures("ec256", "rsa", "", "ec256");
    chain_signatures("rsa", "ec256", "", "ec256"); /* our suites have ECDSA first */
    chain_signatures("ec256", "rsa", "add 50 00020401", "rsa");
    chain_signatures("rsa", "ec256", "add 50 00020401", "rsa");
    chain_signatures("ec256", "rsa", "add 50 00020403", "ec256");
    chain_signatures("ec256", "rsa", "add 50 000404030401", "ec256");
    /* signature_algorithms stands for both */
    chain_signatures("ec256", "rsa", "set 13 000405030401", "rsa");
    /* refuses nobody */
    chain_signatures("ec256", "rsa", "add 50 00020807", "ec256");
    chain_signatures("ec256", NULL, "add 50 00020401", "ec256");
    /* a key that cannot be used is no choice */
    chain_signatures("ec256", "rsa", "suites c02b;add 50 00020401", "ec256");
}

static void schemes(void)
{
    ok(x509_signature_scheme(credential("ec256")->chain.cert) == 0x0403, "ECDSA with SHA-256");
    ok(x509_signature_scheme(credential("ec384")->chain.cert) == 0x0503, "ECDSA with SHA-384");
    ok(x509_signature_scheme(credential("rsa")->chain.cert) == 0x0401, "RSA with SHA-256");
    ok(!x509_signature_scheme(credential("sha1")->chain.cert), "SHA-1");
    ok(!x509_signature_scheme(credential("selfsigned")->chain.cert), "self-issued");
}

int main(void)
{
    loopback_reset();
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        what_is_told(version);
        nothing_told(version);
        answers(version);
    }
    once_with_retry();
    late();
    key_types();
    key_types_by_scheme();
    chains();
    schemes();
    return done_testing();
}
