/* ISC license. */

#include "ktls/ktls.h"

#include <errno.h>
#include <string.h>

#include "ktls/kernel.h"

static char const ulp_name[] = "tls";

union crypto_info {
    struct tls_crypto_info head;
    struct tls12_crypto_info_aes_gcm_128 aes_128_gcm;
    struct tls12_crypto_info_aes_gcm_256 aes_256_gcm;
    struct tls12_crypto_info_chacha20_poly1305 chacha20_poly1305;
};

static int is_attached(int fd)
{
    char name[16] = "";
    socklen_t len = sizeof name - 1;

    return getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &len) == 0 && !strcmp(name, ulp_name);
}

int ktls_attach(int fd)
{
    if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp_name, sizeof ulp_name) == 0) return 0;
    if (errno != EEXIST) return -1;
    if (is_attached(fd)) return 0;
    errno = EEXIST;
    return -1;
}

/* Of the key itself nothing is asked. */
static int get_info(int fd, enum ktls_direction direction, struct tls_crypto_info *info)
{
    socklen_t len = sizeof *info;

    return getsockopt(fd, SOL_TLS, direction == KTLS_TX ? TLS_TX : TLS_RX, info, &len) == 0;
}

int ktls_has_keys(int fd, enum ktls_direction direction)
{
    struct tls_crypto_info info;

    return get_info(fd, direction, &info);
}

int ktls_is(int fd, struct ktls_state *state)
{
    struct tls_crypto_info tx, rx;
    int const has_tx = get_info(fd, KTLS_TX, &tx), has_rx = get_info(fd, KTLS_RX, &rx);

    if (state) {
        state->tx_cipher = has_tx ? tx.cipher_type : 0;
        state->rx_cipher = has_rx ? rx.cipher_type : 0;
        state->version = has_tx ? tx.version : has_rx ? rx.version : 0;
    }
    return has_tx && has_rx;
}

static void pack_sequence_number(unsigned char out[8], uint64_t seq)
{
    for (int i = 7; i >= 0; i--, seq >>= 8) out[i] = (unsigned char)seq;
}

/* What the kernel calls iv is the part of the nonce behind the salt: in TLS
   1.2 the explicit nonce, which it counts up with every record. */
static void pack_gcm_nonce(struct ktls_traffic_keys const *keys, unsigned char salt[4], unsigned char iv[8])
{
    memcpy(salt, keys->iv, 4);
    if (keys->version == KTLS_TLS_1_2)
        pack_sequence_number(iv, keys->seq);
    else
        memcpy(iv, keys->iv + 4, 8);
}

static socklen_t pack_aes_128_gcm(struct tls12_crypto_info_aes_gcm_128 *info,
                                  struct ktls_traffic_keys const *keys)
{
    pack_gcm_nonce(keys, info->salt, info->iv);
    memcpy(info->key, keys->key, sizeof info->key);
    pack_sequence_number(info->rec_seq, keys->seq);
    return sizeof *info;
}

static socklen_t pack_aes_256_gcm(struct tls12_crypto_info_aes_gcm_256 *info,
                                  struct ktls_traffic_keys const *keys)
{
    pack_gcm_nonce(keys, info->salt, info->iv);
    memcpy(info->key, keys->key, sizeof info->key);
    pack_sequence_number(info->rec_seq, keys->seq);
    return sizeof *info;
}

static socklen_t pack_chacha20_poly1305(struct tls12_crypto_info_chacha20_poly1305 *info,
                                        struct ktls_traffic_keys const *keys)
{
    memcpy(info->iv, keys->iv, sizeof info->iv);
    memcpy(info->key, keys->key, sizeof info->key);
    pack_sequence_number(info->rec_seq, keys->seq);
    return sizeof *info;
}

/* The length of the kernel's structure; 0 for what it does not know. */
static socklen_t pack_crypto_info(union crypto_info *info, struct ktls_traffic_keys const *keys)
{
    memset(info, 0, sizeof *info);
    if (keys->version != KTLS_TLS_1_2 && keys->version != KTLS_TLS_1_3) return 0;
    info->head.version = keys->version;
    info->head.cipher_type = keys->cipher;
    switch (keys->cipher) {
    case KTLS_AES_128_GCM: return pack_aes_128_gcm(&info->aes_128_gcm, keys);
    case KTLS_AES_256_GCM: return pack_aes_256_gcm(&info->aes_256_gcm, keys);
    case KTLS_CHACHA20_POLY1305: return pack_chacha20_poly1305(&info->chacha20_poly1305, keys);
    default: return 0;
    }
}

int ktls_install(int fd, enum ktls_direction direction, struct ktls_traffic_keys const *keys)
{
    union crypto_info info;
    socklen_t len = pack_crypto_info(&info, keys);

    if (!len) {
        errno = EINVAL;
        return -1;
    }
    int result = setsockopt(fd, SOL_TLS, direction == KTLS_TX ? TLS_TX : TLS_RX, &info, len);
    explicit_bzero(&info, sizeof info);
    return result;
}
