/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/types.h>

#include "process/process.h"

#define NR_OPEN (1u << 20) /* the kernel's own limit, unless fs.nr_open is greater */

/* Anything may be mounted on /proc. */
int process_is_procfs(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0) return 0;
    errno = ENOENT;
    return fs.f_type == PROC_SUPER_MAGIC;
}

/* ---- all that are open ---- */

/* As returned by getdents64(2). */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* Does not use opendir(3), because it would allocate memory. */
static int each_in(int list, int (*f)(void *ctx, int fd), void *ctx)
{
    _Alignas(struct entry) char entries[2048];
    struct entry const *entry;
    unsigned int fd;
    long len;
    while ((len = syscall(SYS_getdents64, list, entries, sizeof entries)) > 0)
        for (long at = 0; at < len; at += entry->size) {
            entry = (struct entry const *)(entries + at);
            if (uint0_scan(entry->name, &fd) && (int)fd != list && !f(ctx, (int)fd)) return 0;
        }
    return len == 0;
}

int process_each_descriptor(int (*f)(void *ctx, int fd), void *ctx)
{
    int const list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list < 0) return 0;
    int const done = process_is_procfs(list) && each_in(list, f, ctx);
    int const saved = errno;
    close(list);
    errno = saved;
    return done;
}

/* ---- when close_range(2) is missing, or a filter refuses it ---- */

struct range {
    unsigned int first, last;
};

static int close_in_range(void *ctx, int fd)
{
    struct range const *range = ctx;
    if ((unsigned int)fd >= range->first && (unsigned int)fd <= range->last) close(fd);
    return 1;
}

/* Descriptors that were open before the limit was lowered may have greater numbers. */
static unsigned int greatest_possible(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max == RLIM_INFINITY || limit.rlim_max < NR_OPEN)
        return NR_OPEN;
    return (unsigned int)limit.rlim_max;
}

static void close_each(unsigned int first, unsigned int last, unsigned int greatest)
{
    if (!greatest) greatest = greatest_possible();
    for (unsigned int fd = first; fd <= last && fd <= greatest; fd++) close((int)fd);
}

static void close_from_to(unsigned int first, unsigned int last, unsigned int greatest)
{
    struct range range = { first, last };
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
    if (!process_each_descriptor(&close_in_range, &range)) close_each(first, last, greatest);
}

static int smallest_above(int const *fds, size_t count, int floor)
{
    int found = INT_MAX;
    for (size_t i = 0; i < count; i++)
        if (fds[i] > floor && fds[i] < found) found = fds[i];
    return found;
}

void process_close_others(int const *kept, size_t count, unsigned int greatest)
{
    for (int below = -1, fd; below < INT_MAX; below = fd) {
        fd = smallest_above(kept, count, below);
        unsigned int const last = fd == INT_MAX ? UINT_MAX : (unsigned int)fd - 1;
        if (fd != below + 1) close_from_to((unsigned int)(below + 1), last, greatest);
    }
}

/* ---- /dev/null ---- */

int process_silence(int fd)
{
    int const null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null == fd) return uncoe(fd) == 0;
    if (null < 0) return 0;
    int const done = dup2(null, fd) == fd;
    fd_close(null);
    return done;
}

int process_fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) != fd) return 0;
    return 1;
}
