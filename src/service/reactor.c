/* ISC license. */

#include "service/reactor.h"

#include <sys/epoll.h>
#include <unistd.h>

int reactor_open(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

/* One at a time: what an event does may remove any other source. */
void reactor_wait(int reactor, int timeout_ms)
{
    struct epoll_event event;
    if (epoll_wait(reactor, &event, 1, timeout_ms) != 1) return;
    struct source *source = event.data.ptr;
    source->ready(source, event.events);
}

static int control_source(struct source *source, int operation, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    source->events = events;
    return epoll_ctl(source->epoll_fd, operation, source->fd, &event) == 0;
}

int source_add(struct source *source, int reactor, uint32_t events)
{
    source->epoll_fd = reactor;
    return control_source(source, EPOLL_CTL_ADD, events);
}

void source_watch(struct source *source, uint32_t events)
{
    if (source->events != events) control_source(source, EPOLL_CTL_MOD, events);
}

void source_release(struct source *source)
{
    if (source->fd >= 0) epoll_ctl(source->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->fd = -1;
}

void source_remove(struct source *source)
{
    int const fd = source->fd;
    source_release(source);
    if (fd >= 0) close(fd);
}
