/* ISC license. */

/* Secrets of TLS 1.2: master secret (RFC 5246, 8.1; RFC 7627, 4), key block
   (6.3), Finished (7.4.9). */

#include <string.h>

#include "tls/v12/v12.h"

#define VERIFY_DATA 12

void tls_derive_master(struct handshake *hs, unsigned char const *premaster, size_t len)
{
    unsigned char seed[64];
    char const *label = "master secret";
    size_t seed_len = sizeof seed;

    if (hs->extended_master_secret) {
        label = "extended master secret";
        seed_len = crypto_transcript_hash(&hs->transcript, hs->suite->hash, seed);
    } else {
        memcpy(seed, hs->client_random, 32);
        memcpy(seed + 32, hs->server_random, 32);
    }
    crypto_tls12_prf(hs->suite->hash, premaster, len, label, seed, seed_len, hs->secret.master,
                     sizeof hs->secret.master);
}

void tls_derive_keys12(struct handshake *hs)
{
    size_t const key = crypto_key_size(hs->suite->cipher), iv = crypto_iv_size(hs->suite->cipher, TLS_1_2);
    struct ktls_traffic_keys *client = hs->is_server ? &hs->next_rx : &hs->next_tx;
    struct ktls_traffic_keys *server = hs->is_server ? &hs->next_tx : &hs->next_rx;
    unsigned char seed[64], block[2 * (32 + 12)];

    memcpy(seed, hs->server_random, 32);
    memcpy(seed + 32, hs->client_random, 32);
    crypto_tls12_prf(hs->suite->hash, hs->secret.master, sizeof hs->secret.master, "key expansion", seed,
                     sizeof seed, block, 2 * (key + iv));
    *client = *server = (struct ktls_traffic_keys){ .version = TLS_1_2, .cipher = (uint16_t)hs->suite->cipher };
    memcpy(client->key, block, key);
    memcpy(server->key, block + key, key);
    memcpy(client->iv, block + 2 * key, iv);
    memcpy(server->iv, block + 2 * key + iv, iv);
    crypto_wipe(block, sizeof block);
}

static void verify_data(struct handshake *hs, int of_server, unsigned char out[VERIFY_DATA])
{
    unsigned char transcript_hash[CRYPTO_MAX_HASH];
    size_t const size = crypto_transcript_hash(&hs->transcript, hs->suite->hash, transcript_hash);
    crypto_tls12_prf(hs->suite->hash, hs->secret.master, sizeof hs->secret.master,
                     of_server ? "server finished" : "client finished", transcript_hash, size, out, VERIFY_DATA);
}

int tls_write_finished12(struct handshake *hs)
{
    unsigned char data[VERIFY_DATA];
    if (!tls_put_change_cipher_spec(hs)) return 0;
    hs->tx = hs->next_tx;
    hs->tx_protected = 1;
    verify_data(hs, hs->is_server, data);
    tls_write_bytes(tls_begin_message(hs, TLS_FINISHED), data, sizeof data);
    return tls_end_message(hs);
}

int tls_read_finished12(struct handshake *hs)
{
    unsigned char expected[VERIFY_DATA];

    if (!tls_expect_change_cipher_spec(hs)) return 0;
    hs->rx = hs->next_rx;
    hs->rx_protected = 1;
    verify_data(hs, !hs->is_server, expected);
    return tls_read_finished(hs, expected, sizeof expected) && tls_at_record_boundary(hs);
}
