/* ISC license. */

/*
 * A ptrace for User Mode Linux kernels that were built for a smaller XSAVE area
 * than this processor has; tools/uml preloads it where that is so.
 *
 * Such a kernel keeps the vector registers of its processes in a buffer of 2696
 * bytes and writes them with PTRACE_SETREGSET. Linux accepts nothing but the
 * whole area, which is larger on a processor with AMX (11008 bytes), and answers
 * EFAULT to less. So we write the whole of it. The part that the kernel does not
 * know is zero: the header of the area, which the kernel does know, says that
 * the registers in there have their initial values.
 *
 * cc -shared -fPIC -O2 -o uml-xsave.so uml-xsave.c
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define LARGEST_AREA 65536

typedef long ptrace_function(enum __ptrace_request request, ...);

static ptrace_function *next_ptrace;
static unsigned char area[LARGEST_AREA];

/* Early: the kernel replaces malloc, which dlsym may use, when it has begun. */
__attribute__((constructor)) static void find_next(void)
{
    next_ptrace = (ptrace_function *)(uintptr_t)dlsym(RTLD_NEXT, "ptrace");
}

static long write_whole_area(pid_t pid, void *type, struct iovec const *known)
{
    struct iovec whole = { area, sizeof area }; /* Linux reduces this length to that of its own area */
    memset(area, 0, sizeof area);
    memcpy(area, known->iov_base, known->iov_len);
    return next_ptrace(PTRACE_SETREGSET, pid, type, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    pid_t const pid = va_arg(arguments, pid_t);
    void *const address = va_arg(arguments, void *);
    void *const data = va_arg(arguments, void *);
    va_end(arguments);
    if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE
        && ((struct iovec const *)data)->iov_len <= sizeof area)
        return write_whole_area(pid, address, data);
    return next_ptrace(request, pid, address, data);
}
