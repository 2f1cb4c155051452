/* ISC license. */

/*
 * Key exchange: ephemeral Diffie-Hellman with X25519 (RFC 7748) and the NIST
 * curves (RFC 8422), and the hybrid groups that join it to ML-KEM-768
 * (draft-ietf-tls-ecdhe-mlkem).
 */

#include <string.h>

#include <bearssl.h>

#include "crypto/crypto.h"
#include "crypto/mlkem.h"

_Static_assert(CRYPTO_DECAPSULATION_KEY == MLKEM_DECAPSULATION_KEY && 2 * MLKEM_SECRET <= CRYPTO_MAX_SHARED_SECRET &&
                   CRYPTO_MAX_SHARE == MLKEM_ENCAPSULATION_KEY + 65,
               "crypto.h has room for the hybrid groups");

_Static_assert((int)CRYPTO_X25519 == BR_EC_curve25519 && (int)CRYPTO_SECP256R1 == BR_EC_secp256r1 &&
                   (int)CRYPTO_SECP384R1 == BR_EC_secp384r1 && (int)CRYPTO_SECP521R1 == BR_EC_secp521r1,
               "BearSSL numbers curves as the registry does");

#define X25519_SIZE 32

/* The draft's orders (3): the part with the longer history first where a
   curve of NIST's is in it, the other way with X25519. */
static struct hybrid {
    uint16_t group, curve;
    unsigned char kem_first;
} const hybrids[] = {
    { CRYPTO_X25519MLKEM768, CRYPTO_X25519, 1 },
    { CRYPTO_SECP256R1MLKEM768, CRYPTO_SECP256R1, 0 },
};

static struct hybrid const *hybrid_of(uint16_t group)
{
    for (size_t i = 0; i < sizeof hybrids / sizeof *hybrids; i++)
        if (hybrids[i].group == group) return &hybrids[i];
    return NULL;
}

static uint16_t curve_of(uint16_t group)
{
    struct hybrid const *const hybrid = hybrid_of(group);
    return hybrid ? hybrid->curve : group;
}

static size_t curve_share_size(uint16_t curve)
{
    switch (curve) {
    case CRYPTO_X25519: return X25519_SIZE;
    case CRYPTO_SECP256R1: return 65;
    case CRYPTO_SECP384R1: return 97;
    case CRYPTO_SECP521R1: return 133;
    default: return 0;
    }
}

int crypto_group_is_hybrid(uint16_t group)
{
    return hybrid_of(group) != NULL;
}

size_t crypto_share_size(uint16_t group)
{
    return curve_share_size(curve_of(group)) + (hybrid_of(group) ? MLKEM_ENCAPSULATION_KEY : 0);
}

static size_t scalar_size(uint16_t curve)
{
    return curve == CRYPTO_SECP521R1 ? 66 : curve == CRYPTO_SECP384R1 ? 48 : 32;
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

static int generate_scalar(struct crypto_share *share, uint16_t curve, struct crypto_random const *random)
{
    struct prng prng = { .vtable = &prng_vtable, .random = random };
    return br_ec_keygen(&prng.vtable, br_ec_get_default(), NULL, share->private_key, curve) == scalar_size(curve);
}

static int generate_on_curve(struct crypto_share *share, unsigned char *public_key, struct crypto_random const *random)
{
    uint16_t const curve = curve_of(share->group);
    if (curve == CRYPTO_X25519) generate_x25519(share, random);
    else if (!generate_scalar(share, curve, random)) return 0;
    return br_ec_get_default()->mulgen(public_key, share->private_key, scalar_size(curve), curve) ==
           curve_share_size(curve);
}

static void generate_kem(struct crypto_share *share, unsigned char *encapsulation_key,
                         struct crypto_random const *random)
{
    unsigned char seeds[2][MLKEM_SEED];
    random->fill(random->ctx, seeds, sizeof seeds);
    crypto_mlkem_keygen(seeds[0], seeds[1], encapsulation_key, share->decapsulation_key);
    crypto_wipe(seeds, sizeof seeds);
}

/* Where the two parts begin in a share or a secret, by the length of the other part. */
static size_t kem_offset(struct hybrid const *hybrid, size_t curve_len)
{
    return hybrid->kem_first ? 0 : curve_len;
}

static size_t curve_offset(struct hybrid const *hybrid, size_t kem_len)
{
    return hybrid && hybrid->kem_first ? kem_len : 0;
}

int crypto_share_generate(struct crypto_share *share, uint16_t group, struct crypto_random const *random)
{
    struct hybrid const *const hybrid = hybrid_of(group);
    share->group = group;
    share->public_len = crypto_share_size(group);
    if (!share->public_len) return 0;
    if (hybrid) generate_kem(share, share->public_key + kem_offset(hybrid, curve_share_size(hybrid->curve)), random);
    return generate_on_curve(share, share->public_key + curve_offset(hybrid, MLKEM_ENCAPSULATION_KEY), random);
}

size_t crypto_share_public(struct crypto_share const *share, uint16_t group, unsigned char const **public_key)
{
    *public_key = share->public_key;
    if (group == share->group) return share->public_len;
    if (group != curve_of(share->group)) return 0;
    *public_key += curve_offset(hybrid_of(share->group), MLKEM_ENCAPSULATION_KEY);
    return curve_share_size(group);
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

/* The secret of our private key and the peer's point; 0: not a point that may be used. */
static size_t agree_on_curve(struct crypto_share const *share, unsigned char const *peer, unsigned char *secret)
{
    uint16_t const curve = curve_of(share->group);
    size_t const size = curve_share_size(curve);
    unsigned char point[CRYPTO_MAX_CURVE_SHARE] = { 0 };
    size_t secret_len = 0;

    memcpy(point, peer, size);
    int const is_x25519 = curve == CRYPTO_X25519;
    if (!is_x25519 && !crypto_point_is_reduced(curve, point, size)) return 0;
    if (br_ec_get_default()->mul(point, size, share->private_key, scalar_size(curve), curve))
        secret_len = is_x25519 ? agree_x25519(point, secret) : agree_nist(point, size, secret);
    crypto_wipe(point, sizeof point);
    return secret_len;
}

size_t crypto_share_agree(struct crypto_share const *share, uint16_t group, void const *peer, size_t peer_len,
                          unsigned char secret[CRYPTO_MAX_SHARED_SECRET])
{
    struct hybrid const *const hybrid = hybrid_of(group);
    unsigned char const *const bytes = peer;
    unsigned char const *own;
    size_t const curve_len = curve_share_size(curve_of(group)), kem_len = hybrid ? MLKEM_CIPHERTEXT : 0;

    if (!crypto_share_public(share, group, &own) || peer_len != curve_len + kem_len) return 0;
    size_t const kem_secret_len = hybrid ? MLKEM_SECRET : 0;
    size_t const len = agree_on_curve(share, bytes + curve_offset(hybrid, kem_len),
                                      secret + curve_offset(hybrid, kem_secret_len));
    if (!len || !hybrid) return len;
    crypto_mlkem_decapsulate(share->decapsulation_key, bytes + kem_offset(hybrid, curve_len),
                             secret + kem_offset(hybrid, len));
    return len + kem_secret_len;
}

static int encapsulate(struct crypto_random const *random, unsigned char const *encapsulation_key,
                       unsigned char *ciphertext, unsigned char *secret)
{
    unsigned char m[MLKEM_SEED];
    random->fill(random->ctx, m, sizeof m);
    int const done = crypto_mlkem_encapsulate(encapsulation_key, m, ciphertext, secret);
    crypto_wipe(m, sizeof m);
    return done;
}

size_t crypto_share_answer(struct crypto_share *share, uint16_t group, struct crypto_random const *random,
                           void const *peer, size_t peer_len, unsigned char secret[CRYPTO_MAX_SHARED_SECRET])
{
    struct hybrid const *const hybrid = hybrid_of(group);
    unsigned char const *const bytes = peer;
    size_t const curve_len = curve_share_size(curve_of(group));

    if (!curve_len || peer_len != crypto_share_size(group)) return 0;
    share->group = group;
    share->public_len = curve_len + (hybrid ? MLKEM_CIPHERTEXT : 0);
    if (!generate_on_curve(share, share->public_key + curve_offset(hybrid, MLKEM_CIPHERTEXT), random)) return 0;
    size_t const len = agree_on_curve(share, bytes + curve_offset(hybrid, MLKEM_ENCAPSULATION_KEY),
                                      secret + curve_offset(hybrid, MLKEM_SECRET));
    if (!len || !hybrid) return len;
    return encapsulate(random, bytes + kem_offset(hybrid, curve_len),
                       share->public_key + kem_offset(hybrid, curve_len), secret + kem_offset(hybrid, len))
               ? len + MLKEM_SECRET
               : 0;
}
