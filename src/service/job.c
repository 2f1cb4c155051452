/* ISC license. */

#include "service/job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktls/ktls.h"
#include "process/process.h"

#define GRACE_MS 1000 /* so that a worker can report its timeout itself */

#define MAX_JOBS 8192

/* ---- life ---- */

static void note_deadline(struct jobs *jobs, int64_t deadline)
{
    if (!jobs->next_deadline || deadline < jobs->next_deadline) jobs->next_deadline = deadline;
}

/* Requests do not count against the connections of listeners. */
static size_t *claims_of(struct job const *job)
{
    return job->plan.kind == ORDER_ACCEPT ? &job->channel->accepted : &job->channel->outstanding;
}

/* Each job has pages of its own: the memory of many small jobs on the heap would
   not go back to the kernel when they end. */
static struct job *create_job(struct jobs *jobs, struct channel *channel, struct job_plan const *plan, int fd)
{
    struct job *job = mmap(NULL, sizeof *job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (job == MAP_FAILED) return NULL;
    job->source.fd = job->connection = job->relayed = job->deposit = -1;
    job->all = jobs;
    job->channel = channel;
    job->plan = *plan;
    job->deadline = process_now_ms() + plan->timeout_ms;
    job->fd = fd;
    job->next = jobs->first;
    job->link = &jobs->first;
    if (job->next) job->next->link = &job->next;
    jobs->first = job;
    ++*claims_of(job);
    if (plan->kind == ORDER_LISTEN) channel->listening = 1;
    note_deadline(jobs, job->deadline);
    return job;
}

static void drop_descriptor(int *fd)
{
    if (*fd >= 0) packet_close(*fd);
    *fd = -1;
}

static int take_descriptor(int *fd)
{
    int const taken = *fd;
    *fd = -1;
    return taken;
}

static void drop_descriptors(struct job *job)
{
    drop_descriptor(&job->fd);
    drop_descriptor(&job->connection);
    drop_descriptor(&job->relayed);
    drop_descriptor(&job->deposit);
}

static void detach_from_channel(struct job *job)
{
    if (!job->channel) return;
    --*claims_of(job);
    if (job->plan.kind == ORDER_LISTEN) job->channel->listening = 0;
    job->channel = NULL;
}

static void end_job(struct job *job)
{
    queue_leave(job);
    *job->link = job->next;
    if (job->next) job->next->link = job->link;
    source_remove(&job->source);
    drop_descriptors(job);
    detach_from_channel(job);
    munmap(job, sizeof *job);
}

/* The client has its answer; the job keeps its slot until its worker has ended. */
static void conclude_job(struct job *job)
{
    job->answered = 1;
    job->question = 0;
    detach_from_channel(job);
    if (job->state == JOB_RUNNING)
        drop_descriptors(job);
    else
        end_job(job);
}

static void fail_job(struct job *job, char const *reason)
{
    if (job->channel) channel_send_error(job->channel, &job->plan.head, reason);
    conclude_job(job);
}

void job_begin(struct jobs *jobs, struct channel *channel, struct job_plan const *plan, int fd,
               struct sockaddr_storage const *from)
{
    struct job *job = create_job(jobs, channel, plan, fd);
    if (job && queue_enter(job, from)) return;
    if (job) {
        fail_job(job, "out of memory");
        return;
    }
    if (fd >= 0) packet_close(fd);
    channel_send_error(channel, &plan->head, "out of memory");
}

/* Nobody waits for it or answers its questions: it must not keep its slot until
   its deadline. */
static void discourage_worker(struct job const *job)
{
    if (job->state != JOB_RUNNING) return;
    shutdown(job->source.fd, SHUT_WR);
    if (job->connection >= 0) shutdown(job->connection, SHUT_RDWR);
}

void jobs_forget_channel(struct jobs *jobs, struct channel const *channel)
{
    for (struct job *job = jobs->first, *next; job; job = next) {
        next = job->next;
        if (job->channel != channel) continue;
        discourage_worker(job);
        conclude_job(job);
    }
}

void job_give_up(struct job *job)
{
    discourage_worker(job);
    fail_job(job, "ended early: others wait for a handshake, and this peer has said the least");
}

/* ---- what a worker says ---- */

/* A worker has received bytes from strangers, who may have taken it over: its
   answers are checked, and what they say of a connection is verified. */
static int is_worker_answer(struct packet const *packet)
{
    return !packet->truncated && packet->len <= ANSWER_MAX && packet_is_text(packet, packet->len);
}

static int has_fact(char const *facts, char const *name)
{
    for (char const *fact = facts; fact; fact = strchr(fact, ' ')) {
        fact += *fact == ' ';
        if (!strncmp(fact, name, strlen(name))) return 1;
    }
    return 0;
}

/* The reply has these already, as the service knows them. */
static int contradicts_head(struct job const *job, char const *facts)
{
    return has_fact(facts, "id=") || (*job->plan.head.remote && has_fact(facts, "remote="));
}

/* Where TLS was asked for, only a protected connection is handed out. */
static void hand_out_result(struct job *job, char const *facts, int fd)
{
    struct channel *channel = job->channel;
    if (fd < 0 || contradicts_head(job, facts)) {
        drop_descriptor(&fd);
        fail_job(job, "the handshake process gave no protected connection");
        return;
    }
    if (job->plan.kind != ORDER_LISTEN)
        channel_send_ok(channel, &job->plan.head, facts, fd);
    else if (!job->all->listen(job->all->listeners, channel, &job->plan, fd))
        channel_send_error(channel, &job->plan.head, "out of memory");
    conclude_job(job);
}

static int take_unprotected(struct job const *job, struct packet *packet)
{
    return job->plan.is_tls && job->plan.kind != ORDER_LISTEN ? -1 : packet_take(packet, 0);
}

static int take_kernel_protected(struct job *job)
{
    return ktls_is(job->connection, NULL) ? take_descriptor(&job->connection) : -1;
}

/* The client's way to its connection is a socket of this machine, never one of
   the network, whatever a worker that was taken over gives. */
static int take_relayed(struct job *job)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    if (getsockopt(job->relayed, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0) return -1;
    return domain == AF_UNIX ? take_descriptor(&job->relayed) : -1;
}

static void keep_connection(struct job *job, struct packet *packet)
{
    drop_descriptor(&job->connection);
    drop_descriptor(&job->relayed);
    job->connection = packet_take(packet, 0);
    job->relayed = packet_take(packet, 1);
}

static void keep_deposit(struct job *job, struct packet *packet)
{
    drop_descriptor(&job->deposit);
    job->deposit = packet_take(packet, 0);
}

static void ask_client(struct job *job, char const *facts)
{
    char text[PACKET_MAX];
    if (job->asked) {
        fail_job(job, "the handshake process asked twice");
        return;
    }
    job->asked = 1;
    job->question = ++job->all->last_question;
    int const len = snprintf(text, sizeof text, "ASK %llu %s%s%s\n", (unsigned long long)job->question,
                             job->plan.head.url, *facts ? " " : "", facts);
    channel_send(job->channel, text, (size_t)len, -1);
}

static void take_answer(struct job *job, struct packet *packet)
{
    char *rest = packet->bytes;
    rest[packet->len] = 0;
    char const *word = strsep(&rest, " ");
    if (!rest) rest = packet->bytes + packet->len;
    if (!strcmp(word, "HOLD"))
        keep_connection(job, packet);
    else if (!strcmp(word, "DEPOSIT"))
        keep_deposit(job, packet);
    else if (!strcmp(word, "OK"))
        hand_out_result(job, rest, take_unprotected(job, packet));
    else if (!strcmp(word, "KERNEL"))
        hand_out_result(job, rest, take_kernel_protected(job));
    else if (!strcmp(word, "RELAY"))
        hand_out_result(job, rest, take_relayed(job));
    else if (!strcmp(word, "ASK"))
        ask_client(job, rest);
    else
        fail_job(job, strcmp(word, "ERR") ? "the handshake process sent an invalid answer" : rest);
}

/* A worker may have had no time to say so. */
static int is_past_deadline(struct job const *job)
{
    return process_now_ms() >= job->deadline;
}

/* After its answer, anything that a worker says is ignored. */
static void attend_to_worker(struct source *source, uint32_t events)
{
    struct job *job = (struct job *)source;
    struct packet packet = { .fd_count = 0 };
    (void)events;
    int const received = packet_receive(source->fd, &packet);
    if (received < 0 && errno == EAGAIN) return;
    if (!job->answered) {
        if (received > 0 && is_worker_answer(&packet))
            take_answer(job, &packet);
        else
            fail_job(job, is_past_deadline(job) ? "timed out" : "the handshake process ended without an answer");
    }
    packet_drop(&packet);
    if (received <= 0) end_job(job);
}

/* ---- workers ---- */

static int send_order(struct job const *job, enum order_kind kind, struct rights const *rights, char const *url,
                      int const *fds, size_t fd_count)
{
    struct order order;
    memset(&order, 0, sizeof order);
    order.kind = kind;
    order.deadline = job->deadline;
    order.rights = *rights;
    strcpy(order.url, url);
    return dispatch_order(job->all->dispatch, &order, fds, fd_count);
}

int job_start(struct job *job)
{
    int pair[2];
    if (!ktls_packet_pair(pair)) {
        fail_job(job, strerror(errno));
        return 1;
    }
    int const fds[] = { pair[1], job->fd };
    int const sent = send_order(job, job->plan.kind, &job->plan.rights, job->plan.head.url, fds, job->fd < 0 ? 1 : 2);
    int const waits = !sent && dispatch_must_wait();
    close(pair[1]);
    if (!sent) {
        close(pair[0]);
        if (!waits) fail_job(job, "the handshake master cannot be started");
        return !waits;
    }
    queue_begin(job);
    drop_descriptor(&job->fd);
    job->source = (struct source){ .fd = pair[0], .ready = &attend_to_worker };
    if (!source_add(&job->source, job->all->reactor, EPOLLIN)) {
        fail_job(job, strerror(errno));
        end_job(job);
    }
    return 1;
}

/* ---- answers to questions ---- */

static struct job *find_question(struct jobs *jobs, struct channel const *channel, uint64_t question)
{
    struct job *job = jobs->first;
    while (job && (job->question != question || job->channel != channel)) job = job->next;
    return job;
}

/* Another worker brings the files; where it does not, the deposit stays empty. */
int job_answer(struct jobs *jobs, struct channel const *channel, uint64_t question, int yes, char const *parameters,
               struct rights const *rights)
{
    struct job *job = question ? find_question(jobs, channel, question) : NULL;
    if (!job) return 0;
    int const fds[] = { job->source.fd, job->deposit };
    char const *word = !yes ? "no" : parameters ? "load" : "yes";
    if (yes && parameters && job->deposit >= 0) send_order(job, ORDER_LOAD, rights, parameters, fds, 2);
    drop_descriptor(&job->deposit);
    job->question = 0;
    ktls_packet_send(job->source.fd, word, strlen(word), NULL, 0);
    return 1;
}

/* ---- deadlines ---- */

int jobs_have_room(struct jobs const *jobs)
{
    size_t count = 0;
    for (enum job_state state = 0; state < JOB_STATES; state++) count += jobs->count[state];
    return count < MAX_JOBS;
}

static int64_t last_moment(struct job const *job)
{
    return job->deadline + (job->state == JOB_RUNNING ? GRACE_MS : 0);
}

static char const *why_late(struct job const *job)
{
    if (job->state == JOB_UNHEARD) return "TLS handshake: timed out";
    return job->state == JOB_RUNNING ? "timed out" : "timed out waiting for other handshakes";
}

static void expire_job(struct job *job)
{
    int const runs = job->state == JOB_RUNNING;
    if (!job->answered) fail_job(job, why_late(job));
    if (runs) end_job(job);
}

int jobs_expire(struct jobs *jobs)
{
    int64_t const now = process_now_ms();
    if (!jobs->next_deadline) return -1;
    if (jobs->next_deadline > now) return (int)(jobs->next_deadline - now);
    jobs->next_deadline = 0;
    for (struct job *job = jobs->first, *next; job; job = next) {
        next = job->next;
        if (last_moment(job) > now)
            note_deadline(jobs, last_moment(job));
        else
            expire_job(job);
    }
    return jobs->next_deadline ? (int)(jobs->next_deadline - now) : -1;
}
