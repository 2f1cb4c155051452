/* ISC license. */

/* Installs traffic keys and reads them back, in the kernel's format (linux/tls.h). */

#include "ktls/ktls.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "ktls/kernel.h"

union crypto_info {
    struct tls_crypto_info head;
    struct tls12_crypto_info_aes_gcm_128 aes_128_gcm;
    struct tls12_crypto_info_aes_gcm_256 aes_256_gcm;
    struct tls12_crypto_info_chacha20_poly1305 chacha20_poly1305;
    unsigned char bytes[64];
};

/* The offsets in each cipher's structure. The salt is the beginning of the IV. */
static struct layout {
    uint16_t cipher;
    unsigned char size, salt, salt_len, iv, iv_len, key, key_len, seq;
} const layouts[] = {
#define LAYOUT(number, type) \
    { number, sizeof(struct type), \
      offsetof(struct type, salt), sizeof((struct type *)0)->salt, \
      offsetof(struct type, iv), sizeof((struct type *)0)->iv, \
      offsetof(struct type, key), sizeof((struct type *)0)->key, offsetof(struct type, rec_seq) }
    LAYOUT(KTLS_AES_128_GCM, tls12_crypto_info_aes_gcm_128),
    LAYOUT(KTLS_AES_256_GCM, tls12_crypto_info_aes_gcm_256),
    LAYOUT(KTLS_CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305),
#undef LAYOUT
};

static struct layout const *layout_of(uint16_t cipher)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].cipher == cipher) return layouts + i;
    return NULL;
}

static void put_sequence_number(unsigned char bytes[8], uint64_t seq)
{
    for (int i = 7; i >= 0; i--, seq >>= 8) bytes[i] = (unsigned char)seq;
}

/* For AES-GCM in TLS 1.2 the sequence number is the explicit part of the nonce (RFC 5288, 3). */
static void pack(union crypto_info *info, struct layout const *layout, struct ktls_traffic_keys const *keys)
{
    unsigned char *p = info->bytes;
    memset(info, 0, sizeof *info);
    info->head.version = keys->version;
    info->head.cipher_type = keys->cipher;
    memcpy(p + layout->salt, keys->iv, layout->salt_len);
    memcpy(p + layout->iv, keys->iv + layout->salt_len, layout->iv_len);
    if (keys->version == TLS_1_2 && layout->salt_len) put_sequence_number(p + layout->iv, keys->seq);
    memcpy(p + layout->key, keys->key, layout->key_len);
    put_sequence_number(p + layout->seq, keys->seq);
}

static int option_of(enum ktls_direction direction)
{
    return direction == KTLS_TX ? TLS_TX : TLS_RX;
}

int ktls_install(int fd, enum ktls_direction direction, struct ktls_traffic_keys const *keys)
{
    struct layout const *layout = layout_of(keys->cipher);
    union crypto_info info;

    if (!layout || (keys->version != TLS_1_2 && keys->version != TLS_1_3)) {
        errno = EINVAL;
        return -1;
    }
    pack(&info, layout, keys);
    int const result = setsockopt(fd, SOL_TLS, option_of(direction), &info, layout->size);
    explicit_bzero(&info, sizeof info);
    return result;
}

/* ---- reading installed keys ---- */

int ktls_installed_cipher(int fd, enum ktls_direction direction, struct tls_crypto_info *info)
{
    socklen_t len = sizeof *info;
    return getsockopt(fd, SOL_TLS, option_of(direction), info, &len) == 0;
}

/* NULL: no keys are installed. The kernel requires the exact length of the cipher's structure. */
static struct layout const *get(int fd, enum ktls_direction direction, union crypto_info *info)
{
    if (!ktls_installed_cipher(fd, direction, &info->head)) return NULL;
    struct layout const *layout = layout_of(info->head.cipher_type);
    socklen_t len = layout ? layout->size : 0;
    if (!layout) errno = ENOPROTOOPT;
    return layout && getsockopt(fd, SOL_TLS, option_of(direction), info, &len) == 0 ? layout : NULL;
}

int ktls_sequence(int fd, enum ktls_direction direction, uint64_t *seq)
{
    union crypto_info info;
    struct layout const *layout = get(fd, direction, &info);
    *seq = 0;
    for (int i = 0; layout && i < 8; i++) *seq = *seq << 8 | info.bytes[layout->seq + i];
    explicit_bzero(&info, sizeof info);
    return layout ? 0 : -1;
}

int ktls_reinstall(int fd, enum ktls_direction direction)
{
    union crypto_info info;
    struct layout const *layout = get(fd, direction, &info);
    int const result = layout ? setsockopt(fd, SOL_TLS, option_of(direction), &info, layout->size) : -1;
    explicit_bzero(&info, sizeof info);
    return result;
}

int ktls_installed_key(int fd, enum ktls_direction direction, unsigned char key[32])
{
    union crypto_info info;
    struct layout const *layout = get(fd, direction, &info);
    memset(key, 0, 32);
    if (layout) memcpy(key, info.bytes + layout->key, layout->key_len);
    explicit_bzero(&info, sizeof info);
    return layout ? 0 : -1;
}
