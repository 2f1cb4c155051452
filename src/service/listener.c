/* ISC license. */

#include "service/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/process.h"

#define PAUSE_MS 100

struct listener {
    struct source source; /* first: it is the listener's address too */
    struct listeners *all;
    struct listener *next;
    struct channel *channel;
    struct job_plan plan; /* of each connection */
};

static int lacks_descriptors(void)
{
    return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
}

int listeners_accept(struct listeners *listeners, int fd, struct sockaddr_storage *from)
{
    socklen_t len = sizeof *from;
    int const accepted = accept4(fd, (struct sockaddr *)from, &len, SOCK_CLOEXEC);
    if (accepted < 0 && lacks_descriptors()) listeners->pause_until = process_now_ms() + PAUSE_MS;
    return accepted;
}

static void accept_connection(struct source *source, uint32_t events)
{
    struct listener *listener = (struct listener *)source;
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    (void)events;
    int const fd = listeners_accept(listener->all, source->fd, &address);
    if (fd < 0) return;
    struct job_plan plan = listener->plan;
    address_format(plan.head.remote, &address);
    if (plan.is_tls)
        job_begin(listener->all->jobs, listener->channel, &plan, fd, &address);
    else
        channel_send_ok(listener->channel, &plan.head, "", fd);
}

int listener_open(struct listeners *listeners, struct channel *channel, struct job_plan const *plan, int fd)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) goto fail;
    listener->source = (struct source){ .fd = fd, .ready = &accept_connection };
    listener->all = listeners;
    listener->channel = channel;
    listener->plan = *plan;
    listener->plan.kind = ORDER_ACCEPT;
    listener->plan.is_server = 1;
    if (!source_add(&listener->source, listeners->jobs->reactor, 0)) goto fail;
    listener->next = listeners->first;
    listeners->first = listener;
    return 1;

fail:
    free(listener);
    close(fd);
    return 0;
}

/* The worker that made the socket may still be there with its copy. A socket that
   was passed to us stays open where we were started from. */
static void end_listener(struct listener **at)
{
    struct listener *listener = *at;
    *at = listener->next;
    if (!listener->plan.is_passed) shutdown(listener->source.fd, SHUT_RDWR);
    source_remove(&listener->source);
    free(listener);
}

int listener_close(struct listeners *listeners, struct channel const *channel, char const *url)
{
    for (struct listener **at = &listeners->first; *at; at = &(*at)->next) {
        if ((*at)->channel != channel || strcmp((*at)->plan.head.url, url)) continue;
        end_listener(at);
        return 1;
    }
    return 0;
}

void listeners_forget_channel(struct listeners *listeners, struct channel const *channel)
{
    for (struct listener **at = &listeners->first; *at;)
        if ((*at)->channel == channel)
            end_listener(at);
        else
            at = &(*at)->next;
}

int listeners_pause_left(struct listeners *listeners)
{
    if (!listeners->pause_until) return -1;
    int const left = process_ms_until(listeners->pause_until);
    if (!left) listeners->pause_until = 0;
    return left;
}

/* Connections wait in the backlog while their client reads no replies and while
   there is no place for more. */
void listeners_settle(struct listeners *listeners)
{
    int const may_accept = !listeners->pause_until && listeners->jobs->may_accept;
    for (struct listener *listener = listeners->first; listener; listener = listener->next)
        source_watch(&listener->source, may_accept && channel_has_room(listener->channel) ? EPOLLIN : 0);
}
