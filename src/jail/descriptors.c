/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jail/internal.h"

#define MIN_POLL 2

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
