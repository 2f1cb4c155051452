/* ISC license. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tls/handshake.h"

#define LINGER_MS 1000
#define LINGER_BYTES (256u << 10)

int64_t tls_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t tls_deadline_after(unsigned int ms)
{
    return ms ? tls_now_ms() + ms : 0;
}

static int wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };
    for (;;) {
        int64_t left = deadline ? deadline - tls_now_ms() : -1;
        int const late = deadline && left <= 0;
        int const r = late ? 0 : poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (r > 0) return 1;
        if (!r) {
            errno = ETIMEDOUT;
            return 0;
        }
        if (errno != EINTR) return 0;
    }
}

static int try_again(void)
{
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

/* Never blocks on a socket; waits until a pipe is readable. */
static ssize_t read_some(struct tls_fd_transport const *fds, void *buf, size_t len)
{
    ssize_t const r = recv(fds->fdr, buf, len, MSG_DONTWAIT);
    if (r >= 0 || errno != ENOTSOCK) return r;
    return wait_for(fds->fdr, POLLIN, fds->deadline) ? read(fds->fdr, buf, len) : -1;
}

/* The rest of a record, and the next record of a flight, have usually arrived
   already: so this tries to read before it polls. */
static ssize_t fd_read(void *ctx, void *buf, size_t len)
{
    struct tls_fd_transport *fds = ctx;
    for (;;) {
        if (!fds->may_have_more && !wait_for(fds->fdr, POLLIN, fds->deadline)) return -1;
        ssize_t const r = read_some(fds, buf, len);
        fds->may_have_more = r > 0;
        if (r >= 0 || !try_again()) return r;
    }
}

/* Blocks on neither a socket nor a pipe, whatever its flags are: a write of PIPE_BUF
   bytes to a pipe that is ready does not block (pipe(7)). */
static ssize_t write_some(struct tls_fd_transport const *fds, void const *buf, size_t len)
{
    ssize_t const r = send(fds->fdw, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (r >= 0 || errno != ENOTSOCK) return r;
    if (!wait_for(fds->fdw, POLLOUT, fds->deadline)) return -1;
    return write(fds->fdw, buf, len < PIPE_BUF ? len : PIPE_BUF);
}

static ssize_t fd_write(void *ctx, void const *buf, size_t len)
{
    struct tls_fd_transport *fds = ctx;
    unsigned char const *p = buf;
    fds->may_have_more = 0; /* the peer has to answer first */
    for (size_t left = len; left;) {
        ssize_t const r = write_some(fds, p, left);
        if (r < 0 && !try_again()) return -1;
        if (r < 0 && !wait_for(fds->fdw, POLLOUT, fds->deadline)) return -1;
        if (r <= 0) continue;
        p += r;
        left -= (size_t)r;
    }
    return (ssize_t)len;
}

struct tls_transport tls_transport_on_fds(struct tls_fd_transport *fds)
{
    return (struct tls_transport){ .read = &fd_read, .write = &fd_write, .ctx = fds };
}

void tls_transport_linger(struct tls_fd_transport const *fds)
{
    struct tls_fd_transport bounded = *fds;
    unsigned char dropped[4096];
    size_t total = 0;

    bounded.deadline = tls_deadline_after(LINGER_MS);
    if (shutdown(fds->fdw, SHUT_WR) < 0) return;
    while (total < LINGER_BYTES) {
        ssize_t const r = fd_read(&bounded, dropped, sizeof dropped);
        if (r <= 0) return;
        total += (size_t)r;
    }
}
