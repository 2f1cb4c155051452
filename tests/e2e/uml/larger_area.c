/* ISC license. */

/*
 * A ptrace that behaves as Linux does on a processor whose XSAVE area has 11008
 * bytes (AMX): PTRACE_SETREGSET takes no other length, and a longer buffer is cut
 * to that one. Preloaded behind tools/uml-xsave.c it makes this processor such a
 * one to User Mode Linux. The processor's own area lies at the beginning of it.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define AREA 11008

typedef long ptrace_function(enum __ptrace_request request, ...);

static ptrace_function *next_ptrace;

__attribute__((constructor)) static void find_next(void)
{
    next_ptrace = (ptrace_function *)(uintptr_t)dlsym(RTLD_NEXT, "ptrace");
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    pid_t const pid = va_arg(arguments, pid_t);
    void *const type = va_arg(arguments, void *);
    void *const data = va_arg(arguments, void *);
    va_end(arguments);
    if (request == PTRACE_SETREGSET && (uintptr_t)type == NT_X86_XSTATE) {
        struct iovec const *given = data;
        if (given->iov_len < AREA) {
            errno = EFAULT;
            return -1;
        }
    }
    return next_ptrace(request, pid, type, data);
}
