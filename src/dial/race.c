/* ISC license. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "dial/dial.h"
#include "process/process.h"

#define ATTEMPT_MS 250 /* Connection Attempt Delay (RFC 8305, 8) */

struct race {
    struct dial const *dial;
    size_t started;
    struct pollfd attempt[DIAL_MAX]; /* fd -1: over */
    int error;                       /* of the last that failed */
};

static int is_open(struct race const *race)
{
    for (size_t i = 0; i < race->started; i++)
        if (race->attempt[i].fd >= 0) return 1;
    return 0;
}

/* On one machine a connection to a port where nobody listens may find itself,
   when the kernel picks that port for our end. */
static int is_to_itself(int fd)
{
    union address ours, theirs;
    socklen_t our_len = sizeof ours, their_len = sizeof theirs;
    memset(&ours, 0, sizeof ours);
    memset(&theirs, 0, sizeof theirs);
    if (getsockname(fd, &ours.any, &our_len) < 0 || getpeername(fd, &theirs.any, &their_len) < 0) return 0;
    return ours.any.sa_family != AF_UNIX && our_len == their_len && !memcmp(&ours, &theirs, our_len);
}

static void give_up(struct race *race, struct pollfd *attempt, int error)
{
    race->error = error;
    close(attempt->fd);
    attempt->fd = -1;
}

static int bind_to_local(struct dial const *dial, int fd, sa_family_t family)
{
    int const on = 1;
    for (size_t i = 0; i < sizeof dial->from / sizeof *dial->from; i++) {
        struct dial_address const *from = dial->from + i;
        if (!from->len || from->address.any.sa_family != family) continue;
        /* Attempts to more than one address may have one port. */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return 0;
        return bind(fd, &from->address.any, from->len) == 0;
    }
    return 1;
}

/* The connection, or -1: it is under way or has failed. */
static int start_next(struct race *race)
{
    size_t const i = race->started++;
    struct dial_address const *to = race->dial->to + i;
    int const fd = socket(to->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    race->attempt[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
    race->error = errno;
    if (fd < 0) return -1;
    if (!bind_to_local(race->dial, fd, to->address.any.sa_family)) {
        give_up(race, race->attempt + i, errno);
        return -1;
    }
    if (connect(fd, &to->address.any, to->len) == 0) {
        if (!is_to_itself(fd)) return fd;
        errno = ECONNREFUSED;
    }
    if (errno != EINPROGRESS) give_up(race, race->attempt + i, errno);
    return -1;
}

/* The first of them that has made it, or -1. */
static int look_at_attempts(struct race *race)
{
    for (size_t i = 0; i < race->started; i++) {
        struct pollfd *attempt = race->attempt + i;
        int error = 0;
        socklen_t len = sizeof error;
        if (attempt->fd < 0 || !attempt->revents) continue;
        getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (!error && is_to_itself(attempt->fd)) error = ECONNREFUSED;
        if (!error) return attempt->fd;
        give_up(race, attempt, error);
    }
    return -1;
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int run_race(struct race *race, int64_t deadline)
{
    while (process_ms_until(deadline)) {
        int const more = race->started < race->dial->count;
        if (!more && !is_open(race)) return -1;
        int fd = more ? start_next(race) : -1;
        if (fd >= 0) return fd;
        if (!is_open(race)) continue;
        int const patience = race->started < race->dial->count ? ATTEMPT_MS : process_ms_until(deadline);
        if (poll(race->attempt, race->started, min(patience, process_ms_until(deadline))) <= 0) continue;
        fd = look_at_attempts(race);
        if (fd >= 0) return fd;
    }
    race->error = ETIMEDOUT;
    return -1;
}

static void close_others(struct race *race, int kept)
{
    for (size_t i = 0; i < race->started; i++)
        if (race->attempt[i].fd >= 0 && race->attempt[i].fd != kept) close(race->attempt[i].fd);
}

int dial_connect(struct dial const *dial, int64_t deadline)
{
    struct race race = { .dial = dial };
    int const fd = run_race(&race, deadline);
    close_others(&race, fd);
    errno = race.error;
    return fd;
}
