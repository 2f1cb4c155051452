/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "relay/ktls-relay.h"

#define SEARCHED 1024 /* when descriptors cannot be listed, those below are examined one by one */

#ifndef CLOSE_RANGE_CLOEXEC /* Linux 5.11 */
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

struct search {
    struct process_stream const *connection; /* both streams */
    int refused; /* one of the connection stays open for prog, or may do so */
};

static int hide_copy(void *ctx, int fd)
{
    struct search *search = ctx;
    struct process_stream const *connection = search->connection;
    struct process_stream stream;
    if (fd <= STDERR_FILENO) return 1;
    search->refused = !process_identify(&stream, fd);
    if (search->refused) return 0;
    if (!process_are_same(&stream, connection) && !process_are_same(&stream, connection + 1)) return 1;
    search->refused = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0;
    return !search->refused;
}

/* Sets close-on-exec on all descriptors that are neither listed nor examined. */
static int hide_unlisted(struct search *search)
{
    for (int fd = STDERR_FILENO + 1; fd < SEARCHED; fd++)
        if (!hide_copy(search, fd)) return 0;
    return syscall(SYS_close_range, SEARCHED, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

int relay_hide_copies(struct process_stream const connection[2])
{
    struct search search = { .connection = connection };
    if (process_each_descriptor(&hide_copy, &search)) return 1;
    int const error = errno;
    if (!search.refused && hide_unlisted(&search)) return 1;
    errno = error;
    return 0;
}
