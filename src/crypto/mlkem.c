/* ISC license. */

/*
 * ML-KEM-768, in the order and with the names of FIPS 203's algorithms.
 *
 * Coefficients are in [0, q) between functions. There is no division: the
 * time of one depends on its operands.
 */

#include <string.h>

#include "crypto/crypto.h"
#include "crypto/keccak.h"
#include "crypto/mlkem.h"

enum { N = 256, Q = 3329, K = 3, DU = 10, DV = 4 };

#define POLYNOMIAL_12 384 /* bytes of ByteEncode_12 */
#define POLYNOMIAL_DU (N * DU / 8)
#define POLYNOMIAL_DV (N * DV / 8)
#define CBD_INPUT 128     /* 64 eta, eta is 2 in both places */

_Static_assert(MLKEM_ENCAPSULATION_KEY == K * POLYNOMIAL_12 + 32, "FIPS 203, table 3");
_Static_assert(MLKEM_DECAPSULATION_KEY == 2 * K * POLYNOMIAL_12 + 96, "FIPS 203, table 3");
_Static_assert(MLKEM_CIPHERTEXT == K * POLYNOMIAL_DU + POLYNOMIAL_DV, "FIPS 203, table 3");

struct polynomial {
    uint16_t coefficient[N];
};

/* ---- integers modulo q ---- */

/* x below 2q. */
static uint16_t subtract_q_once(uint32_t x)
{
    x -= Q;
    return (uint16_t)(x + (Q & (0 - (x >> 31))));
}

static uint16_t reduce(uint32_t x)
{
    enum { RECIPROCAL = 1290167 }; /* 2^32 / q, rounded down: the quotient is right or one too small */
    uint32_t const quotient = (uint32_t)((uint64_t)x * RECIPROCAL >> 32);
    return subtract_q_once(x - quotient * Q);
}

static uint16_t multiply(uint16_t a, uint16_t b)
{
    return reduce((uint32_t)a * b);
}

static uint16_t add(uint16_t a, uint16_t b)
{
    return subtract_q_once((uint32_t)a + b);
}

static uint16_t subtract(uint16_t a, uint16_t b)
{
    return subtract_q_once((uint32_t)a + Q - b);
}

/* 4.2.1, Compress_d: round(2^d x / q) mod 2^d. The product with 2^36 / q,
   rounded up, gives the exact quotient of each dividend below 2^22. */
static uint16_t compress(uint16_t x, unsigned int d)
{
    uint64_t const dividend = ((uint32_t)x << d) + Q / 2;
    return (uint16_t)(dividend * 20642679 >> 36 & ((1u << d) - 1));
}

/* 4.2.1, Decompress_d: round(q y / 2^d). */
static uint16_t decompress(uint16_t y, unsigned int d)
{
    return (uint16_t)(((uint32_t)y * Q + (1u << (d - 1))) >> d);
}

/* ---- 4.2.1: coefficients and bytes ---- */

/* Algorithm 5, ByteEncode_d. */
static void encode(unsigned char *out, struct polynomial const *f, unsigned int d)
{
    uint32_t bits = 0;
    unsigned int count = 0;
    for (int i = 0; i < N; i++) {
        bits |= (uint32_t)f->coefficient[i] << count;
        for (count += d; count >= 8; count -= 8, bits >>= 8) *out++ = (unsigned char)bits;
    }
}

/* Algorithm 6, ByteDecode_d, without the reduction for d = 12: what is decoded
   with it was checked or made by us. */
static void decode(struct polynomial *f, unsigned char const *in, unsigned int d)
{
    uint32_t bits = 0;
    unsigned int count = 0;
    for (int i = 0; i < N; i++) {
        for (; count < d; count += 8) bits |= (uint32_t)*in++ << count;
        f->coefficient[i] = (uint16_t)(bits & ((1u << d) - 1));
        bits >>= d;
        count -= d;
    }
}

static void compress_and_encode(unsigned char *out, struct polynomial *f, unsigned int d)
{
    for (int i = 0; i < N; i++) f->coefficient[i] = compress(f->coefficient[i], d);
    encode(out, f, d);
}

static void decode_and_decompress(struct polynomial *f, unsigned char const *in, unsigned int d)
{
    decode(f, in, d);
    for (int i = 0; i < N; i++) f->coefficient[i] = decompress(f->coefficient[i], d);
}

/* ---- 4.2.2: sampling ---- */

/* Algorithm 7, SampleNTT. Its time depends on rho, which is public. */
static void sample_ntt(struct polynomial *a, unsigned char const rho[32], unsigned int row, unsigned int column)
{
    unsigned char const place[2] = { (unsigned char)column, (unsigned char)row };
    struct keccak xof;

    crypto_keccak_init(&xof, SHAKE128_RATE);
    crypto_keccak_absorb(&xof, rho, 32);
    crypto_keccak_absorb(&xof, place, sizeof place);
    crypto_keccak_finish_shake(&xof);
    for (int j = 0; j < N;) {
        unsigned char c[3];
        crypto_keccak_squeeze(&xof, c, sizeof c);
        uint16_t const d1 = (uint16_t)(c[0] | (c[1] & 15) << 8), d2 = (uint16_t)(c[1] >> 4 | c[2] << 4);
        if (d1 < Q) a->coefficient[j++] = d1;
        if (d2 < Q && j < N) a->coefficient[j++] = d2;
    }
}

static uint16_t difference_of_bits(unsigned int bits)
{
    unsigned int const x = (bits & 1) + (bits >> 1 & 1), y = (bits >> 2 & 1) + (bits >> 3 & 1);
    return subtract((uint16_t)x, (uint16_t)y);
}

/* Algorithm 8, SamplePolyCBD_2, of PRF_2(seed, number) (4.1). */
static void sample_cbd(struct polynomial *f, unsigned char const seed[32], unsigned int number)
{
    unsigned char const suffix = (unsigned char)number;
    unsigned char bytes[CBD_INPUT];
    struct keccak prf;

    crypto_keccak_init(&prf, SHAKE256_RATE);
    crypto_keccak_absorb(&prf, seed, 32);
    crypto_keccak_absorb(&prf, &suffix, 1);
    crypto_keccak_finish_shake(&prf);
    crypto_keccak_squeeze(&prf, bytes, sizeof bytes);
    for (int i = 0; i < CBD_INPUT; i++) {
        f->coefficient[2 * i] = difference_of_bits(bytes[i] & 15u);
        f->coefficient[2 * i + 1] = difference_of_bits(bytes[i] >> 4);
    }
    crypto_wipe(&prf, sizeof prf);
    crypto_wipe(bytes, sizeof bytes);
}

/* ---- 4.3: the number-theoretic transform ---- */

/* Appendix A: 17^BitRev7(i) mod q. */
static uint16_t const zetas[128] = {
    1, 1729, 2580, 3289, 2642, 630, 1897, 848, 1062, 1919, 193, 797, 2786, 3260, 569, 1746,
    296, 2447, 1339, 1476, 3046, 56, 2240, 1333, 1426, 2094, 535, 2882, 2393, 2879, 1974, 821,
    289, 331, 3253, 1756, 1197, 2304, 2277, 2055, 650, 1977, 2513, 632, 2865, 33, 1320, 1915,
    2319, 1435, 807, 452, 1438, 2868, 1534, 2402, 2647, 2617, 1481, 648, 2474, 3110, 1227, 910,
    17, 2761, 583, 2649, 1637, 723, 2288, 1100, 1409, 2662, 3281, 233, 756, 2156, 3015, 3050,
    1703, 1651, 2789, 1789, 1847, 952, 1461, 2687, 939, 2308, 2437, 2388, 733, 2337, 268, 641,
    1584, 2298, 2037, 3220, 375, 2549, 2090, 1645, 1063, 319, 2773, 757, 2099, 561, 2466, 2594,
    2804, 1092, 403, 1026, 1143, 2150, 2775, 886, 1722, 1212, 1874, 1029, 2110, 2935, 885, 2154,
};

/* Algorithm 9, NTT. */
static void ntt(struct polynomial *f)
{
    uint16_t *const c = f->coefficient;
    int i = 1;
    for (int len = 128; len >= 2; len /= 2)
        for (int start = 0; start < N; start += 2 * len) {
            uint16_t const zeta = zetas[i++];
            for (int j = start; j < start + len; j++) {
                uint16_t const t = multiply(zeta, c[j + len]);
                c[j + len] = subtract(c[j], t);
                c[j] = add(c[j], t);
            }
        }
}

/* Algorithm 10, the inverse of NTT. */
static void inverse_ntt(struct polynomial *f)
{
    uint16_t *const c = f->coefficient;
    int i = 127;
    for (int len = 2; len <= 128; len *= 2)
        for (int start = 0; start < N; start += 2 * len) {
            uint16_t const zeta = zetas[i--];
            for (int j = start; j < start + len; j++) {
                uint16_t const t = c[j];
                c[j] = add(t, c[j + len]);
                c[j + len] = multiply(zeta, subtract(c[j + len], t));
            }
        }
    for (int j = 0; j < N; j++) c[j] = multiply(c[j], 3303); /* 128^-1 mod q */
}

/* Algorithms 11 and 12, MultiplyNTTs; the product is added to sum. */
static void multiply_and_add(struct polynomial *sum, struct polynomial const *f, struct polynomial const *g)
{
    for (int i = 0; i < N; i += 2) {
        uint16_t const *const a = f->coefficient + i, *const b = g->coefficient + i;
        uint16_t const zeta = zetas[64 + i / 4];
        uint16_t const gamma = i % 4 ? (uint16_t)(Q - zeta) : zeta; /* 17^(2 BitRev7(i/2) + 1) */
        uint32_t const c0 = (uint32_t)a[0] * b[0] + (uint32_t)multiply(a[1], b[1]) * gamma;
        uint32_t const c1 = (uint32_t)a[0] * b[1] + (uint32_t)a[1] * b[0];
        sum->coefficient[i] = add(sum->coefficient[i], reduce(c0));
        sum->coefficient[i + 1] = add(sum->coefficient[i + 1], reduce(c1));
    }
}

static void add_polynomial(struct polynomial *sum, struct polynomial const *f)
{
    for (int i = 0; i < N; i++) sum->coefficient[i] = add(sum->coefficient[i], f->coefficient[i]);
}

/* ---- 5: K-PKE ---- */

/* G (4.1): two halves of 32 bytes of SHA3-512. */
static void hash_g(unsigned char out[64], void const *a, size_t a_len, void const *b, size_t b_len)
{
    struct keccak hash;
    crypto_keccak_init(&hash, SHA3_512_RATE);
    crypto_keccak_absorb(&hash, a, a_len);
    crypto_keccak_absorb(&hash, b, b_len);
    crypto_keccak_finish_sha3(&hash, out, SHA3_512_SIZE);
}

/* Algorithm 13, K-PKE.KeyGen. */
static void pke_keygen(unsigned char const d[MLKEM_SEED], unsigned char *ek, unsigned char *dk)
{
    unsigned char const k = K;
    unsigned char seeds[64];
    unsigned char const *const rho = seeds, *const sigma = seeds + 32;
    struct polynomial s[K], t, a;

    hash_g(seeds, d, MLKEM_SEED, &k, 1);
    for (unsigned int i = 0; i < K; i++) {
        sample_cbd(&s[i], sigma, i);
        ntt(&s[i]);
        encode(dk + i * POLYNOMIAL_12, &s[i], 12);
    }
    for (unsigned int i = 0; i < K; i++) {
        sample_cbd(&t, sigma, K + i); /* e, to which A s is added */
        ntt(&t);
        for (unsigned int j = 0; j < K; j++) {
            sample_ntt(&a, rho, i, j);
            multiply_and_add(&t, &a, &s[j]);
        }
        encode(ek + i * POLYNOMIAL_12, &t, 12);
    }
    memcpy(ek + K * POLYNOMIAL_12, rho, 32);
    crypto_wipe(seeds, sizeof seeds);
    crypto_wipe(s, sizeof s);
    crypto_wipe(&t, sizeof t);
}

/* Algorithm 14, K-PKE.Encrypt. */
static void pke_encrypt(unsigned char const *ek, unsigned char const m[MLKEM_SEED], unsigned char const r[32],
                        unsigned char *ciphertext)
{
    unsigned char const *const rho = ek + K * POLYNOMIAL_12;
    struct polynomial y[K], sum, other;

    for (unsigned int i = 0; i < K; i++) {
        sample_cbd(&y[i], r, i);
        ntt(&y[i]);
    }
    for (unsigned int i = 0; i < K; i++) {
        memset(&sum, 0, sizeof sum);
        for (unsigned int j = 0; j < K; j++) {
            sample_ntt(&other, rho, j, i); /* A transposed */
            multiply_and_add(&sum, &other, &y[j]);
        }
        inverse_ntt(&sum);
        sample_cbd(&other, r, K + i);
        add_polynomial(&sum, &other);
        compress_and_encode(ciphertext + i * POLYNOMIAL_DU, &sum, DU);
    }
    memset(&sum, 0, sizeof sum);
    for (unsigned int i = 0; i < K; i++) {
        decode(&other, ek + i * POLYNOMIAL_12, 12);
        multiply_and_add(&sum, &other, &y[i]);
    }
    inverse_ntt(&sum);
    sample_cbd(&other, r, 2 * K);
    add_polynomial(&sum, &other);
    decode_and_decompress(&other, m, 1);
    add_polynomial(&sum, &other);
    compress_and_encode(ciphertext + K * POLYNOMIAL_DU, &sum, DV);
    crypto_wipe(y, sizeof y);
    crypto_wipe(&sum, sizeof sum);
    crypto_wipe(&other, sizeof other);
}

/* Algorithm 15, K-PKE.Decrypt. */
static void pke_decrypt(unsigned char const *dk, unsigned char const *ciphertext, unsigned char m[MLKEM_SEED])
{
    struct polynomial product, s, u, v;

    memset(&product, 0, sizeof product);
    for (int i = 0; i < K; i++) {
        decode_and_decompress(&u, ciphertext + i * POLYNOMIAL_DU, DU);
        ntt(&u);
        decode(&s, dk + i * POLYNOMIAL_12, 12);
        multiply_and_add(&product, &s, &u);
    }
    inverse_ntt(&product);
    decode_and_decompress(&v, ciphertext + K * POLYNOMIAL_DU, DV);
    for (int i = 0; i < N; i++) v.coefficient[i] = subtract(v.coefficient[i], product.coefficient[i]);
    compress_and_encode(m, &v, 1);
    crypto_wipe(&product, sizeof product);
    crypto_wipe(&s, sizeof s);
    crypto_wipe(&v, sizeof v);
}

/* ---- 6 and 7: ML-KEM ---- */

/* H (4.1). */
static void hash_h(unsigned char out[SHA3_256_SIZE], void const *data, size_t len)
{
    struct keccak hash;
    crypto_keccak_init(&hash, SHA3_256_RATE);
    crypto_keccak_absorb(&hash, data, len);
    crypto_keccak_finish_sha3(&hash, out, SHA3_256_SIZE);
}

/* J (4.1). */
static void hash_j(unsigned char out[32], unsigned char const z[MLKEM_SEED], unsigned char const *ciphertext)
{
    struct keccak hash;
    crypto_keccak_init(&hash, SHAKE256_RATE);
    crypto_keccak_absorb(&hash, z, MLKEM_SEED);
    crypto_keccak_absorb(&hash, ciphertext, MLKEM_CIPHERTEXT);
    crypto_keccak_finish_shake(&hash);
    crypto_keccak_squeeze(&hash, out, 32);
    crypto_wipe(&hash, sizeof hash);
}

void crypto_mlkem_keygen(unsigned char const d[MLKEM_SEED], unsigned char const z[MLKEM_SEED],
                  unsigned char ek[MLKEM_ENCAPSULATION_KEY], unsigned char dk[MLKEM_DECAPSULATION_KEY])
{
    unsigned char *const copy = dk + K * POLYNOMIAL_12, *const hash = copy + MLKEM_ENCAPSULATION_KEY;
    pke_keygen(d, ek, dk);
    memcpy(copy, ek, MLKEM_ENCAPSULATION_KEY);
    hash_h(hash, ek, MLKEM_ENCAPSULATION_KEY);
    memcpy(hash + SHA3_256_SIZE, z, MLKEM_SEED);
}

/* 7.2, the modulus check: each coefficient is below q. */
static int is_encapsulation_key(unsigned char const ek[MLKEM_ENCAPSULATION_KEY])
{
    struct polynomial t;
    for (int i = 0; i < K; i++) {
        decode(&t, ek + i * POLYNOMIAL_12, 12);
        for (int j = 0; j < N; j++)
            if (t.coefficient[j] >= Q) return 0;
    }
    return 1;
}

int crypto_mlkem_encapsulate(unsigned char const ek[MLKEM_ENCAPSULATION_KEY], unsigned char const m[MLKEM_SEED],
                      unsigned char ciphertext[MLKEM_CIPHERTEXT], unsigned char secret[MLKEM_SECRET])
{
    unsigned char h[SHA3_256_SIZE], secret_and_r[64];

    if (!is_encapsulation_key(ek)) return 0;
    hash_h(h, ek, MLKEM_ENCAPSULATION_KEY);
    hash_g(secret_and_r, m, MLKEM_SEED, h, sizeof h);
    pke_encrypt(ek, m, secret_and_r + MLKEM_SECRET, ciphertext);
    memcpy(secret, secret_and_r, MLKEM_SECRET);
    crypto_wipe(secret_and_r, sizeof secret_and_r);
    return 1;
}

void crypto_mlkem_decapsulate(unsigned char const dk[MLKEM_DECAPSULATION_KEY],
                       unsigned char const ciphertext[MLKEM_CIPHERTEXT], unsigned char secret[MLKEM_SECRET])
{
    unsigned char const *const ek = dk + K * POLYNOMIAL_12, *const h = ek + MLKEM_ENCAPSULATION_KEY;
    unsigned char const *const z = h + SHA3_256_SIZE;
    unsigned char m[MLKEM_SEED], secret_and_r[64], again[MLKEM_CIPHERTEXT];

    pke_decrypt(dk, ciphertext, m);
    hash_g(secret_and_r, m, sizeof m, h, SHA3_256_SIZE);
    pke_encrypt(ek, m, secret_and_r + MLKEM_SECRET, again);
    hash_j(secret, z, ciphertext);
    unsigned char const right = (unsigned char)(0 - crypto_equal(again, ciphertext, sizeof again));
    for (int i = 0; i < MLKEM_SECRET; i++) secret[i] ^= right & (secret[i] ^ secret_and_r[i]);
    crypto_wipe(m, sizeof m);
    crypto_wipe(secret_and_r, sizeof secret_and_r);
    crypto_wipe(again, sizeof again);
}
