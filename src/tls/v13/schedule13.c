/* ISC license. */

/* The key schedule of TLS 1.3 (RFC 8446, 7.1 to 7.3) and its Finished (4.4.4). */

#include <string.h>

#include "tls/v13/v13.h"

static void derive_secret(struct handshake const *hs, unsigned char const *secret, char const *label,
                          unsigned char const *transcript_hash, unsigned char *out)
{
    size_t const size = crypto_hash_size(hs->suite->hash);
    crypto_hkdf_expand_label(hs->suite->hash, secret, label, transcript_hash, size, out, size);
}

/* Derives the next of the three secrets from the current one and new input keying material. */
static void extract_next(struct handshake *hs, void const *ikm, size_t len)
{
    enum crypto_hash const hash = hs->suite->hash;
    unsigned char empty_hash[CRYPTO_MAX_HASH], salt[CRYPTO_MAX_HASH];
    crypto_hash(hash, "", 0, empty_hash);
    derive_secret(hs, hs->secret.current, "derived", empty_hash, salt);
    crypto_hkdf_extract(hash, salt, crypto_hash_size(hash), ikm, len, hs->secret.current);
    crypto_wipe(salt, sizeof salt);
}

static void extract_early(struct handshake *hs)
{
    static unsigned char const zero[CRYPTO_MAX_HASH];
    size_t const size = crypto_hash_size(hs->suite->hash);
    crypto_hkdf_extract(hs->suite->hash, zero, size, hs->secret.psk, size, hs->secret.current);
}

void tls_schedule_handshake(struct handshake *hs, unsigned char const *shared, size_t len)
{
    unsigned char hello_hash[CRYPTO_MAX_HASH];

    extract_early(hs);
    extract_next(hs, shared, len);
    crypto_transcript_hash(&hs->transcript, hs->suite->hash, hello_hash);
    derive_secret(hs, hs->secret.current, "c hs traffic", hello_hash, hs->secret.client);
    derive_secret(hs, hs->secret.current, "s hs traffic", hello_hash, hs->secret.server);
}

void tls_schedule_application(struct handshake *hs)
{
    static unsigned char const zero[CRYPTO_MAX_HASH];
    unsigned char finished_hash[CRYPTO_MAX_HASH];

    extract_next(hs, zero, crypto_hash_size(hs->suite->hash));
    crypto_transcript_hash(&hs->transcript, hs->suite->hash, finished_hash);
    derive_secret(hs, hs->secret.current, "c ap traffic", finished_hash, hs->secret.next_client);
    derive_secret(hs, hs->secret.current, "s ap traffic", finished_hash, hs->secret.next_server);
    derive_secret(hs, hs->secret.current, "exp master", finished_hash, hs->secret.exporter);
}

void tls_schedule_resumption(struct handshake *hs, void const *nonce, size_t len, unsigned char *psk)
{
    enum crypto_hash const hash = hs->suite->hash;
    unsigned char finished_hash[CRYPTO_MAX_HASH], master[CRYPTO_MAX_HASH];

    crypto_transcript_hash(&hs->transcript, hash, finished_hash);
    derive_secret(hs, hs->secret.current, "res master", finished_hash, master);
    crypto_hkdf_expand_label(hash, master, "resumption", nonce, len, psk, crypto_hash_size(hash));
    crypto_wipe(master, sizeof master);
}

int tls_protect_tx(struct handshake *hs)
{
    if (!tls_seal_staged(hs)) return 0;
    crypto_traffic_keys(hs->suite, hs->is_server ? hs->secret.server : hs->secret.client, &hs->tx);
    hs->tx_protected = 1;
    return 1;
}

int tls_protect_rx(struct handshake *hs)
{
    if (!tls_at_record_boundary(hs)) return 0;
    crypto_traffic_keys(hs->suite, hs->is_server ? hs->secret.client : hs->secret.server, &hs->rx);
    hs->rx_protected = 1;
    return 1;
}

static void use_application_secret(struct handshake *hs, int of_server)
{
    if (of_server) memcpy(hs->secret.server, hs->secret.next_server, sizeof hs->secret.server);
    else memcpy(hs->secret.client, hs->secret.next_client, sizeof hs->secret.client);
}

int tls_advance_tx(struct handshake *hs)
{
    use_application_secret(hs, hs->is_server);
    return tls_protect_tx(hs);
}

int tls_advance_rx(struct handshake *hs)
{
    use_application_secret(hs, !hs->is_server);
    return tls_protect_rx(hs);
}

static size_t verify_data(struct handshake const *hs, unsigned char const *base_key,
                          struct crypto_transcript const *transcript, unsigned char *out)
{
    enum crypto_hash const hash = hs->suite->hash;
    size_t const size = crypto_hash_size(hash);
    unsigned char finished_key[CRYPTO_MAX_HASH], transcript_hash[CRYPTO_MAX_HASH];

    crypto_hkdf_expand_label(hash, base_key, "finished", NULL, 0, finished_key, size);
    crypto_transcript_hash(transcript, hash, transcript_hash);
    crypto_hmac(hash, finished_key, size, transcript_hash, size, out);
    crypto_wipe(finished_key, sizeof finished_key);
    return size;
}

int tls_is_bound(struct handshake *hs, struct span binder)
{
    unsigned char empty_hash[CRYPTO_MAX_HASH], binder_key[CRYPTO_MAX_HASH], expected[CRYPTO_MAX_HASH];

    extract_early(hs);
    crypto_hash(hs->suite->hash, "", 0, empty_hash);
    derive_secret(hs, hs->secret.current, "res binder", empty_hash, binder_key);
    size_t const len = verify_data(hs, binder_key, &hs->at_binders, expected);
    crypto_wipe(binder_key, sizeof binder_key);
    return binder.len == len && crypto_equal(binder.p, expected, len);
}

int tls_write_finished13(struct handshake *hs)
{
    unsigned char data[CRYPTO_MAX_HASH];
    size_t const len = verify_data(hs, hs->is_server ? hs->secret.server : hs->secret.client, &hs->transcript,
                                   data);
    tls_write_bytes(tls_begin_message(hs, TLS_FINISHED), data, len);
    return tls_end_message(hs);
}

int tls_read_finished13(struct handshake *hs)
{
    unsigned char expected[CRYPTO_MAX_HASH];
    size_t const len = verify_data(hs, hs->is_server ? hs->secret.client : hs->secret.server, &hs->transcript,
                                   expected);
    return tls_read_finished(hs, expected, len);
}
