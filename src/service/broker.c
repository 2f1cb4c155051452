/* ISC license. */

#include "service/broker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "program/program.h"

/* Each job needs up to three descriptors, and those in packets that nobody has
   received yet count against the same limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- clients ---- */

static int is_welcome(struct broker_options const *options, uid_t uid)
{
    for (size_t i = 0; i < options->uid_count; i++)
        if (options->uid[i] == uid) return 1;
    return !uid || uid == geteuid();
}

static void accept_client(struct source *source, uint32_t events)
{
    struct entrance *entrance = (struct entrance *)source;
    struct broker *broker = entrance->broker;
    struct sockaddr_storage address;
    struct ucred peer;
    socklen_t len = sizeof peer;
    (void)events;
    int const fd = listeners_accept(&broker->listeners, source->fd, &address);
    if (fd < 0) return;
    int const is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    if (!is_known || (!entrance->is_for_all && !is_welcome(broker->options, peer.uid)))
        close(fd);
    else
        channel_open(&broker->channels, fd, CHANNEL_CONNECTED, &peer);
}

static int open_entrance(struct entrance *entrance, struct broker *broker, int fd, int is_for_all)
{
    *entrance = (struct entrance){ .source = { .fd = fd, .ready = &accept_client },
                                   .broker = broker,
                                   .is_for_all = (unsigned char)is_for_all };
    return fd < 0 || source_add(&entrance->source, broker->reactor, EPOLLIN);
}

/* The channel that prog inherits is gone after the first service has ended. */
static int open_inherited(struct channels *channels, int fd)
{
    struct ucred const us = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };
    return fd < 0 || channel_open(channels, fd, CHANNEL_INHERITED, &us);
}

/* ---- from its start to its end ---- */

void broker_start(struct broker *broker, struct broker_options const *options)
{
    raise_descriptor_limit();
    *broker = (struct broker){ .options = options, .reactor = reactor_open() };
    if (broker->reactor < 0 || !dispatch_start(&broker->dispatch, broker->reactor, &options->workers))
        strerr_diefsys(EXIT_SYSTEM, "starting the handshake master");
    broker->channels = (struct channels){ .reactor = broker->reactor, .take_packet = &request_take, .broker = broker };
    broker->jobs = (struct jobs){ .reactor = broker->reactor, .dispatch = &broker->dispatch,
                                  .listen = &listener_open, .listeners = &broker->listeners };
    broker->listeners.jobs = &broker->jobs;
    queue_prepare(&broker->jobs, options->max);
    if (!open_inherited(&broker->channels, options->inherited)
        || !open_entrance(&broker->others, broker, options->listener, 0)
        || !open_entrance(&broker->heirs, broker, options->heirs, 1))
        strerr_diefsys(EXIT_SYSTEM, "starting the socket service");
}

/* Ends several at a time, to accept others that may say more. */
static void make_places(struct jobs *jobs)
{
    struct job *idle;
    for (size_t i = 0; i <= jobs->max_accepted / 8 && (idle = queue_find_idle(jobs)); i++) job_give_up(idle);
}

static void relieve_scarcity(struct jobs *jobs)
{
    for (enum slots_direction direction = 0; direction < SLOTS_DIRECTIONS; direction++) {
        struct job *yielding = queue_find_yielding(jobs, direction);
        if (yielding) job_give_up(yielding);
    }
    if (!queue_has_place(jobs)) make_places(jobs);
}

static void settle_jobs(struct jobs *jobs)
{
    struct job *next;
    while ((next = queue_next(jobs)) && job_start(next)) continue;
    dispatch_await_room(jobs->dispatch, next != NULL);
    if (queue_is_scarce(jobs, next != NULL)) relieve_scarcity(jobs);
    jobs->may_accept = queue_has_place(jobs);
}

static void end_channel(struct broker *broker, struct channel *channel)
{
    listeners_forget_channel(&broker->listeners, channel);
    jobs_forget_channel(&broker->jobs, channel);
    channel_close(channel);
}

static void settle_channels(struct broker *broker)
{
    int const may_read = jobs_have_room(&broker->jobs);
    for (struct channel *channel = broker->channels.first, *next; channel; channel = next) {
        next = channel->next;
        if (channel->broken)
            end_channel(broker, channel);
        else
            channel_settle(channel, may_read);
    }
}

static void settle_entrance(struct entrance *entrance)
{
    int const pauses = entrance->broker->listeners.pause_until != 0;
    if (entrance->source.fd >= 0) source_watch(&entrance->source, pauses ? 0 : EPOLLIN);
}

static int sooner(int a, int b)
{
    if (a < 0) return b;
    return b < 0 || a < b ? a : b;
}

void broker_turn(struct broker *broker, int max_ms)
{
    settle_jobs(&broker->jobs);
    settle_channels(broker);
    listeners_settle(&broker->listeners);
    settle_entrance(&broker->others);
    settle_entrance(&broker->heirs);
    int const next_look = sooner(max_ms, queue_pause_left(&broker->jobs));
    int const next_end = sooner(jobs_expire(&broker->jobs), listeners_pause_left(&broker->listeners));
    reactor_wait(broker->reactor, sooner(next_look, next_end));
}

/* SIGCHLD is ignored: wait ends when there is no child any more. */
void broker_stop(struct broker *broker)
{
    dispatch_stop(&broker->dispatch);
    while (wait(NULL) >= 0 || errno == EINTR) continue;
}
