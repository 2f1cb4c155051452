/* ISC license. */

/*
 * Test Anything Protocol for unit tests. A test is one program: any number of
 * ok, is_mem and skip, and `return done_testing();` at the end of main. What cannot
 * go on ends with give_up.
 */

#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failures;

static inline __attribute__((format(printf, 2, 0))) int tap_result(int passed, char const *fmt, va_list args)
{
    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    vprintf(fmt, args);
    putchar('\n');
    fflush(stdout);
    if (!passed) tap_failures++;
    return passed;
}

static inline void tap_dump(char const *what, void const *data, size_t len)
{
    unsigned char const *byte = data;
    printf("# %s ", what);
    for (size_t i = 0; i < len; i++) printf("%02x", byte[i]);
    putchar('\n');
}

/* A line for people. */
static inline __attribute__((format(printf, 1, 2))) void diag(char const *fmt, ...)
{
    va_list args;
    printf("# ");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* One test; gives cond back. */
static inline __attribute__((format(printf, 2, 3))) int ok(int cond, char const *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int passed = tap_result(!!cond, fmt, args);
    va_end(args);
    return passed;
}

/* One test; shows both sides in hexadecimal when they differ. */
static inline __attribute__((format(printf, 4, 5))) int is_mem(void const *got, void const *want, size_t len,
                                                               char const *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int passed = tap_result(!len || !memcmp(got, want, len), fmt, args);
    va_end(args);
    if (!passed) {
        tap_dump("got ", got, len);
        tap_dump("want", want, len);
        fflush(stdout);
    }
    return passed;
}

/* One test that cannot be made here. */
static inline void skip(char const *why)
{
    printf("ok %d # SKIP %s\n", ++tap_count, why);
    fflush(stdout);
}

/* The whole program cannot be run here. */
static inline _Noreturn void skip_all(char const *why)
{
    printf("1..0 # SKIP %s\n", why);
    exit(0);
}

/* The program cannot go on: that is one failed test, and the end of this program
   only, which "Bail out!" would not be. errno says why. */
static inline _Noreturn void give_up(char const *what)
{
    ok(0, "%s: %s", what, strerror(errno));
    printf("1..%d\n", tap_count);
    exit(1);
}

/* The plan; gives the exit status. A program that tested nothing has failed. */
static inline int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failures || !tap_count;
}

#endif
