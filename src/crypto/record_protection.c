/* ISC license. */

/*
 * Record protection: RFC 8446, 5.2 and 5.3; AES-GCM in TLS 1.2: RFC 5288;
 * ChaCha20-Poly1305 in TLS 1.2: RFC 7905.
 */

#include <string.h>

#include "crypto/crypto.h"
#include "crypto/implementation.h"

#define EXPLICIT_NONCE 8

static void put16(unsigned char *p, size_t n)
{
    p[0] = (unsigned char)(n >> 8);
    p[1] = (unsigned char)n;
}

static void put64(unsigned char *p, uint64_t n)
{
    for (int i = 7; i >= 0; i--, n >>= 8) p[i] = (unsigned char)n;
}

static int is_chacha(struct ktls_traffic_keys const *keys)
{
    return keys->cipher == KTLS_CHACHA20_POLY1305;
}

static int is_tls12(struct ktls_traffic_keys const *keys)
{
    return keys->version == KTLS_TLS_1_2;
}

static size_t explicit_nonce_size(struct ktls_traffic_keys const *keys)
{
    return is_tls12(keys) && !is_chacha(keys) ? EXPLICIT_NONCE : 0;
}

size_t crypto_record_overhead(struct ktls_traffic_keys const *keys)
{
    return is_tls12(keys) ? explicit_nonce_size(keys) + CRYPTO_TAG : 1 + CRYPTO_TAG;
}

static void run_gcm(struct ktls_traffic_keys const *keys, unsigned char const *nonce, unsigned char const *aad,
                    size_t aad_len, unsigned char *data, size_t len, unsigned char *tag, int encrypt)
{
    br_aes_gen_ctr_keys aes;
    br_gcm_context gcm;
    br_block_ctr_class const *ctr = crypto_aes_ctr();

    ctr->init(&aes.vtable, keys->key, crypto_key_size((enum ktls_cipher)keys->cipher));
    br_gcm_init(&gcm, &aes.vtable, crypto_ghash());
    br_gcm_reset(&gcm, nonce, 12);
    br_gcm_aad_inject(&gcm, aad, aad_len);
    br_gcm_flip(&gcm);
    br_gcm_run(&gcm, encrypt, data, len);
    br_gcm_get_tag(&gcm, tag);
    crypto_wipe(&aes, sizeof aes);
    crypto_wipe(&gcm, sizeof gcm);
}

static void run_chacha(struct ktls_traffic_keys const *keys, unsigned char const *nonce,
                       unsigned char const *aad, size_t aad_len, unsigned char *data, size_t len,
                       unsigned char *tag, int encrypt)
{
    crypto_poly1305()(keys->key, nonce, data, len, aad, aad_len, tag, crypto_chacha20(), encrypt);
}

/* Additional data: the record header itself in 1.3 (RFC 8446, 5.2); sequence
   number, type, version and length of the plaintext in 1.2 (RFC 5246, 6.2.3.3). */
static size_t additional_data(struct ktls_traffic_keys const *keys, unsigned char const *header,
                              size_t plain_len, unsigned char aad[8 + TLS_RECORD_HEADER])
{
    if (!is_tls12(keys)) {
        memcpy(aad, header, TLS_RECORD_HEADER);
        return TLS_RECORD_HEADER;
    }
    put64(aad, keys->seq);
    memcpy(aad + 8, header, 3);
    put16(aad + 11, plain_len);
    return 8 + TLS_RECORD_HEADER;
}

static void run(struct ktls_traffic_keys *keys, unsigned char const *header, unsigned char const *explicit_nonce,
                unsigned char *data, size_t len, unsigned char *tag, int encrypt)
{
    unsigned char nonce[12], aad[8 + TLS_RECORD_HEADER];
    size_t const aad_len = additional_data(keys, header, len, aad);

    memcpy(nonce, keys->iv, sizeof nonce);
    if (explicit_nonce_size(keys)) {
        memcpy(nonce + 4, explicit_nonce, EXPLICIT_NONCE);
    } else {
        unsigned char seq[8];
        put64(seq, keys->seq);
        for (int i = 0; i < 8; i++) nonce[4 + i] ^= seq[i];
    }
    if (is_chacha(keys)) run_chacha(keys, nonce, aad, aad_len, data, len, tag, encrypt);
    else run_gcm(keys, nonce, aad, aad_len, data, len, tag, encrypt);
    crypto_wipe(nonce, sizeof nonce);
}

size_t crypto_seal_record(struct ktls_traffic_keys *keys, unsigned char type, void const *fragment, size_t len,
                          unsigned char *record)
{
    size_t const nonce_size = explicit_nonce_size(keys);
    unsigned char *data = record + TLS_RECORD_HEADER + nonce_size;
    size_t data_len = len;

    /* memmove does not see that there is nothing to move: it copies 16 KiB onto themselves. */
    if (fragment != data) memmove(data, fragment, len);
    record[0] = type;
    if (!is_tls12(keys)) {
        data[data_len++] = type;
        record[0] = KTLS_APPLICATION_DATA;
    }
    put16(record + 1, KTLS_TLS_1_2);
    put16(record + 3, nonce_size + data_len + CRYPTO_TAG);
    /* The sequence number as explicit nonce can never repeat (RFC 5288, 3). */
    if (nonce_size) put64(record + TLS_RECORD_HEADER, keys->seq);
    run(keys, record, record + TLS_RECORD_HEADER, data, data_len, data + data_len, 1);
    keys->seq++;
    return TLS_RECORD_HEADER + nonce_size + data_len + CRYPTO_TAG;
}

/* The inner content type is the last octet that is not padding (RFC 8446, 5.4). */
static long strip_padding(unsigned char const *data, size_t len, unsigned char *type)
{
    while (len && !data[len - 1]) len--;
    if (!len) return -2;
    *type = data[len - 1];
    return (long)(len - 1);
}

long crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header, unsigned char *body,
                        size_t len, unsigned char *type, unsigned char **fragment)
{
    size_t const nonce_size = explicit_nonce_size(keys);
    unsigned char tag[CRYPTO_TAG];

    if (len < nonce_size + CRYPTO_TAG) return -1;
    unsigned char *data = body + nonce_size;
    size_t const data_len = len - nonce_size - CRYPTO_TAG;
    run(keys, header, body, data, data_len, tag, 0);
    if (!crypto_equal(tag, data + data_len, CRYPTO_TAG)) {
        crypto_wipe(data, data_len);
        return -1;
    }
    keys->seq++;
    *fragment = data;
    if (!is_tls12(keys)) return strip_padding(data, data_len, type);
    *type = header[0];
    return (long)data_len;
}
