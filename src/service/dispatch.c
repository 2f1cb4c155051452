/* ISC license. */

/* The way to the handshake master, and a new one when it is gone. */

#include <errno.h>
#include <sys/epoll.h>

#include "service/broker.h"

static struct master_options const *options;
static struct source master = { .fd = -1 };

/* It has ended, or has room for orders again. */
static void look_at_master(struct source *source, uint32_t events)
{
    if (events & (EPOLLHUP | EPOLLERR | EPOLLIN)) source_remove(source);
}

static int need_master(void)
{
    if (master.fd >= 0) return 0;
    int const fd = master_start(options);
    if (fd < 0) return -1;
    master = (struct source){ .fd = fd, .ready = &look_at_master };
    return source_add(&master, 0);
}

/* The first is started before there is anything to inherit. */
int dispatch_start(struct master_options const *workers)
{
    options = workers;
    return need_master();
}

void dispatch_stop(void)
{
    source_remove(&master);
}

int dispatch_must_wait(void)
{
    return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
}

/* To a new master, when the old one turns out to be gone. */
int dispatch_order(struct order const *order, int const *fds, size_t count)
{
    for (int tries = 0; tries < 2; tries++) {
        if (need_master() < 0) return -1;
        if (master_order(master.fd, order, fds, count) == 0) return 0;
        if (dispatch_must_wait()) return -1;
        source_remove(&master);
    }
    return -1;
}

void dispatch_await_room(int wanted)
{
    if (master.fd >= 0) source_watch(&master, wanted ? EPOLLOUT : 0);
}
