/* ISC license. */

/* Keccak-f[1600] and its sponge (FIPS 202, 3 to 6). Nothing depends on the bytes but the result. */

#include "crypto/crypto.h"
#include "crypto/keccak.h"

#define ROUNDS 24

static uint64_t const round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* Where rho's step t goes, by pi, in lanes numbered x + 5y; and by how many bits it rotates. */
static unsigned char const pi[24] = { 10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1 };
static unsigned char const rho[24] = { 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44 };

static uint64_t rotate(uint64_t lane, unsigned int bits)
{
    return lane << bits | lane >> (64 - bits);
}

/* The loops of a round are unrolled: with numbers of lanes that the compiler
   knows, a permutation takes a fifth of the instructions. */

static void theta(uint64_t a[25])
{
    uint64_t column[7]; /* column[x + 1] is x's, and the first and last stand on both sides */
#pragma GCC unroll 5
    for (int x = 0; x < 5; x++) column[x + 1] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    column[0] = column[5];
    column[6] = column[1];
#pragma GCC unroll 5
    for (int x = 0; x < 5; x++) {
        uint64_t const d = column[x] ^ rotate(column[x + 2], 1);
#pragma GCC unroll 5
        for (int y = 0; y < 25; y += 5) a[x + y] ^= d;
    }
}

static void rho_and_pi(uint64_t a[25])
{
    uint64_t moved = a[1];
#pragma GCC unroll 24
    for (int t = 0; t < 24; t++) {
        uint64_t const next = a[pi[t]];
        a[pi[t]] = rotate(moved, rho[t]);
        moved = next;
    }
}

static void chi(uint64_t a[25])
{
#pragma GCC unroll 5
    for (int y = 0; y < 25; y += 5) {
        uint64_t const row[7] = { a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4], a[y], a[y + 1] };
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) a[y + x] = row[x] ^ (~row[x + 1] & row[x + 2]);
    }
}

static void permute(uint64_t a[25])
{
    for (int round = 0; round < ROUNDS; round++) {
        theta(a);
        rho_and_pi(a);
        chi(a);
        a[0] ^= round_constants[round];
    }
}

static void add_byte(struct keccak *state, size_t at, unsigned char byte)
{
    state->lane[at / 8] ^= (uint64_t)byte << at % 8 * 8;
}

static void begin_block_if_full(struct keccak *state)
{
    if (state->at < state->rate) return;
    permute(state->lane);
    state->at = 0;
}

/* Appends the domain's bits and the padding 10*1 (FIPS 202, 5.1, 6.1, 6.2). */
static void finish(struct keccak *state, unsigned char domain)
{
    begin_block_if_full(state);
    add_byte(state, state->at, domain);
    add_byte(state, state->rate - 1, 0x80);
    state->at = state->rate;
}

void crypto_keccak_init(struct keccak *state, enum keccak_rate rate)
{
    *state = (struct keccak){ .rate = (size_t)rate };
}

void crypto_keccak_absorb(struct keccak *state, void const *data, size_t len)
{
    unsigned char const *bytes = data;
    for (size_t i = 0; i < len; i++) {
        begin_block_if_full(state);
        add_byte(state, state->at++, bytes[i]);
    }
}

void crypto_keccak_finish_shake(struct keccak *state)
{
    finish(state, 0x1f);
}

void crypto_keccak_squeeze(struct keccak *state, void *out, size_t len)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < len; i++) {
        begin_block_if_full(state);
        bytes[i] = (unsigned char)(state->lane[state->at / 8] >> state->at % 8 * 8);
        state->at++;
    }
}

void crypto_keccak_finish_sha3(struct keccak *state, unsigned char *digest, size_t len)
{
    finish(state, 0x06);
    crypto_keccak_squeeze(state, digest, len);
    crypto_wipe(state, sizeof *state);
}
