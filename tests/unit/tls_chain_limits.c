/* ISC license. */

/* How many certificates a peer may send, how much of them is kept, and what their entries
   may hold: the chains are not verified, so that only their first certificate is read. What
   becomes of a certificate of ours that cannot be sent. Uses $KTLS_PKI. */

#include "faults.h"

static unsigned char filler[TLS_MAX_PEER_CHAIN + 1];
static struct x509_credential sender;
static size_t seen_count, seen_bytes;

static int look_at(void *ctx, struct x509_chain const *chain)
{
    (void)ctx;
    seen_count = chain->count;
    seen_bytes = 0;
    for (size_t i = 0; i < chain->count; i++) seen_bytes += chain->cert[i].len;
    return 0;
}

/* The server's certificate, and behind it so many of that length. */
static void handshake(uint16_t version, size_t fillers, size_t len)
{
    loopback_reset();
    only_version(&client.config, version);
    client.config.trust = NULL;
    client.config.verify.function = look_at;
    sender = *credential("ec256");
    for (size_t i = 0; i < fillers; i++)
        sender.chain.cert[sender.chain.count++] = (struct x509_certificate){ .der = filler, .len = len };
    server.config.credential[0] = &sender;
    seen_count = seen_bytes = 0;
    loopback_run();
}

static void numbers(uint16_t version)
{
    size_t const own = credential("ec256")->chain.cert->len;
    for (size_t count = X509_MAX_CERTIFICATES - 1; count <= X509_MAX_CERTIFICATES; count++) {
        handshake(version, count - 1, 1);
        both_done("a long chain");
        ok(seen_count == count && client.session.peer_chain_len == own + count - 1, "%04x: %zu certificates", version,
           count);
    }
}

/* One more than we keep: the server adds an entry to its own Certificate. */
static void one_too_many(uint16_t version)
{
    loopback_reset();
    only_version(&client.config, version);
    client.config.trust = NULL;
    client.config.verify.function = look_at;
    sender = *credential("ec256");
    while (sender.chain.count < X509_MAX_CERTIFICATES)
        sender.chain.cert[sender.chain.count++] = (struct x509_certificate){ .der = filler, .len = 1 };
    server.config.credential[0] = &sender;
    server.run = run_faulty_server;
    size_t const own = sender.chain.cert->len, last = X509_MAX_CERTIFICATES - 1;
    size_t const list = version == TLS_1_3 ? 3 + own + 2 + last * 6 + 6 : 3 + own + last * 4 + 4;
    char change[128];
    snprintf(change, sizeof change, "grow 11 %s;poke 11 %d %06zx", version == TLS_1_3 ? "000001aa0000" : "000001aa",
             version == TLS_1_3, list);
    fault = (struct fault){ 0, change };
    seen_count = 0;
    loopback_run();
    ok(faulty.applied && seen_count == X509_MAX_CERTIFICATES, "%04x: of %d certificates %zu are kept", version,
       X509_MAX_CERTIFICATES + 1, seen_count);
}

static void sizes(uint16_t version)
{
    size_t const own = credential("ec256")->chain.cert->len, room = TLS_MAX_PEER_CHAIN - own;
    handshake(version, 1, room - 1);
    both_done("one byte less than there is room for");
    ok(client.session.peer_chain_len == TLS_MAX_PEER_CHAIN - 1, "%04x: all of it is kept", version);
    handshake(version, 1, room);
    both_done("as much as there is room for");
    ok(client.session.peer_chain_len == TLS_MAX_PEER_CHAIN, "%04x: all of it is kept", version);
    handshake(version, 1, room + 1);
    both_done("one byte more than there is room for");
    ok(client.session.peer_chain_len == own && seen_bytes == TLS_MAX_PEER_CHAIN + 1, "%04x: only whole certificates are kept",
       version);
}

/* The server's protected messages fill a record, but one byte; exactly; and one more. */
static void full_records(void)
{
    enum { SERVER_HELLO = 127, CHANGE_CIPHER_SPEC = 6, OVERHEAD = 5 + 1 + 16, FIRST = 1000 };
    struct x509_credential own = *credential("rsa"); /* whose signatures are all of one length */
    size_t len = FIRST;
    for (int beyond = -2; beyond <= 1; beyond++) {
        loopback_reset();
        only_version(&client.config, TLS_1_3);
        client.config.trust = NULL;
        memset(client.config.groups, 0, sizeof client.config.groups);
        client.config.groups[0] = CRYPTO_X25519;
        sender = own;
        sender.chain.cert[sender.chain.count++] = (struct x509_certificate){ .der = filler, .len = len };
        server.config.credential[0] = &sender;
        loopback_run();
        both_done("a full record");
        size_t const protected = server.session.bytes_sent - SERVER_HELLO - CHANGE_CIPHER_SPEC;
        if (beyond == -2) {
            len += TLS_MAX_FRAGMENT - 1 - (protected - OVERHEAD);
            continue;
        }
        ok(protected == TLS_MAX_FRAGMENT + (size_t)beyond + OVERHEAD * (beyond > 0 ? 2u : 1u),
           "%zu bytes on the wire for a record's and %d", protected, beyond);
        len++;
    }
}

/* Of the server's Certificate, in 1.3: extensions of the ClientHello that do not belong there. */
static void extensions_of_entries(void)
{
    static struct {
        char const *what, *change;
        int alert;
    } const rows[] = {
        { "server_name", "ext 11 0 ", TLS_ILLEGAL_PARAMETER },
        { "supported_groups", "ext 11 10 0002001d", TLS_ILLEGAL_PARAMETER },
        { "an extension that was not offered", "ext 11 5 01000000", TLS_UNSUPPORTED_EXTENSION },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        loopback_reset();
        only_version(&client.config, TLS_1_3);
        server.run = run_faulty_server;
        fault = (struct fault){ 0, rows[i].change };
        loopback_run();
        ok(faulty.applied && sent(&client, rows[i].alert), "%s in a Certificate: %s", rows[i].what, error_text(&client));
    }
}

/* ---- our own flight cannot be written ---- */

static void ours(uint16_t version, struct side *side, struct x509_credential const *own, char const *what)
{
    loopback_reset();
    only_version(&client.config, version);
    side->config.credential[0] = own;
    server.config.client_auth = side == &client ? TLS_REQUEST_CLIENT_CERT : TLS_NO_CLIENT_CERT;
    loopback_run();
    if (side == &client) client_refuses(TLS_INTERNAL_ERROR, what);
    else server_refuses(TLS_INTERNAL_ERROR, what);
}

/* Longer than any that can be loaded; and a key that is not the certificate's, which RSA notices. */
static void not_sendable(uint16_t version)
{
    static unsigned char much[STAGE_SIZE];
    static struct x509_credential longer, lying;
    longer = *credential("client-ec");
    longer.chain.cert[longer.chain.count++] = (struct x509_certificate){ .der = much, .len = sizeof much };
    ours(version, &client, &longer, "the client's Certificate is too long");
    longer = *credential("ec256");
    longer.chain.cert[longer.chain.count++] = (struct x509_certificate){ .der = much, .len = sizeof much };
    ours(version, &server, &longer, "the server's Certificate is too long");
    lying = *credential("client-rsa");
    lying.private_key = credential("rsa")->private_key;
    ours(version, &client, &lying, "the client cannot sign");
    lying = *credential("rsa");
    lying.private_key = credential("client-rsa")->private_key;
    ours(version, &server, &lying, "the server cannot sign");
}

int main(void)
{
    loopback_reset();
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        numbers(version);
        one_too_many(version);
        sizes(version);
        not_sendable(version);
    }
    full_records();
    extensions_of_entries();
    return done_testing();
}
