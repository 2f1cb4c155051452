/* ISC license. */

/*
 * Base64 (RFC 4648, 4). The text may be a private key. A lookup table would leave traces of it in the cache, so
 * characters are converted by comparisons, sixteen at a time.
 */

#include <endian.h>
#include <string.h>

#include "x509/pem.h"

#define BLOCK 16
typedef signed char block __attribute__((vector_size(BLOCK)));
typedef unsigned char unsigned_block __attribute__((vector_size(BLOCK)));
typedef uint32_t quartets __attribute__((vector_size(BLOCK)));

/* The values of sixteen characters; negative where a character is not a base64 digit. */
static inline block sextets(block c)
{
    unsigned_block const u = (unsigned_block)c;
    block const upper = u - 'A' < 26, lower = u - 'a' < 26, digit = u - '0' < 10, plus = c == '+', slash = c == '/';
    block const shift = (upper & -'A') | (lower & (26 - 'a')) | (digit & (52 - '0')) | (plus & (62 - '+'))
                        | (slash & (63 - '/'));
    return (c + shift) | (shift == 0);
}

/* Four bytes, read as one number, hold four sextets: FROM is the position of number i, SEXTET moves it to its place
   among 24 bits. */
#define FROM(i) (BYTE_ORDER == LITTLE_ENDIAN ? 8 * (i) : 24 - 8 * (i))
#define SEXTET(quartets, i) ((((quartets) >> FROM(i)) & 63) << (18 - 6 * (i)))

/* Decodes sixteen digits to twelve bytes and writes two more bytes that have no meaning. 0 when one is not a digit. */
static inline int decode_block(char const *text, unsigned char *out)
{
    block values;
    uint64_t half[2];
    uint32_t three[4];
    memcpy(&values, text, BLOCK);
    values = sextets(values);
    memcpy(half, &values, BLOCK);
    if ((half[0] | half[1]) & UINT64_C(0x8080808080808080)) return 0;
    quartets const q = (quartets)values;
    quartets const joined = SEXTET(q, 0) | SEXTET(q, 1) | SEXTET(q, 2) | SEXTET(q, 3);
    memcpy(three, &joined, BLOCK);
    memcpy(out, &(uint64_t){htobe64((uint64_t)three[0] << 40 | (uint64_t)three[1] << 16)}, 8);
    memcpy(out + 6, &(uint64_t){htobe64((uint64_t)three[2] << 40 | (uint64_t)three[3] << 16)}, 8);
    return 1;
}

static int is_space(char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* Copies the next characters that are not white space, at most one block. */
static size_t gather(char const **text, char const *end, char to[BLOCK])
{
    size_t count = 0;
    for (; count < BLOCK && *text < end; ++*text)
        if (!is_space(**text)) to[count++] = **text;
    return count;
}

unsigned char *x509_base64_blocks(char const **text, char const *end, unsigned char *out)
{
    for (char scattered[BLOCK];; out += BLOCK / 4 * 3) {
        char const *at = *text;
        if (at < end && *at == '\n') at++;
        if (end - at >= BLOCK && decode_block(at, out)) {
            *text = at + BLOCK;
            continue;
        }
        if (gather(&at, end, scattered) < BLOCK || !decode_block(scattered, out)) return out;
        *text = at;
    }
}

/* RFC 4648, 3.5: the unused bits of the last digit must be zero. */
int x509_base64_decode(char const *text, size_t text_len, unsigned char *out, size_t *len)
{
    char const *const end = text + text_len;
    char digits[BLOCK], more[BLOCK];
    unsigned char last[BLOCK];
    unsigned char *const last_out = x509_base64_blocks(&text, end, out);
    size_t const count = gather(&text, end, digits);
    size_t pads = 0;
    while (pads < 2 && pads < count && digits[count - 1 - pads] == '=') pads++;
    memset(digits + count - pads, 'A', BLOCK - count + pads);
    if (count % 4 || gather(&text, end, more) || !decode_block(digits, last)) return 0;
    size_t const last_len = count / 4 * 3 - pads;
    for (size_t i = 0; i < pads; i++)
        if (last[last_len + i]) return 0;
    memcpy(last_out, last, last_len);
    *len = (size_t)(last_out - out) + last_len;
    return 1;
}

void x509_base64_encode(unsigned char const *bytes, size_t len, char *text)
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
