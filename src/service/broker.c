/* ISC license. */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "service/broker.h"
#include "program/program.h"

static struct broker_options const *broker;
static struct source others = { .fd = -1 }; /* who connect to the path */
static struct source heirs = { .fd = -1 };  /* who connect by what they have inherited */

/* A connection in the making needs three, and all that are passed on at a time
   are counted against the same limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int is_welcome(uid_t uid)
{
    for (size_t i = 0; i < broker->uid_count; i++)
        if (broker->uid[i] == uid) return 1;
    return !uid || uid == geteuid();
}

static void accept_client(struct source *source, uint32_t events)
{
    struct sockaddr_storage address;
    struct ucred peer;
    socklen_t len = sizeof peer;
    (void)events;
    int const fd = listeners_accept(source->fd, &address);
    if (fd < 0) return;
    int const is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    if (!is_known || (source == &others && !is_welcome(peer.uid)))
        close(fd);
    else
        channel_open_connected(fd, &peer);
}

static int open_listener(struct source *source, int fd)
{
    *source = (struct source){ .fd = fd, .ready = &accept_client };
    return fd < 0 ? 0 : source_add(source, EPOLLIN);
}

static void settle_listener(struct source *source)
{
    if (source->fd >= 0) source_watch(source, listeners_are_paused() ? 0 : EPOLLIN);
}

static int sooner(int a, int b)
{
    if (a < 0) return b;
    return b < 0 || a < b ? a : b;
}

/* The channel that prog inherits is gone after the first service has ended. */
static int open_inherited(int fd)
{
    return fd < 0 ? 0 : channel_open_inherited(fd);
}

void broker_start(struct broker_options const *options)
{
    broker = options;
    raise_descriptor_limit();
    schedule_limit(options->max);
    if (reactor_start() < 0 || dispatch_start(&options->workers) < 0)
        strerr_diefsys(EXIT_SYSTEM, "starting the handshake master");
    if (open_inherited(options->inherited) < 0 || open_listener(&others, options->listener) < 0
        || open_listener(&heirs, options->heirs) < 0)
        strerr_diefsys(EXIT_SYSTEM, "starting the socket service");
}

void broker_run(void)
{
    for (;;) {
        schedule_settle();
        channels_settle();
        settle_listener(&others);
        settle_listener(&heirs);
        reactor_wait(sooner(schedule_pause_left(), sooner(jobs_expire(), listeners_pause_left())));
    }
}

/* SIGCHLD is ignored: wait ends when there is no child any more. */
void broker_stop(void)
{
    dispatch_stop();
    while (wait(NULL) >= 0 || errno == EINTR) continue;
}
