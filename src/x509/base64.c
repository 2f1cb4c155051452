/* ISC license. */

/*
 * Base64 (RFC 4648, 4). Which entries of a table are in the cache would tell what was decoded, and it may be a
 * private key; so characters become numbers by comparisons, sixteen at a time, which is as fast.
 */

#include <endian.h>
#include <string.h>

#include "x509/pem.h"

#define BLOCK 16
typedef signed char block __attribute__((vector_size(BLOCK)));
typedef unsigned char unsigned_block __attribute__((vector_size(BLOCK))); /* where it may wrap */

/* Negative for what is no digit of base64. */
static inline block sextets(block c)
{
    block const upper = (c >= 'A') & (c <= 'Z'), lower = (c >= 'a') & (c <= 'z'), digit = (c >= '0') & (c <= '9');
    block const plus = c == '+', slash = c == '/';
    unsigned_block const u = (unsigned_block)c;
    return (upper & (block)(u - 65)) | (lower & (block)(u - 71)) | (digit & (block)(u + 4)) | (plus & 62) | (slash & 63)
           | ~(upper | lower | digit | plus | slash);
}

static inline int are_digits(block values)
{
    uint64_t half[2];
    memcpy(half, &values, sizeof half);
    return !((half[0] | half[1]) & UINT64_C(0x8080808080808080));
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

static int take_one(struct base64 *state, char c, int sextet)
{
    if (sextet < 0 && c == '=') return ++state->pads <= 2;
    if (sextet < 0) return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (state->pads) return 0;
    state->bits = state->bits << 6 | (unsigned)sextet;
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

/* Its last quartet is written with a byte too many: there is room, and it is overwritten. */
static inline unsigned char *put_block(unsigned char *out, block values)
{
    uint32_t quartet[BLOCK / 4];
    memcpy(quartet, &values, BLOCK);
    for (int i = 0; i < BLOCK / 4; i++, out += 3) {
        uint32_t const x = be32toh(quartet[i]);
        uint32_t const bits = (x & 0x3f000000) << 2 | (x & 0x3f0000) << 4 | (x & 0x3f00) << 6 | (x & 0x3f) << 8;
        memcpy(out, &(uint32_t){htobe32(bits)}, 4);
    }
    return out;
}

int pem_decode(struct pem const *pem, unsigned char *out, size_t *len)
{
    struct base64 state = {.out = out};
    char const *in = pem->body, *const last = in + pem->body_len;
    while (in < last) {
        if (*in == '\n') {
            in++;
            continue;
        }
        block c = {0};
        size_t const left = (size_t)(last - in), n = left < BLOCK ? left : BLOCK;
        if (n < BLOCK) memcpy(&c, in, n);
        else memcpy(&c, in, BLOCK);
        c = sextets(c);
        if (n == BLOCK && !state.count && !state.pads && are_digits(c)) state.out = put_block(state.out, c);
        else
            for (size_t i = 0; i < n; i++)
                if (!take_one(&state, in[i], c[i])) return 0;
        in += n;
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
