/* ISC license. */

/* Each write and each read of a handshake fails once, in both roles and versions: the
   handshake ends with that error, and nothing is sent afterwards. Uses $KTLS_PKI. */

#include <errno.h>

#include "loopback.h"

enum { WRITE, READ };

/* Which call of the side under test fails; beyond the last one none does. */
static struct {
    struct tls_transport real;
    int kind, at, calls[2], after;
} failing;

static int fails(int kind)
{
    int const here = failing.kind == kind && failing.calls[kind]++ == failing.at;
    if (here) errno = EPIPE;
    return here;
}

static ssize_t failing_write(void *ctx, void const *buf, size_t len)
{
    (void)ctx;
    if (failing.calls[failing.kind] > failing.at) failing.after++;
    return fails(WRITE) ? -1 : failing.real.write(failing.real.ctx, buf, len);
}

static ssize_t failing_read(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    return fails(READ) ? -1 : failing.real.read(failing.real.ctx, buf, len);
}

static int run_failing(struct side *side, struct tls_transport const *transport)
{
    struct tls_transport const mine = { .read = failing_read, .write = failing_write };
    failing.real = *transport;
    return side == &client ? run_client(side, &mine) : run_server(side, &mine);
}

static void prepare(uint16_t version, int certificates, int retry)
{
    static uint16_t const groups[2][2] = { { CRYPTO_SECP256R1, CRYPTO_X25519 }, { CRYPTO_X25519, CRYPTO_SECP256R1 } };
    loopback_reset();
    only_version(&client.config, version);
    if (certificates) {
        client.config.credential[0] = credential("client-ec");
        server.config.client_auth = TLS_REQUIRE_CLIENT_CERT;
    }
    if (!retry) return;
    memset(server.config.groups, 0, sizeof server.config.groups);
    memset(client.config.groups, 0, sizeof client.config.groups);
    memcpy(client.config.groups, groups[0], sizeof groups[0]);
    server.config.groups[0] = CRYPTO_X25519;
}

/* Until a handshake is done because it needs no further call. */
static void each(uint16_t version, struct side *side, int kind, int certificates, int retry)
{
    char what[96];
    int at = 0;
    for (;; at++) {
        prepare(version, certificates, retry);
        memset(&failing, 0, sizeof failing);
        failing.kind = kind;
        failing.at = at;
        side->run = run_failing;
        loopback_run();
        if (failing.calls[kind] <= at) break;
        snprintf(what, sizeof what, "%04x: %s, %s %d fails%s%s", version, side == &client ? "client" : "server",
                 kind == WRITE ? "write" : "read", at, certificates ? ", client certificate" : "", retry ? ", retry" : "");
        ok(!side->done && side->error.kind == TLS_ERROR_SYSTEM && side->error.number == EPIPE, "%s: %s", what,
           error_text(side));
        ok(!failing.after, "%s: nothing is sent afterwards", what);
    }
    both_done("no call fails");
    ok(at, "there were %d", at);
}

int main(void)
{
    struct side *const sides[] = { &client, &server };
    loopback_reset();
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++)
        for (size_t i = 0; i < 2; i++)
            for (int kind = WRITE; kind <= READ; kind++)
                for (int certificates = 0; certificates < 2; certificates++) each(version, sides[i], kind, certificates, 0);
    for (size_t i = 0; i < 2; i++)
        for (int kind = WRITE; kind <= READ; kind++) each(TLS_1_3, sides[i], kind, 0, 1);
    return done_testing();
}
