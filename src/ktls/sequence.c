/* ISC license. */

#include "ktls/ktls.h"

#include <string.h>
#include <sys/socket.h>

#include "ktls/kernel.h"

union crypto_info {
    struct tls_crypto_info head;
    struct tls12_crypto_info_aes_gcm_128 aes_128_gcm;
    struct tls12_crypto_info_aes_gcm_256 aes_256_gcm;
    struct tls12_crypto_info_chacha20_poly1305 chacha20_poly1305;
};

static int option_of(enum ktls_direction direction)
{
    return direction == KTLS_TX ? TLS_TX : TLS_RX;
}

/* Gives the place of the sequence number, NULL: there are no keys. The kernel
   wants to be asked with the very length of the cipher's structure. */
static unsigned char *get(int fd, enum ktls_direction direction, union crypto_info *info, socklen_t *len)
{
    unsigned char *seq = info->aes_128_gcm.rec_seq;
    *len = sizeof info->head;
    if (getsockopt(fd, SOL_TLS, option_of(direction), info, len) < 0) return NULL;
    *len = sizeof info->aes_128_gcm;
    if (info->head.cipher_type == KTLS_AES_256_GCM) {
        seq = info->aes_256_gcm.rec_seq;
        *len = sizeof info->aes_256_gcm;
    } else if (info->head.cipher_type == KTLS_CHACHA20_POLY1305) {
        seq = info->chacha20_poly1305.rec_seq;
        *len = sizeof info->chacha20_poly1305;
    }
    return getsockopt(fd, SOL_TLS, option_of(direction), info, len) < 0 ? NULL : seq;
}

int ktls_sequence(int fd, enum ktls_direction direction, uint64_t *seq)
{
    union crypto_info info;
    socklen_t len;
    unsigned char const *bytes = get(fd, direction, &info, &len);
    *seq = 0;
    for (int i = 0; bytes && i < 8; i++) *seq = *seq << 8 | bytes[i];
    explicit_bzero(&info, sizeof info);
    return bytes ? 0 : -1;
}

int ktls_reinstall(int fd, enum ktls_direction direction)
{
    union crypto_info info;
    socklen_t len;
    int result = -1;
    if (get(fd, direction, &info, &len)) result = setsockopt(fd, SOL_TLS, option_of(direction), &info, len);
    explicit_bzero(&info, sizeof info);
    return result;
}

int ktls_installed_key(int fd, enum ktls_direction direction, unsigned char key[32])
{
    union crypto_info info;
    socklen_t len;
    int const found = get(fd, direction, &info, &len) != NULL;
    memset(key, 0, 32);
    if (found && info.head.cipher_type == KTLS_AES_128_GCM)
        memcpy(key, info.aes_128_gcm.key, sizeof info.aes_128_gcm.key);
    else if (found && info.head.cipher_type == KTLS_AES_256_GCM)
        memcpy(key, info.aes_256_gcm.key, sizeof info.aes_256_gcm.key);
    else if (found)
        memcpy(key, info.chacha20_poly1305.key, sizeof info.chacha20_poly1305.key);
    explicit_bzero(&info, sizeof info);
    return found ? 0 : -1;
}
