/* ISC license. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "process/process.h"

#define NR_OPEN (1u << 20) /* the kernel's own limit, unless fs.nr_open is greater */

/* What is mounted on /proc may be anything. */
int process_is_procfs(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0) return 0;
    errno = ENOENT;
    return fs.f_type == PROC_SUPER_MAGIC;
}

/* ---- where there is no close_range(2), or a filter refuses it ---- */

/* 0: /proc does not tell. */
static int close_listed(unsigned int first, unsigned int last)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    int is_complete = process_is_procfs(dirfd(dir));
    for (struct dirent const *entry; is_complete && (errno = 0, entry = readdir(dir));) {
        char *end;
        unsigned long const fd = strtoul(entry->d_name, &end, 10);
        if (*end || fd < first || fd > last || (int)fd == dirfd(dir)) continue;
        close((int)fd);
    }
    is_complete = is_complete && !errno;
    closedir(dir);
    return is_complete;
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
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
    if (!close_listed(first, last)) close_each(first, last, greatest);
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
