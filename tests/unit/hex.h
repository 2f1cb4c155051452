/* ISC license. */

/* Test data written in hexadecimal, and randomness that is known beforehand. */

#ifndef HEX_H
#define HEX_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

struct bytes {
    size_t len;
    unsigned char data[2048];
};

static inline unsigned int hex_digit(char c)
{
    char const *digits = "0123456789abcdef";
    char const *at = c ? strchr(digits, c) : NULL;
    if (!at) {
        fprintf(stderr, "bad digit in test data\n");
        abort();
    }
    return (unsigned int)(at - digits);
}

/* Spaces are for the reader. */
static inline struct bytes hex(char const *text)
{
    struct bytes b = { .len = 0 };
    while (*text) {
        if (*text == ' ') {
            text++;
            continue;
        }
        if (b.len == sizeof b.data) abort();
        b.data[b.len++] = (unsigned char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
        text += 2;
    }
    return b;
}

/* Randomness from a script; a test that needs more than it wrote down stops. */
struct script {
    unsigned char const *next;
    size_t left;
};

static inline void script_fill(void *ctx, void *buf, size_t len)
{
    struct script *script = ctx;
    if (len > script->left) {
        fprintf(stderr, "randomness asked for: %zu bytes, left: %zu\n", len, script->left);
        abort();
    }
    memcpy(buf, script->next, len);
    script->next += len;
    script->left -= len;
}

static inline struct crypto_random script_random(struct script *script)
{
    return (struct crypto_random){ .fill = script_fill, .ctx = script };
}

#endif
