/* ISC license. */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/worker.h"

/* A server that has ended has left this socket: nobody answers there. Nobody
   answers at another kind of file, either. */
static int is_left_over(char const *path, struct dial_address const *to)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode)) return 0;
    int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return 0;
    int const refused = connect(fd, &to->address.any, to->len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_path(struct worker const *worker, int fd, struct dial_address const *to)
{
    if (bind(fd, &to->address.any, to->len) == 0) return 0;
    if (errno != EADDRINUSE) return -1;
    char const *path = worker->url.where;
    if (is_left_over(path, to) && unlink(path) == 0) return bind(fd, &to->address.any, to->len);
    errno = EADDRINUSE;
    return -1;
}

static int bind_to(struct worker const *worker, int fd, struct dial_address const *to)
{
    int const on = 1;
    if (to->address.any.sa_family == AF_UNIX) return bind_path(worker, fd, to);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return -1;
    return bind(fd, &to->address.any, to->len);
}

/* *i becomes the number of its address. */
static int first_socket(struct dial const *dial, size_t *i)
{
    int fd = -1;
    errno = EAFNOSUPPORT;
    for (*i = 0; *i < dial->count && errno == EAFNOSUPPORT; ++*i) {
        fd = socket(dial->to[*i].address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0) break;
    }
    return fd;
}

/* One URL, one listener: at the first address of a family that this kernel has. */
int listen_at(struct worker const *worker, struct dial const *dial)
{
    size_t i;
    int const fd = first_socket(dial, &i);
    if (fd < 0 || bind_to(worker, fd, dial->to + i) < 0
        || listen(fd, (int)worker->url.parameters.backlog) < 0)
        worker_refuse_system(worker, "listening");
    return fd;
}
