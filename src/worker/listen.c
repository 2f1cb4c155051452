/* ISC license. */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/worker.h"

/* What a server that is gone has left: nobody answers there. Nobody does at what
   is no socket, either. */
static int is_left_over(char const *path, union address const *address, socklen_t len)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode)) return 0;
    int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return 0;
    int const refused = connect(fd, &address->any, len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_path(struct worker const *worker, int fd, union address const *address, socklen_t len)
{
    if (bind(fd, &address->any, len) == 0) return 0;
    if (errno != EADDRINUSE) return -1;
    char const *path = worker->url.where;
    if (is_left_over(path, address, len) && unlink(path) == 0) return bind(fd, &address->any, len);
    errno = EADDRINUSE;
    return -1;
}

static int bind_to(struct worker const *worker, int fd, union address const *address, socklen_t len)
{
    int const on = 1;
    if (address->any.sa_family == AF_UNIX) return bind_path(worker, fd, address, len);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return -1;
    return bind(fd, &address->any, len);
}

/* The number of the address is *i. */
static int first_socket(struct dial const *dial, size_t *i)
{
    int fd = -1;
    errno = EAFNOSUPPORT;
    for (*i = 0; *i < dial->count && errno == EAFNOSUPPORT; ++*i) {
        fd = socket(dial->address[*i].any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0) break;
    }
    return fd;
}

/* One URL, one listener: at the first address of a family that this kernel has. */
int listen_at(struct worker const *worker, struct dial const *dial)
{
    size_t i;
    int const fd = first_socket(dial, &i);
    if (fd < 0 || bind_to(worker, fd, &dial->address[i], dial->len[i]) < 0
        || listen(fd, (int)worker->url.parameters.backlog) < 0)
        worker_refuse_system(worker, "listening");
    return fd;
}
