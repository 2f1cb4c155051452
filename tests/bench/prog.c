/* ISC license. */

/*
 * The prog of the measurements: it ends at once, or with -DHOLD when its input does. It has no libc, whose start
 * would cost as much as a part of a handshake.
 */

#include <asm/unistd.h>

static long system_call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
#error "no system calls for this processor"
#endif
}

_Noreturn void _start(void);

_Noreturn void _start(void)
{
#ifdef HOLD
    char byte[64];
    while (system_call(__NR_read, 0, (long)byte, sizeof byte) > 0)
        ;
#endif
    for (;;)
        system_call(__NR_exit, 0, 0, 0);
}
