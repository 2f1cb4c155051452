/* ISC license. */

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "service/broker.h"

static int epoll_fd;

int reactor_start(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return epoll_fd < 0 ? -1 : 0;
}

static int control(struct source *source, int operation, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    source->events = events;
    return epoll_ctl(epoll_fd, operation, source->fd, &event);
}

int source_add(struct source *source, uint32_t events)
{
    return control(source, EPOLL_CTL_ADD, events);
}

void source_watch(struct source *source, uint32_t events)
{
    if (source->events != events) control(source, EPOLL_CTL_MOD, events);
}

void source_release(struct source *source)
{
    if (source->fd >= 0) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->fd = -1;
}

void source_remove(struct source *source)
{
    int const fd = source->fd;
    source_release(source);
    if (fd >= 0) close(fd);
}

/* One at a time: what an event does may remove any other source. */
void reactor_wait(int timeout_ms)
{
    struct epoll_event event;
    if (epoll_wait(epoll_fd, &event, 1, timeout_ms) != 1) return;
    struct source *source = event.data.ptr;
    source->ready(source, event.events);
}
