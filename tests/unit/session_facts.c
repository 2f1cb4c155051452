/* ISC license. */

/* What an application may decide of a handshake, and what it learns: groups, schemes, the time, a say about the
   peer's certificates, pins; the facts of struct tls_session. Uses $KTLS_PKI. */

#include "loopback.h"
#include "relay/relay.h"

static void facts(uint16_t version)
{
    loopback_reset();
    client.config.max_version = server.config.min_version = version;
    if (version == TLS_1_2) server.config.min_version = TLS_1_2;
    client.config.min_version = server.config.max_version = version;
    loopback_run();
    struct x509_certificate const *cert = server.config.credential[0]->chain.cert;
    ok(client.done && server.done, "%04x: done", version);
    uint16_t const group = version == TLS_1_3 ? CRYPTO_X25519MLKEM768 : CRYPTO_X25519;
    ok(client.session.group == group && server.session.group == group, "%04x: the group", version);
    ok(client.session.server_scheme == 0x0403 && server.session.server_scheme == 0x0403, "%04x: the scheme", version);
    ok(!client.session.client_scheme && !client.session.retried, "%04x: no client signature, no retry", version);
    ok(server.session.credential == server.config.credential[0] && !client.session.credential,
       "%04x: the credential that was presented", version);
    ok(client.session.peer_chain_len == cert->len && !memcmp(client.session.peer_chain, cert->der, cert->len)
           && !server.session.peer_chain_len,
       "%04x: the peer's certificate", version);
}

/* A server without the client's first group asks again. */
static void groups(void)
{
    loopback_reset();
    server.config.groups[0] = CRYPTO_SECP521R1;
    server.config.group_count = 1;
    loopback_run();
    ok(client.done && client.session.retried && server.session.retried, "HelloRetryRequest is told");
    ok(client.session.group == CRYPTO_SECP521R1 && server.session.group == CRYPTO_SECP521R1, "secp521r1");
    client.config.groups[0] = CRYPTO_SECP256R1;
    client.config.group_count = 1;
    server.config.groups[0] = CRYPTO_X25519;
    loopback_run();
    ok(!client.done && server.error.number == TLS_HANDSHAKE_FAILURE, "no common group");
}

static void schemes(void)
{
    loopback_reset();
    server.config.credential[0] = credential("rsa");
    client.config.schemes[0] = 0x0806;
    client.config.scheme_count = 1;
    loopback_run();
    ok(client.done && client.session.server_scheme == 0x0806, "the one scheme that the client has");
    client.config.schemes[0] = 0x0403;
    loopback_run();
    ok(!client.done && server.error.number == TLS_HANDSHAKE_FAILURE, "a scheme that no key of the server fits");
}

static void p521(uint16_t version)
{
    loopback_reset();
    client.config.min_version = client.config.max_version = version;
    server.config.credential[0] = credential("odd/p521");
    loopback_run();
    /* In 1.2 a scheme is a hash, whatever the curve. */
    ok(client.done && client.session.server_scheme == (version == TLS_1_2 ? 0x0403 : 0x0603),
       "%04x: a server with a P-521 key, %04x", version, client.session.server_scheme);
}

static void times(void)
{
    loopback_reset();
    client.config.now = 946684800; /* 2000 */
    loopback_run();
    ok(!client.done && client.error.number == TLS_CERTIFICATE_EXPIRED, "verified for a time before it is valid");
    ok(strstr(client.error.certificate, "CN=") != NULL, "the error names it: %s", client.error.certificate);
    client.config.now = 1900000000;
    loopback_run();
    ok(client.done, "and for one when it is");
}

static size_t seen;

static int refuse(void *ctx, struct x509_chain const *chain)
{
    seen = chain->count;
    return *(int *)ctx;
}

static void callback(uint16_t version)
{
    int alert = 0;
    loopback_reset();
    client.config.min_version = client.config.max_version = version;
    client.config.verify = (struct tls_verify){ .function = refuse, .ctx = &alert };
    loopback_run();
    ok(client.done && seen == 1, "%04x: the application accepts", version);
    alert = TLS_ACCESS_DENIED;
    loopback_run();
    ok(!client.done && client.error.kind == TLS_ERROR_SENT && client.error.number == TLS_ACCESS_DENIED,
       "%04x: it refuses with an alert", version);
    ok(server.error.kind == TLS_ERROR_RECEIVED && server.error.number == TLS_ACCESS_DENIED, "%04x: which the peer gets",
       version);
    seen = 0;
    client.config.server_name = "other.test";
    loopback_run();
    ok(!client.done && !seen && client.error.number == TLS_BAD_CERTIFICATE, "%04x: not asked about a wrong name",
       version);
}

static void pins(void)
{
    struct x509_pins pins = { .count = 0 };
    char text[X509_PIN_TEXT];
    loopback_reset();
    ok(x509_pin(credential("ec256")->chain.cert, text) && !x509_pins_parse(&pins, text), "a pin: %s", text);
    client.config.trust = NULL;
    client.config.pins = &pins;
    loopback_run();
    ok(client.done && client.session.peer_verified, "a pin without anchors verifies");
    pins.hash[0][31] ^= 1;
    loopback_run();
    ok(!client.done && client.error.number == TLS_BAD_CERTIFICATE, "another pin does not");
}

static void relay_keys(void)
{
    struct relay_keys ours, theirs;
    loopback_reset();
    loopback_run();
    relay_keys_of_session(&ours, &client.session, KTLS_CLIENT);
    relay_keys_of_session(&theirs, &server.session, KTLS_SERVER);
    ok(relay_keys_are_usable(&ours) && relay_keys_are_usable(&theirs), "keys for a relay");
    ok(!memcmp(ours.tx.key, theirs.rx.key, sizeof ours.tx.key) && !memcmp(ours.tx_secret, theirs.rx_secret, 32)
           && !memcmp(&ours.rx, &theirs.tx, sizeof ours.rx),
       "of both ends of one connection");
}

int main(void)
{
    facts(TLS_1_2);
    facts(TLS_1_3);
    groups();
    schemes();
    p521(TLS_1_2);
    p521(TLS_1_3);
    times();
    callback(TLS_1_2);
    callback(TLS_1_3);
    pins();
    relay_keys();
    return done_testing();
}
