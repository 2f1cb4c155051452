/* ISC license. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/broker.h"

#define PAUSE_MS 100

static int64_t pause_until; /* 0: none */

static int is_exhausted(void)
{
    return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
}

int listeners_are_paused(void)
{
    return pause_until != 0;
}

int listeners_accept(int listener, struct sockaddr_storage *from)
{
    socklen_t len = sizeof *from;
    int const fd = accept4(listener, (struct sockaddr *)from, &len, SOCK_CLOEXEC);
    if (fd < 0 && is_exhausted()) pause_until = now_ms() + PAUSE_MS;
    return fd;
}

static void begin_handshake(struct listener *listener, struct words const *words, int fd,
                            struct sockaddr_storage const *from)
{
    struct job *job = job_new(listener->channel, ORDER_ACCEPT, words, fd);
    if (!job) return;
    job->is_tls = job->is_server = 1;
    job->timeout_ms = listener->timeout_ms;
    job->order.rights = listener->rights;
    job->order.deadline = now_ms() + listener->timeout_ms;
    job_begin(job, from);
}

static void accept_one(struct source *source, uint32_t events)
{
    struct listener *listener = (struct listener *)source;
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    (void)events;
    int const fd = listeners_accept(source->fd, &address);
    if (fd < 0) return;
    struct words words = listener->words;
    address_format(words.remote, &address);
    if (listener->is_tls)
        begin_handshake(listener, &words, fd, &address);
    else
        reply_ok(listener->channel, &words, "", fd);
}

int listener_open(struct channel *channel, struct job const *job, int fd)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener) {
        listener->source = (struct source){ .fd = fd, .ready = &accept_one };
        listener->channel = channel;
        listener->words = job->words;
        listener->rights = job->order.rights;
        listener->is_tls = job->is_tls;
        listener->is_passed = job->is_passed;
        listener->timeout_ms = job->timeout_ms;
        if (source_add(&listener->source, 0) == 0) {
            listener->next = channel->listeners;
            channel->listeners = listener;
            return 1;
        }
    }
    free(listener);
    close(fd);
    return 0;
}

/* The worker that made the socket may still be there with its copy; of one that
   was passed to us, whoever started us has another. */
static void end(struct listener *listener)
{
    if (!listener->is_passed) shutdown(listener->source.fd, SHUT_RDWR);
    source_remove(&listener->source);
    free(listener);
}

int listener_close(struct channel *channel, char const *url)
{
    for (struct listener **at = &channel->listeners, *listener; (listener = *at); at = &listener->next) {
        if (strcmp(listener->words.url, url)) continue;
        *at = listener->next;
        end(listener);
        return 1;
    }
    return 0;
}

void listeners_close(struct channel *channel)
{
    while (channel->listeners) {
        struct listener *listener = channel->listeners;
        channel->listeners = listener->next;
        end(listener);
    }
}

int listeners_pause_left(void)
{
    if (!pause_until) return -1;
    int64_t const left = pause_until - now_ms();
    if (left <= 0) pause_until = 0;
    return left > 0 ? (int)left : 0;
}

/* Connections wait in the backlog while their client reads no replies and while
   there is no place for more. */
void listeners_settle(struct channel *channel)
{
    int const accepts = !pause_until && channel_has_room(channel) && schedule_may_accept();
    for (struct listener *listener = channel->listeners; listener; listener = listener->next)
        source_watch(&listener->source, accepts ? EPOLLIN : 0);
}
