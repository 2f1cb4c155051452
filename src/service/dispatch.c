/* ISC license. */

#include "service/dispatch.h"

#include <errno.h>
#include <sys/epoll.h>

/* It has ended, or has room for orders again. */
static void attend_to_master(struct source *source, uint32_t events)
{
    if (events & (EPOLLHUP | EPOLLERR | EPOLLIN)) source_remove(source);
}

static int ensure_master(struct dispatch *dispatch)
{
    if (dispatch->master.fd >= 0) return 1;
    dispatch->master = (struct source){ .fd = master_start(dispatch->options), .ready = &attend_to_master };
    return dispatch->master.fd >= 0 && source_add(&dispatch->master, dispatch->reactor, 0);
}

int dispatch_start(struct dispatch *dispatch, int reactor, struct master_options const *options)
{
    *dispatch = (struct dispatch){ .master.fd = -1, .reactor = reactor, .options = options };
    return ensure_master(dispatch);
}

void dispatch_stop(struct dispatch *dispatch)
{
    source_remove(&dispatch->master);
}

int dispatch_must_wait(void)
{
    return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
}

int dispatch_order(struct dispatch *dispatch, struct order const *order, int const *fds, size_t count)
{
    for (int tries = 0; tries < 2; tries++) {
        if (!ensure_master(dispatch)) return 0;
        if (ktls_packet_send(dispatch->master.fd, order, sizeof *order, fds, count)) return 1;
        if (dispatch_must_wait()) return 0;
        source_remove(&dispatch->master);
    }
    return 0;
}

void dispatch_await_room(struct dispatch *dispatch, int is_wanted)
{
    if (dispatch->master.fd >= 0) source_watch(&dispatch->master, is_wanted ? EPOLLOUT : 0);
}
