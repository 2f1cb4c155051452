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

#include "jail/internal.h"

#define MIN_POLL 2

#define NR_OPEN (1u << 20) /* the kernel's own limit, unless fs.nr_open is greater */

/* ---- where there is no close_range(2), or a filter refuses it ---- */

/* 0: /proc does not tell. */
static int close_listed(unsigned int first, unsigned int last)
{
    struct statfs fs;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    int is_complete = fstatfs(dirfd(dir), &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
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

void jail_close_others(int const *kept, size_t count, unsigned int greatest)
{
    for (int below = -1, fd; below < INT_MAX; below = fd) {
        fd = smallest_above(kept, count, below);
        unsigned int const last = fd == INT_MAX ? UINT_MAX : (unsigned int)fd - 1;
        if (fd != below + 1) close_from_to((unsigned int)(below + 1), last, greatest);
    }
}

/* poll(2) takes no more entries than the limit has numbers. */
int jail_forbid_descriptors(size_t needed_by_poll)
{
    int const free_fd = fcntl(STDIN_FILENO, F_GETFD) < 0 ? 0 : dup(STDIN_FILENO);
    if (free_fd < 0) return errno == EMFILE ? 0 : -1;
    if (free_fd > 0) close(free_fd);
    rlim_t count = needed_by_poll < MIN_POLL ? MIN_POLL : needed_by_poll;
    if (count < (rlim_t)free_fd) count = (rlim_t)free_fd;
    return setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = count, .rlim_max = count });
}
