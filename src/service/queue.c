/* ISC license. */

/*
 * When a job gets its worker. A connection that was accepted waits without a
 * slot until its peer has said something: silence costs a descriptor and nothing
 * else. Who is next then, and who gives up a slot, is for slots.c to say.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "service/broker.h"

#define LOOK_MS 50 /* between looks at peers when slots are scarce */
#define MAX_ACCEPTED 512 /* connections that have no slot */

struct line {
    struct job *first;
    size_t accepted; /* how many of them are from listeners */
};

static struct slots slots;
static struct line unheard, waiting;
static size_t max_accepted;
static int64_t next_look;
static int is_scarce, may_accept = 1;

/* ---- lines ---- */

static int is_accepted(struct job const *job)
{
    return job->order.kind == ORDER_ACCEPT;
}

static void enqueue(struct line *line, struct job *job)
{
    job->line = line;
    job->previous_in_line = NULL;
    job->next_in_line = line->first;
    if (line->first) line->first->previous_in_line = job;
    line->first = job;
    line->accepted += (size_t)is_accepted(job);
}

static void dequeue(struct job *job)
{
    struct line *line = job->line;
    if (job->next_in_line) job->next_in_line->previous_in_line = job->previous_in_line;
    if (job->previous_in_line)
        job->previous_in_line->next_in_line = job->next_in_line;
    else
        line->first = job->next_in_line;
    line->accepted -= (size_t)is_accepted(job);
    job->line = NULL;
}

/* ---- peers ---- */

static uint64_t unread(int fd)
{
    int count = 0;
    return ioctl(fd, SIOCINQ, &count) < 0 ? 0 : (uint64_t)count;
}

static void look_at_connection(struct job const *job, struct slots_claim *claim)
{
    struct tcp_info info = { .tcpi_state = 0 };
    socklen_t len = sizeof info;
    if (getsockopt(job->connection, IPPROTO_TCP, TCP_INFO, &info, &len) < 0) return;
    claim->said = info.tcpi_bytes_received;
    claim->is_answered = job->is_server ? info.tcpi_data_segs_out != 0 : claim->said != 0;
    claim->is_busy = unread(job->connection) != 0;
}

/* A CONNECT without a connection waits for its peer, too. */
static void look_at_running(struct job *job)
{
    struct slots_claim *claim = &job->claim;
    int const has_peer = !job->answered && !job->question;
    claim->is_busy = !has_peer || job->connection >= 0 || job->order.kind != ORDER_CONNECT;
    if (has_peer && job->connection >= 0) look_at_connection(job, claim);
}

static void look_at_waiting(struct job *job)
{
    if (job->is_server && job->fd >= 0) job->claim.said = unread(job->fd);
}

static void wait_for_slot(struct job *job)
{
    look_at_waiting(job);
    enqueue(&waiting, job);
}

static void hear(struct source *source, uint32_t events)
{
    struct job *job = ((struct job_peer *)source)->job;
    (void)events;
    source_release(source);
    dequeue(job);
    wait_for_slot(job);
}

static int wait_for_peer(struct job *job)
{
    job->peer = (struct job_peer){ .source = { .fd = job->fd, .ready = &hear }, .job = job };
    if (source_add(&job->peer.source, EPOLLIN) < 0) return 0;
    enqueue(&unheard, job);
    return 1;
}

/* ---- a job's way ---- */

static void name_parties(struct job const *job, struct sockaddr_storage const *from, struct slots_keys *keys)
{
    *keys = (struct slots_keys){ .of = {
        [SLOTS_USER] = job->order.rights.uid,
        [SLOTS_CHANNEL] = job->channel->number,
        [SLOTS_ADDRESS] = from ? slots_address(from) : 0,
    } };
}

int schedule_add(struct job *job, struct sockaddr_storage const *from)
{
    int const is_in = job->is_server || job->order.kind == ORDER_LISTEN;
    struct slots_keys keys;
    job->claim = (struct slots_claim){ .direction = is_in ? SLOTS_IN : SLOTS_OUT,
                                       .patience_ms = job->timeout_ms,
                                       .said = job->order.kind == ORDER_LISTEN ? SLOTS_HELLO : 0 };
    name_parties(job, from, &keys);
    if (!slots_enter(&slots, &job->claim, &keys, now_ms())) return 0;
    if (!is_accepted(job) || !wait_for_peer(job)) wait_for_slot(job);
    return 1;
}

void schedule_begin(struct job *job)
{
    dequeue(job);
    slots_begin(&slots, &job->claim, now_ms());
}

void schedule_remove(struct job *job)
{
    if (job->line == &unheard) source_release(&job->peer.source);
    if (job->line)
        dequeue(job);
    else if (job_is_running(job))
        slots_end(&slots, &job->claim);
    slots_leave(&slots, &job->claim);
}

int schedule_hears(struct job const *job)
{
    return job->line != &unheard;
}

/* ---- who is next ---- */

static struct job *next_to_start(void)
{
    struct job *next = NULL;
    for (struct job *job = waiting.first; job; job = job->next_in_line)
        if (slots_may_begin(&slots, &job->claim) && (!next || slots_precedes(&job->claim, &next->claim))) next = job;
    return next;
}

static struct job *next_of(enum slots_direction direction)
{
    struct job *next = NULL;
    for (struct job *job = waiting.first; job; job = job->next_in_line)
        if (job->claim.direction == direction && (!next || slots_precedes(&job->claim, &next->claim))) next = job;
    return next;
}

/* ---- who gives up ---- */

static struct job *find_yielding(struct job const *wanting, int64_t now)
{
    struct job *found = NULL;
    for (struct job *job = jobs_first(); job; job = job->next) {
        if (!job_is_running(job)) continue;
        look_at_running(job);
        if (!slots_yields(&job->claim, &wanting->claim, now)) continue;
        if (!found || slots_yields_before(&job->claim, &found->claim)) found = job;
    }
    return found;
}

static void make_room(int64_t now)
{
    for (struct job *job = waiting.first; job; job = job->next_in_line) look_at_waiting(job);
    for (enum slots_direction direction = 0; direction < SLOTS_DIRECTIONS; direction++) {
        struct job *wanting = next_of(direction), *yielding = wanting ? find_yielding(wanting, now) : NULL;
        if (yielding) job_give_up(yielding);
    }
}

static struct job *find_idle(struct line const *line, struct job *found, int64_t now)
{
    for (struct job *job = line->first; job; job = job->next_in_line) {
        if (!is_accepted(job) || !slots_is_idle(&job->claim, now)) continue;
        if (!found || slots_goes_before(&job->claim, &found->claim)) found = job;
    }
    return found;
}

static int has_place(void)
{
    return unheard.accepted + waiting.accepted < max_accepted;
}

/* Some places at a time, for those that may have more to say. */
static void make_places(int64_t now)
{
    for (size_t i = 0; i <= max_accepted / 8; i++) {
        struct job *idle = find_idle(&waiting, find_idle(&unheard, NULL, now), now);
        if (!idle) return;
        job_give_up(idle);
    }
}

void schedule_settle(void)
{
    int64_t const now = now_ms();
    struct job *next;
    while ((next = next_to_start()) && job_start(next)) continue;
    dispatch_await_room(next != NULL);
    is_scarce = (!next && waiting.first) || !has_place();
    if (is_scarce && now >= next_look) {
        next_look = now + LOOK_MS;
        make_room(now);
        if (!has_place()) make_places(now);
    }
    may_accept = has_place();
}

int schedule_pause_left(void)
{
    int64_t const left = next_look - now_ms();
    if (!is_scarce) return -1;
    return left > 0 ? (int)left : 0;
}

int schedule_may_accept(void)
{
    return may_accept;
}

void schedule_limit(unsigned int workers)
{
    struct rlimit limit;
    slots.max = workers;
    max_accepted = workers < MAX_ACCEPTED / 2 ? 2 * workers : MAX_ACCEPTED;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < max_accepted) max_accepted = limit.rlim_cur / 4;
}
