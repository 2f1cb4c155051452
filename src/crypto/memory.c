/* ISC license. */

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "crypto/crypto.h"

#define EXIT_SYSTEM 111

void crypto_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}

/* Measured with BearSSL 0.6 and its 64-bit successor: private-key operations use
   at most 7 KiB below their caller, and a handshake's functions 2 KiB above that. */
#define STACK_DEPTH 12288

__attribute__((noinline)) void crypto_wipe_stack(void)
{
    unsigned char below[STACK_DEPTH];
    crypto_wipe(below, sizeof below);
}

int crypto_equal(void const *a, void const *b, size_t len)
{
    unsigned char const volatile *x = a;
    unsigned char const volatile *y = b;
    unsigned int differs = 0;
    for (size_t i = 0; i < len; i++) differs |= (unsigned int)(x[i] ^ y[i]);
    return (int)(1 & ((differs - 1) >> 8));
}

/* Without randomness nothing can go on, and no caller could do better. */
static _Noreturn void end_without_randomness(void)
{
    static char const text[] = "fatal: no randomness from the system (getrandom)\n";
    if (write(2, text, sizeof text - 1) < 0) _exit(EXIT_SYSTEM);
    _exit(EXIT_SYSTEM);
}

static void fill_from_kernel(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    unsigned char *to = buf;
    while (len) {
        ssize_t r = getrandom(to, len, 0);
        if (r < 0 && errno != EINTR) end_without_randomness();
        if (r > 0) {
            to += r;
            len -= (size_t)r;
        }
    }
}

struct crypto_random const crypto_random_os = { .fill = fill_from_kernel, .ctx = NULL };
