/* ISC license. */

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chain/chain.h"

static void close_one_by_one(unsigned int first, unsigned int last)
{
    struct rlimit limit = { .rlim_cur = 1024 };
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = first; fd <= last && fd < limit.rlim_cur; fd++) close((int)fd);
}

static void close_from_to(unsigned int first, unsigned int last)
{
    if (first > last) return;
    if (syscall(SYS_close_range, first, last, 0) < 0) close_one_by_one(first, last);
}

void chain_close_all_but(unsigned int *fds, size_t count)
{
    unsigned int next = 0;
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j && fds[j - 1] > fds[j]; j--) {
            unsigned int const swapped = fds[j];
            fds[j] = fds[j - 1];
            fds[j - 1] = swapped;
        }
    for (size_t i = 0; i < count; i++) {
        if (fds[i] > next) close_from_to(next, fds[i] - 1);
        next = fds[i] + 1;
    }
    close_from_to(next, ~0u);
}
