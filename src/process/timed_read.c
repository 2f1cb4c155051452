/* ISC license. */

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "process/process.h"

int process_await(int fd, int64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    for (int left; (left = process_ms_until(deadline)) > 0;) {
        int const ready = poll(&p, 1, left);
        if (ready >= 0 || errno != EINTR) return ready > 0;
    }
    return 0;
}

size_t process_read_until(int fd, void *to, size_t max, int64_t deadline)
{
    size_t len = 0;
    while (len < max && process_await(fd, deadline)) {
        ssize_t const r = read(fd, (char *)to + len, max - len);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) break;
        len += (size_t)r;
    }
    return len;
}
