/* ISC license. */

/* Scalars of X25519 for the BearSSL at hand: 0.6 reads their bytes in RFC 7748's
   order, later versions in the reverse order. */

#ifndef X25519_H
#define X25519_H

#include "hex.h"

static inline struct bytes x25519_reversed(struct bytes scalar)
{
    struct bytes out = { .len = scalar.len };
    for (size_t i = 0; i < scalar.len; i++) out.data[i] = scalar.data[scalar.len - 1 - i];
    return out;
}

static inline int x25519_gives(struct bytes scalar, struct bytes public_key)
{
    struct script script = { scalar.data, scalar.len };
    struct crypto_random const random = script_random(&script);
    struct crypto_share share;
    if (!crypto_share_generate(&share, CRYPTO_X25519, &random) || script.left) abort();
    return !memcmp(share.public_key, public_key.data, public_key.len);
}

/* Bob's key pair of RFC 7748, 6.1 tells. Neither order: X25519 is wrong. */
static inline int x25519_is_reversed(void)
{
    static int known = -1;
    struct bytes const scalar = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    struct bytes const public_key = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    if (known < 0) known = !x25519_gives(scalar, public_key);
    if (known && !x25519_gives(x25519_reversed(scalar), public_key)) abort();
    return known;
}

/* A scalar in RFC 7748's order as randomness for crypto_share_generate. */
static inline struct bytes x25519_scalar(struct bytes scalar)
{
    return x25519_is_reversed() ? x25519_reversed(scalar) : scalar;
}

#endif
