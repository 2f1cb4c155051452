/* ISC license. */

/* TLS 1.2 by the letter (RFC 5246, 6.3 and 7.4.9): the keys are the parts of the key block,
   and Finished is of 12 bytes. Two sides that are wrong in the same way do not notice. Uses
   $KTLS_PKI. */

#include "loopback.h"

static struct {
    struct tls_transport real;
    size_t last; /* the server's last write */
} watched;

static ssize_t watched_write(void *ctx, void const *buf, size_t len)
{
    (void)ctx;
    watched.last = len;
    return watched.real.write(watched.real.ctx, buf, len);
}

static ssize_t watched_read(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    return watched.real.read(watched.real.ctx, buf, len);
}

static int run_watched_server(struct side *side, struct tls_transport const *transport)
{
    struct tls_transport const mine = { .read = watched_read, .write = watched_write };
    watched.real = *transport;
    return run_server(side, &mine);
}

static void suite_is(uint16_t id, char const *key_of_server)
{
    struct crypto_suite const *suite = crypto_suite_by_id(id);
    size_t const key = crypto_key_size(suite->cipher), iv = crypto_iv_size(suite->cipher, TLS_1_2);
    size_t const nonce = suite->cipher == KTLS_CHACHA20_POLY1305 ? 0 : 8;
    unsigned char seed[64], block[2 * (32 + 12)];

    loopback_reset();
    only_version(&client.config, TLS_1_2);
    client.config.suites[0] = id;
    client.config.suite_count = 1;
    server.config.credential[0] = credential(key_of_server);
    server.run = run_watched_server;
    loopback_run();
    if (!both_done(suite->name)) return;
    ok(watched.last == 5 + 1 + 5 + nonce + 4 + 12 + 16, "%s: ChangeCipherSpec and Finished: %zu bytes", suite->name,
       watched.last);
    memcpy(seed, client.session.server_random, 32);
    memcpy(seed + 32, client.session.client_random, 32);
    crypto_tls12_prf(suite->hash, client.session.exporter_secret, 48, "key expansion", seed, sizeof seed, block, sizeof block);
    is_mem(client.session.tx.key, block, key, "%s: client_write_key", suite->name);
    is_mem(client.session.rx.key, block + key, key, "%s: server_write_key", suite->name);
    is_mem(client.session.tx.iv, block + 2 * key, iv, "%s: client_write_IV", suite->name);
    is_mem(client.session.rx.iv, block + 2 * key + iv, iv, "%s: server_write_IV", suite->name);
    is_mem(server.session.rx.key, client.session.tx.key, key, "%s: the server has the same", suite->name);
    is_mem(server.session.tx.iv, client.session.rx.iv, iv, "%s: the server has the same", suite->name);
}

int main(void)
{
    loopback_reset();
    suite_is(0xc02b, "ec256");
    suite_is(0xc02c, "ec256");
    suite_is(0xcca9, "ec256");
    suite_is(0xc02f, "rsa");
    suite_is(0xc030, "rsa");
    suite_is(0xcca8, "rsa");
    return done_testing();
}
