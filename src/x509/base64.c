/* ISC license. */

/*
 * Base64 (RFC 4648, 4) in PEM. A table is the fast way, for certificates; but
 * which of its entries are in the cache tells what was decoded, so that a key
 * is decoded by arithmetic.
 */

#include <string.h>

#include "x509/pem.h"

enum { WHITE = 64, PAD = 65, BAD = 66 };

#define B BAD
#define W WHITE
static unsigned char const sextet[256] = {
    B,  B,  B,  B,  B,  B,  B,  B,  B,  W,   W,  B,  B,  W,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,
    B,  B,  B,  B,  B,  B,  W,  B,  B,  B,   B,  B,  B,  B,  B,  B,  B,  62, B,  B,  B,  63, 52, 53, 54, 55,
    56, 57, 58, 59, 60, 61, B,  B,  B,  PAD, B,  B,  B,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22,  23, 24, 25, B,  B,  B,  B,  B,  B,  26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42,  43, 44, 45, 46, 47, 48, 49, 50, 51, B,  B,  B,  B,  B,  B,  B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,   B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,   B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,   B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,   B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,
    B,  B,  B,  B,  B,  B,  B,  B,  B,  B,   B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,  B,
};
#undef B
#undef W

typedef unsigned sextet_function(unsigned char c);

static inline unsigned public_sextet(unsigned char c)
{
    return sextet[c];
}

/* All ones when from <= c <= to, else 0. */
static inline unsigned in_range(unsigned c, unsigned from, unsigned to)
{
    return 0u - ((~(c - from) & ~(to - c)) >> 31);
}

static inline unsigned secret_sextet(unsigned char c)
{
    unsigned const upper = in_range(c, 'A', 'Z'), lower = in_range(c, 'a', 'z'),
                   digit = in_range(c, '0', '9');
    unsigned const plus = in_range(c, '+', '+'), slash = in_range(c, '/', '/'), pad = in_range(c, '=', '=');
    unsigned const white = in_range(c, '\t', '\n') | in_range(c, '\r', '\r') | in_range(c, ' ', ' ');
    unsigned const bad = ~(upper | lower | digit | plus | slash | pad | white);
    return (upper & (c - 65u)) | (lower & (c - 71u)) | (digit & (c + 4u)) | (plus & 62u) | (slash & 63u)
           | (white & WHITE) | (pad & PAD) | (bad & BAD);
}

/* As many whole quartets as stand together. */
static inline unsigned char const *decode_quartets(unsigned char const *in, unsigned char const *end,
                                                   unsigned char **out, sextet_function *value)
{
    unsigned char *p = *out;
    for (; end - in >= 4; in += 4) {
        unsigned const a = value(in[0]), b = value(in[1]), c = value(in[2]), d = value(in[3]);
        if ((a | b | c | d) >= WHITE) break;
        *p++ = (unsigned char)(a << 2 | b >> 4);
        *p++ = (unsigned char)(b << 4 | c >> 2);
        *p++ = (unsigned char)(c << 6 | d);
    }
    *out = p;
    return in;
}

struct base64 {
    unsigned char *out;
    unsigned bits, count; /* sextets of an unfinished quartet */
    unsigned pads;
};

static int decode_one(struct base64 *state, unsigned value)
{
    if (value == WHITE) return 1;
    if (value == BAD) return 0;
    if (value == PAD) return ++state->pads <= 2;
    if (state->pads) return 0;
    state->bits = state->bits << 6 | value;
    if (++state->count < 4) return 1;
    *state->out++ = (unsigned char)(state->bits >> 16);
    *state->out++ = (unsigned char)(state->bits >> 8);
    *state->out++ = (unsigned char)state->bits;
    state->bits = state->count = 0;
    return 1;
}

static int decode_end(struct base64 *state)
{
    if (!state->count) return !state->pads;
    if (state->count + state->pads != 4) return 0;
    if (state->count == 3) {
        if (state->bits & 3) return 0;
        *state->out++ = (unsigned char)(state->bits >> 10);
        *state->out++ = (unsigned char)(state->bits >> 2);
        return 1;
    }
    if (state->bits & 15) return 0;
    *state->out++ = (unsigned char)(state->bits >> 4);
    return 1;
}

static inline int decode(struct pem const *pem, unsigned char *out, size_t *len, sextet_function *value)
{
    unsigned char const *in = (unsigned char const *)pem->body;
    unsigned char const *const end = in + pem->body_len;
    struct base64 state = {.out = out};
    while (in < end) {
        if (!state.count && !state.pads) in = decode_quartets(in, end, &state.out, value);
        if (in < end && !decode_one(&state, value(*in++))) return 0;
    }
    if (!decode_end(&state)) return 0;
    *len = (size_t)(state.out - out);
    return 1;
}

int pem_decode(struct pem const *pem, unsigned char *out, size_t *len)
{
    return decode(pem, out, len, public_sextet);
}

int pem_decode_secret(struct pem const *pem, unsigned char *out, size_t *len)
{
    return decode(pem, out, len, secret_sextet);
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
