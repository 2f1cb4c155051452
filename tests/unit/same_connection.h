/* ISC license. */

/* Both ends of a loopback handshake hold the same keys, and they work. */

#ifndef SAME_CONNECTION_H
#define SAME_CONNECTION_H

#include "loopback.h"

static inline int keys_equal(struct ktls_traffic_keys const *a, struct ktls_traffic_keys const *b)
{
    return a->version == b->version && a->cipher == b->cipher && a->seq == b->seq &&
           !memcmp(a->key, b->key, sizeof a->key) && !memcmp(a->iv, b->iv, sizeof a->iv);
}

static inline void carries_data(struct tls_session *from, struct tls_session *to, char const *what)
{
    unsigned char record[128], type = 0, *found = NULL;
    size_t const len = crypto_seal_record(&from->tx, KTLS_APPLICATION_DATA, "hello", 5, record);
    long const n =
        crypto_open_record(&to->rx, record, record + TLS_RECORD_HEADER, len - TLS_RECORD_HEADER, &type, &found);
    ok(n == 5 && type == KTLS_APPLICATION_DATA && !memcmp(found, "hello", 5), "%s: data passes", what);
}

static inline void rekeys(char const *what)
{
    size_t const size = crypto_hash_size(client.session.suite->hash);
    unsigned char before[TLS_MAX_SECRET];

    ok(!memcmp(client.session.tx_secret, server.session.rx_secret, size) &&
           !memcmp(client.session.rx_secret, server.session.tx_secret, size),
       "%s: traffic secrets", what);
    memcpy(before, client.session.tx_secret, sizeof before);
    crypto_next_keys(client.session.suite, client.session.tx_secret, &client.session.tx);
    crypto_next_keys(server.session.suite, server.session.rx_secret, &server.session.rx);
    ok(memcmp(before, client.session.tx_secret, size) && !client.session.tx.seq &&
           keys_equal(&client.session.tx, &server.session.rx),
       "%s: next generation", what);
    carries_data(&client.session, &server.session, what);
}

static inline void is_same_connection(struct crypto_suite const *suite, char const *what)
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

#endif
