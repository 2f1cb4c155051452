/* ISC license. */

/*
 * Addresses of a host, and a connection to the first of them that answers
 * (RFC 8305: attempts overlap, IPv6 and IPv4 take turns).
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/stralloc.h>

#include "process/capabilities.h"
#include "process/process.h"
#include "program/program.h"
#include "worker/worker.h"

#define ATTEMPT_MS 250 /* Connection Attempt Delay (RFC 8305, 8) */
#define MAX_ANSWER 1024

/* ---- addresses ---- */

/* An address, with its zone (RFC 4007, 11) if it has one. 0: text is not one. */
static socklen_t parse_address(union address *address, char const *text, uint16_t port)
{
    char ip[INET6_ADDRSTRLEN];
    size_t const len = strcspn(text, "%");
    char const *zone = text[len] ? text + len + 1 : NULL;
    if (len >= sizeof ip) return 0;
    memcpy(ip, text, len);
    ip[len] = 0;
    address->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    if (!zone && inet_pton(AF_INET, ip, &address->v4.sin_addr) == 1) return sizeof address->v4;
    address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
    if (zone) address->v6.sin6_scope_id = if_nametoindex(zone);
    if (inet_pton(AF_INET6, ip, &address->v6.sin6_addr) != 1) return 0;
    return !zone || address->v6.sin6_scope_id ? sizeof address->v6 : 0;
}

/* 1: it is the text of an address. */
static int add_number(struct dial *dial, char const *text, uint16_t port)
{
    struct dial_address *to = dial->to + dial->count;
    to->len = parse_address(&to->address, text, port);
    if (to->len && dial->count < DIAL_MAX) dial->count++;
    return to->len != 0;
}

static void add_path(struct dial *dial, char const *path)
{
    dial->to[0].address.path.sun_family = AF_UNIX;
    strcpy(dial->to[0].address.path.sun_path, path);
    dial->to[0].len = sizeof dial->to[0].address.path;
    dial->count = 1;
}

static int give_up_rights(struct master_options const *options)
{
    if (!options->is_root) return 1;
    return process_become(options->uid, options->gid) && (!options->uid || capabilities_drop());
}

/* It reads what comes from the network: not as root. What fails is the answer. */
static _Noreturn void become_resolver(struct worker const *worker, int to)
{
    static stralloc const no_changes = STRALLOC_ZERO;
    char const *const argv[] = { "ktls-resolve", worker->url.where, NULL };
    if (give_up_rights(worker->options) && dup2(to, 1) >= 0) process_exec_own(argv, &no_changes);
    dprintf(to, "%s cannot be executed: %s\n", argv[0], strerror(errno));
    _exit(EXIT_SYSTEM);
}

/* One address in each line, or the reason why there are none. */
static void read_addresses(struct worker const *worker, struct dial *dial, char *answer)
{
    for (char *line = answer, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        if (!add_number(dial, line, worker->url.port)) worker_refuse(worker, worker->url.where, line);
    }
    if (!dial->count) worker_refuse(worker, worker->url.where, "ktls-resolve gave neither an address nor a reason");
}

static void find_name(struct worker const *worker, struct dial *dial)
{
    char answer[MAX_ANSWER + 1];
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) worker_refuse_system(worker, "pipe");
    /* As long as it is not waited for, no other process gets its id. */
    if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) worker_refuse_system(worker, "SIGCHLD");
    pid_t const pid = fork();
    if (pid < 0) worker_refuse_system(worker, "fork");
    if (!pid) become_resolver(worker, pair[1]);
    close(pair[1]);
    size_t const len = deadline_read(pair[0], answer, MAX_ANSWER, worker->order->deadline);
    close(pair[0]);
    kill(pid, SIGKILL); /* where it is not over yet */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR) worker_refuse_system(worker, "SIGCHLD");
    answer[len] = 0;
    if (!process_ms_until(worker->order->deadline))
        worker_refuse(worker, worker->url.where, "timed out resolving the name");
    read_addresses(worker, dial, answer);
}

/* IPv6 first, then in turns as long as there are both. */
static void interleave(struct dial *dial)
{
    for (size_t i = 0; i < dial->count; i++) {
        sa_family_t const wanted = i % 2 ? AF_INET : AF_INET6;
        size_t j = i;
        while (j < dial->count && dial->to[j].address.any.sa_family != wanted) j++;
        if (j == dial->count) return;
        struct dial_address const next = dial->to[j];
        memmove(dial->to + i + 1, dial->to + i, (j - i) * sizeof next);
        dial->to[i] = next;
    }
}

void dial_find(struct worker const *worker, struct dial *dial)
{
    *dial = (struct dial){ .count = 0 };
    if (worker->url.target == URL_PATH) {
        add_path(dial, worker->url.where);
        return;
    }
    if (!add_number(dial, worker->url.where, worker->url.port)) find_name(worker, dial);
    interleave(dial);
}

/* ---- the race ---- */

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

/* The connection, or -1: it is under way or has failed. */
static int start_next(struct race *race)
{
    size_t const i = race->started++;
    struct dial_address const *to = race->dial->to + i;
    int const fd = socket(to->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    race->attempt[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
    race->error = errno;
    if (fd < 0) return -1;
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

int dial_connect(struct worker const *worker, struct dial const *dial)
{
    struct race race = { .dial = dial };
    int const fd = run_race(&race, worker->order->deadline);
    close_others(&race, fd);
    errno = race.error;
    if (fd < 0) worker_refuse_system(worker, "connecting");
    return fd;
}
