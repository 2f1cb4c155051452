/* ISC license. */

/*
 * When a job gets its worker. A connection that was accepted waits without a
 * slot until its peer has said something: silence costs a descriptor and nothing
 * else. Then slots.c says who is next, and who gives up a slot.
 */

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "process/process.h"
#include "service/job.h"

#define LOOK_MS 50 /* between looks at peers when slots are scarce */
#define MAX_ACCEPTED 512 /* connections that have no slot */

void queue_prepare(struct jobs *jobs, unsigned int max_workers)
{
    struct rlimit limit;
    jobs->slots.max = max_workers;
    jobs->may_accept = 1;
    jobs->max_accepted = max_workers < MAX_ACCEPTED / 2 ? 2 * max_workers : MAX_ACCEPTED;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < jobs->max_accepted)
        jobs->max_accepted = limit.rlim_cur / 4;
}

static int is_accepted(struct job const *job)
{
    return job->plan.kind == ORDER_ACCEPT;
}

static void set_state(struct job *job, enum job_state state)
{
    struct jobs *jobs = job->all;
    jobs->count[job->state]--;
    jobs->accepted[job->state] -= (size_t)is_accepted(job);
    job->state = state;
    jobs->count[state]++;
    jobs->accepted[state] += (size_t)is_accepted(job);
}

/* ---- peers ---- */

static uint64_t count_unread(int fd)
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
    claim->is_answered = job->plan.is_server ? info.tcpi_data_segs_out != 0 : claim->said != 0;
    claim->is_busy = count_unread(job->connection) != 0;
}

/* A CONNECT that has no connection yet waits for its peer, too. */
static void look_at_running(struct job *job)
{
    struct slots_claim *claim = &job->claim;
    int const has_peer = !job->answered && !job->question;
    claim->is_busy = !has_peer || job->connection >= 0 || job->plan.kind != ORDER_CONNECT;
    if (has_peer && job->connection >= 0) look_at_connection(job, claim);
}

static void look_at_waiting(struct job *job)
{
    if (job->plan.is_server && job->fd >= 0) job->claim.said = count_unread(job->fd);
}

static void wait_for_slot(struct job *job)
{
    look_at_waiting(job);
    set_state(job, JOB_WAITING);
}

static void hear_peer(struct source *source, uint32_t events)
{
    (void)events;
    source_release(source);
    wait_for_slot((struct job *)source);
}

static int wait_for_peer(struct job *job)
{
    job->source = (struct source){ .fd = job->fd, .ready = &hear_peer };
    if (source_add(&job->source, job->all->reactor, EPOLLIN)) {
        set_state(job, JOB_UNHEARD);
        return 1;
    }
    job->source.fd = -1;
    return 0;
}

/* ---- the way of a job ---- */

int queue_enter(struct job *job, struct sockaddr_storage const *from)
{
    int const is_in = job->plan.is_server || job->plan.kind == ORDER_LISTEN;
    struct slots_keys const keys = { .of = {
        [SLOTS_USER] = job->plan.rights.uid,
        [SLOTS_CHANNEL] = job->channel->number,
        [SLOTS_ADDRESS] = from ? slots_address(from) : 0,
    } };
    job->claim = (struct slots_claim){ .direction = is_in ? SLOTS_IN : SLOTS_OUT,
                                       .patience_ms = job->plan.timeout_ms,
                                       .said = job->plan.kind == ORDER_LISTEN ? SLOTS_HELLO : 0 };
    job->all->count[job->state]++;
    job->all->accepted[job->state] += (size_t)is_accepted(job);
    if (!slots_enter(&job->all->slots, &job->claim, &keys, process_now_ms())) return 0;
    if (!is_accepted(job) || !wait_for_peer(job)) wait_for_slot(job);
    return 1;
}

void queue_begin(struct job *job)
{
    set_state(job, JOB_RUNNING);
    slots_begin(&job->all->slots, &job->claim, process_now_ms());
}

void queue_leave(struct job *job)
{
    if (job->state == JOB_UNHEARD) source_release(&job->source);
    if (job->state == JOB_RUNNING) slots_end(&job->all->slots, &job->claim);
    slots_leave(&job->all->slots, &job->claim);
    job->all->count[job->state]--;
    job->all->accepted[job->state] -= (size_t)is_accepted(job);
}

/* ---- who is next ---- */

struct job *queue_next(struct jobs *jobs)
{
    struct job *next = NULL;
    for (struct job *job = jobs->count[JOB_WAITING] ? jobs->first : NULL; job; job = job->next) {
        if (job->state != JOB_WAITING || !slots_may_begin(&jobs->slots, &job->claim)) continue;
        if (!next || slots_precedes(&job->claim, &next->claim)) next = job;
    }
    return next;
}

/* ---- who gives up ---- */

int queue_has_place(struct jobs const *jobs)
{
    return jobs->accepted[JOB_UNHEARD] + jobs->accepted[JOB_WAITING] < jobs->max_accepted;
}

int queue_is_scarce(struct jobs *jobs, int has_next)
{
    int64_t const now = process_now_ms();
    jobs->is_scarce = (!has_next && jobs->count[JOB_WAITING]) || !queue_has_place(jobs);
    if (!jobs->is_scarce || now < jobs->next_look) return 0;
    jobs->next_look = now + LOOK_MS;
    return 1;
}

int queue_pause_left(struct jobs const *jobs)
{
    return jobs->is_scarce ? process_ms_until(jobs->next_look) : -1;
}

static struct job *first_waiting(struct jobs *jobs, enum slots_direction direction)
{
    struct job *first = NULL;
    for (struct job *job = jobs->first; job; job = job->next) {
        if (job->state != JOB_WAITING || job->claim.direction != direction) continue;
        look_at_waiting(job);
        if (!first || slots_precedes(&job->claim, &first->claim)) first = job;
    }
    return first;
}

struct job *queue_find_yielding(struct jobs *jobs, enum slots_direction direction)
{
    int64_t const now = process_now_ms();
    struct job const *waiting = first_waiting(jobs, direction);
    struct job *found = NULL;
    for (struct job *job = waiting ? jobs->first : NULL; job; job = job->next) {
        if (job->state != JOB_RUNNING) continue;
        look_at_running(job);
        if (!slots_yields(&job->claim, &waiting->claim, now)) continue;
        if (!found || slots_yields_before(&job->claim, &found->claim)) found = job;
    }
    return found;
}

struct job *queue_find_idle(struct jobs *jobs)
{
    int64_t const now = process_now_ms();
    struct job *found = NULL;
    for (struct job *job = jobs->first; job; job = job->next) {
        if (job->state == JOB_RUNNING || !is_accepted(job) || !slots_is_idle(&job->claim, now)) continue;
        if (!found || slots_goes_before(&job->claim, &found->claim)) found = job;
    }
    return found;
}
