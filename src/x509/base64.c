/* ISC license. */

/*
 * Base64 (RFC 4648, 4). Which entries of a table are in the cache would tell what was decoded, and it may be a
 * private key; so characters become numbers by comparisons, sixteen at a time, which is as fast.
 */

#include <string.h>

#include "x509/pem.h"

enum { WHITE = 64, PAD = 65, BAD = 66 };

#define BLOCK 16
typedef unsigned char block __attribute__((vector_size(BLOCK)));

static inline block sextets(block c)
{
    block const upper = (block)((c >= 'A') & (c <= 'Z')), lower = (block)((c >= 'a') & (c <= 'z'));
    block const digit = (block)((c >= '0') & (c <= '9')), plus = (block)(c == '+'), slash = (block)(c == '/');
    block const pad = (block)(c == '='), white = (block)((c == ' ') | (c == '\t') | (c == '\n') | (c == '\r'));
    block const bad = ~(upper | lower | digit | plus | slash | pad | white);
    return (upper & (c - 65)) | (lower & (c - 71)) | (digit & (c + 4)) | (plus & 62) | (slash & 63) | (white & WHITE)
           | (pad & PAD) | (bad & BAD);
}

/* Without white space and padding. */
static inline int are_digits(block values)
{
    uint64_t half[2];
    memcpy(half, &values, sizeof half);
    return !((half[0] | half[1]) & UINT64_C(0xc0c0c0c0c0c0c0c0));
}

static inline unsigned char *put_quartet(unsigned char *out, unsigned bits)
{
    *out++ = (unsigned char)(bits >> 16);
    *out++ = (unsigned char)(bits >> 8);
    *out++ = (unsigned char)bits;
    return out;
}

struct base64 {
    unsigned char *out;
    unsigned bits, count; /* sextets of an unfinished quartet */
    unsigned pads;
};

static int take_one(struct base64 *state, unsigned value)
{
    if (value == WHITE) return 1;
    if (value == PAD) return ++state->pads <= 2;
    if (value == BAD || state->pads) return 0;
    state->bits = state->bits << 6 | value;
    if (++state->count < 4) return 1;
    state->out = put_quartet(state->out, state->bits);
    state->bits = state->count = 0;
    return 1;
}

/* A last quartet of two or three sextets is padded, and the bits that are too many are zero. */
static int end(struct base64 *state)
{
    if (!state->count) return !state->pads;
    unsigned const bits = state->bits << 6 * state->pads, unused = (1u << 8 * state->pads) - 1;
    if (state->count + state->pads != 4 || bits & unused) return 0;
    state->out = put_quartet(state->out, bits) - state->pads;
    return 1;
}

int pem_decode(struct pem const *pem, unsigned char *out, size_t *len)
{
    struct base64 state = {.out = out};
    char const *in = pem->body, *const last = in + pem->body_len;
    while (in < last) {
        block c = {0};
        size_t const left = (size_t)(last - in);
        memcpy(&c, in, left < BLOCK ? left : BLOCK);
        block const v = sextets(c);
        if (left < BLOCK || state.count || state.pads || !are_digits(v)) {
            if (!take_one(&state, v[0])) return 0;
            in++;
            continue;
        }
        for (int i = 0; i < BLOCK; i += 4)
            state.out = put_quartet(state.out, (unsigned)v[i] << 18 | (unsigned)v[i + 1] << 12 | (unsigned)v[i + 2] << 6 | v[i + 3]);
        in += BLOCK;
    }
    if (!end(&state)) return 0;
    *len = (size_t)(state.out - out);
    return 1;
}

void base64_encode(unsigned char const *bytes, size_t len, char *text)
{
    static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t const left = len - i;
        unsigned bits = (unsigned)bytes[i] << 16;
        if (left > 1) bits |= (unsigned)bytes[i + 1] << 8;
        if (left > 2) bits |= bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) *text++ = digits[bits >> shift & 63];
        if (left < 3) memset(text - (3 - left), '=', 3 - left);
    }
    *text = 0;
}
