/* ISC license. */

/* Ephemeral Diffie-Hellman: X25519 (RFC 7748) and the NIST curves (RFC 8422). */

#include <string.h>

#include <bearssl.h>

#include "crypto/crypto.h"

_Static_assert((int)CRYPTO_X25519 == BR_EC_curve25519 && (int)CRYPTO_SECP256R1 == BR_EC_secp256r1 &&
                   (int)CRYPTO_SECP384R1 == BR_EC_secp384r1 && (int)CRYPTO_SECP521R1 == BR_EC_secp521r1,
               "BearSSL numbers curves as the registry does");

#define X25519_SIZE 32

size_t crypto_share_size(uint16_t group)
{
    switch (group) {
    case CRYPTO_X25519: return X25519_SIZE;
    case CRYPTO_SECP256R1: return 65;
    case CRYPTO_SECP384R1: return 97;
    case CRYPTO_SECP521R1: return 133;
    default: return 0;
    }
}

static size_t scalar_size(uint16_t group)
{
    return group == CRYPTO_SECP521R1 ? 66 : group == CRYPTO_SECP384R1 ? 48 : 32;
}

/* br_ec_keygen draws from a br_prng_class; this one is our source of randomness. */
struct prng {
    br_prng_class const *vtable;
    struct crypto_random const *random;
};

static void prng_generate(br_prng_class const **ctx, void *out, size_t len)
{
    struct crypto_random const *random = ((struct prng *)(void *)ctx)->random;
    random->fill(random->ctx, out, len);
}

static void prng_ignore(br_prng_class const **ctx, void const *seed, size_t len)
{
    (void)ctx, (void)seed, (void)len;
}

static void prng_init(br_prng_class const **ctx, void const *params, void const *seed, size_t len)
{
    (void)ctx, (void)params, (void)seed, (void)len;
}

static br_prng_class const prng_vtable = { sizeof(struct prng), &prng_init, &prng_generate, &prng_ignore };

/* Any 32 bytes are a scalar (RFC 7748, 5): BearSSL clamps them. BearSSL 0.6 reads
   them with the least significant byte first, later versions with the most
   significant byte first; random bytes are a good scalar in either order. */
static void generate_x25519(struct crypto_share *share, struct crypto_random const *random)
{
    random->fill(random->ctx, share->private_key, X25519_SIZE);
}

static int generate_scalar(struct crypto_share *share, struct crypto_random const *random)
{
    struct prng prng = { .vtable = &prng_vtable, .random = random };
    return br_ec_keygen(&prng.vtable, br_ec_get_default(), NULL, share->private_key, share->group) ==
           scalar_size(share->group);
}

int crypto_share_generate(struct crypto_share *share, uint16_t group, struct crypto_random const *random)
{
    *share = (struct crypto_share){ .group = group, .public_len = crypto_share_size(group) };
    if (!share->public_len) return 0;
    if (group == CRYPTO_X25519) generate_x25519(share, random);
    else if (!generate_scalar(share, random)) return 0;
    return br_ec_get_default()->mulgen(share->public_key, share->private_key, scalar_size(group), group) ==
           share->public_len;
}

static size_t agree_x25519(unsigned char const *u, unsigned char *secret)
{
    static unsigned char const zero[X25519_SIZE];
    memcpy(secret, u, X25519_SIZE);
    return crypto_equal(u, zero, X25519_SIZE) ? 0 : X25519_SIZE;
}

/* RFC 8446, 7.4.2: the secret is the x coordinate, at full length. */
static size_t agree_nist(unsigned char const *point, size_t len, unsigned char *secret)
{
    size_t const coordinate = (len - 1) / 2;
    memcpy(secret, point + 1, coordinate);
    return coordinate;
}

size_t crypto_share_agree(struct crypto_share const *share, void const *peer, size_t peer_len,
                          unsigned char secret[CRYPTO_MAX_SHARED_SECRET])
{
    unsigned char point[CRYPTO_MAX_SHARE];
    size_t secret_len = 0;

    if (peer_len != share->public_len) return 0;
    memcpy(point, peer, peer_len);
    int const is_x25519 = share->group == CRYPTO_X25519;
    if (!is_x25519 && !crypto_point_is_reduced(share->group, point, peer_len)) return 0;
    if (br_ec_get_default()->mul(point, peer_len, share->private_key, scalar_size(share->group), share->group))
        secret_len = is_x25519 ? agree_x25519(point, secret) : agree_nist(point, peer_len, secret);
    crypto_wipe(point, sizeof point);
    return secret_len;
}
