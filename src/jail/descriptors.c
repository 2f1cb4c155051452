/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/internal.h"

#define MIN_POLL 2

static int close_from_to(unsigned int first, unsigned int last)
{
    return first > last ? 0 : (int)syscall(SYS_close_range, first, last, 0);
}

static int smallest_above(int const *fds, size_t count, int floor)
{
    int found = INT_MAX;
    for (size_t i = 0; i < count; i++)
        if (fds[i] > floor && fds[i] < found) found = fds[i];
    return found;
}

int jail_close_others(int const *kept, size_t count)
{
    for (int below = -1, fd; below < INT_MAX; below = fd) {
        fd = smallest_above(kept, count, below);
        unsigned int const last = fd == INT_MAX ? UINT_MAX : (unsigned int)fd - 1;
        if (fd != below + 1 && close_from_to((unsigned int)(below + 1), last) < 0) return -1;
    }
    return 0;
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
