/* ISC license. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "service/broker.h"
#include "ktls/ktls.h"

#define GRACE_MS 1000 /* for a worker to tell of its deadline itself */

#define MAX_JOBS 8192

static struct job *jobs;
static size_t count;
static uint64_t last_question;
static int64_t next_deadline; /* not later than the first; 0: none */

/* ---- life ---- */

static void note_deadline(int64_t deadline)
{
    if (!next_deadline || deadline < next_deadline) next_deadline = deadline;
}

/* Pages of its own: among smaller things on the heap, what a crowd took would
   not go back to the kernel with it. */
static struct job *allocate(void)
{
    void *pages = mmap(NULL, sizeof(struct job), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

struct job *job_new(struct channel *channel, enum order_kind kind, struct words const *words, int fd)
{
    struct job *job = allocate();
    if (!job) {
        if (fd >= 0) packet_close(fd);
        reply_err(channel, words, "out of memory");
        return NULL;
    }
    job->source.fd = job->connection = job->relayed = job->deposit = -1;
    job->channel = channel;
    job->words = *words;
    job->order.kind = kind;
    strcpy(job->order.url, words->url);
    job->fd = fd;
    return job;
}

static void add_to_list(struct job *job)
{
    count++;
    job->next = jobs;
    if (jobs) jobs->previous = job;
    jobs = job;
}

static void remove_from_list(struct job *job)
{
    count--;
    if (job->next) job->next->previous = job->previous;
    if (job->previous)
        job->previous->next = job->next;
    else
        jobs = job->next;
}

int job_is_running(struct job const *job)
{
    return job->source.fd >= 0;
}

struct job *jobs_first(void)
{
    return jobs;
}

static void drop(int *fd)
{
    if (*fd >= 0) packet_close(*fd);
    *fd = -1;
}

static int take(int *fd)
{
    int const taken = *fd;
    *fd = -1;
    return taken;
}

static void drop_descriptors(struct job *job)
{
    drop(&job->fd);
    drop(&job->connection);
    drop(&job->relayed);
    drop(&job->deposit);
}

/* Requests do not count against the connections of listeners. */
static size_t *claims_of(struct job const *job)
{
    return job->order.kind == ORDER_ACCEPT ? &job->channel->accepted : &job->channel->outstanding;
}

static void detach(struct job *job)
{
    if (!job->channel) return;
    --*claims_of(job);
    if (job->order.kind == ORDER_LISTEN) job->channel->listening = 0;
    job->channel = NULL;
}

static void end(struct job *job)
{
    schedule_remove(job);
    remove_from_list(job);
    source_remove(&job->source);
    drop_descriptors(job);
    detach(job);
    munmap(job, sizeof *job);
}

/* The client has its answer; the worker counts until it has ended, too. */
static void conclude(struct job *job)
{
    job->answered = 1;
    job->question = 0;
    drop_descriptors(job);
    detach(job);
    if (!job_is_running(job)) end(job);
}

static void fail(struct job *job, char const *reason)
{
    if (job->channel) reply_err(job->channel, &job->words, reason);
    conclude(job);
}

void job_begin(struct job *job, struct sockaddr_storage const *from)
{
    add_to_list(job);
    ++*claims_of(job);
    if (job->order.kind == ORDER_LISTEN) job->channel->listening = 1;
    note_deadline(job->order.deadline);
    if (!schedule_add(job, from)) fail(job, "out of memory");
}

/* Nobody waits for it, nor answers its questions: it should not be among those
   that others have to wait for until its deadline. */
static void discourage(struct job const *job)
{
    if (!job_is_running(job)) return;
    shutdown(job->source.fd, SHUT_WR);
    if (job->connection >= 0) shutdown(job->connection, SHUT_RDWR);
}

void jobs_forget_channel(struct channel const *channel)
{
    for (struct job *job = jobs, *next; job; job = next) {
        next = job->next;
        if (job->channel != channel) continue;
        discourage(job);
        conclude(job);
    }
}

void job_give_up(struct job *job)
{
    discourage(job);
    fail(job, "ended early: others wait for a handshake, and this peer has said the least");
}

/* ---- what a worker says ---- */

/* It has listened to strangers: its words are looked at, and what it says of a
   connection has to be so. */
static int is_answer(struct packet const *packet)
{
    return !packet->truncated && packet->len <= ANSWER_MAX && packet_is_text(packet, packet->len);
}

static void succeed(struct job *job, char const *facts, int fd)
{
    struct channel *channel = job->channel;
    if (!channel)
        packet_close(fd);
    else if (job->order.kind != ORDER_LISTEN)
        reply_ok(channel, &job->words, facts, fd);
    else if (!listener_open(channel, job, fd))
        reply_err(channel, &job->words, "out of memory");
    conclude(job);
}

static int says(char const *facts, char const *name)
{
    for (char const *fact = facts; fact; fact = strchr(fact, ' ')) {
        fact += *fact == ' ';
        if (!strncmp(fact, name, strlen(name))) return 1;
    }
    return 0;
}

/* Facts that the reply has of our own knowledge already. */
static int contradicts(struct job const *job, char const *facts)
{
    return says(facts, "id=") || (*job->words.remote && says(facts, "remote="));
}

/* Only what TLS protects, where that was asked for. */
static void hand_out(struct job *job, char const *facts, int fd)
{
    if (fd >= 0 && !contradicts(job, facts)) {
        succeed(job, facts, fd);
        return;
    }
    drop(&fd);
    fail(job, "the handshake process gave no protected connection");
}

static int plain(struct job const *job, struct packet *packet)
{
    return job->is_tls && job->order.kind != ORDER_LISTEN ? -1 : packet_take(packet, 0);
}

static int in_kernel(struct job *job)
{
    return ktls_is(job->connection, NULL) ? take(&job->connection) : -1;
}

/* The client's way to its connection is a socket of this machine, never one of
   the network, whatever a worker that was taken over gives. */
static int through_relay(struct job *job)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    if (getsockopt(job->relayed, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0) return -1;
    return domain == AF_UNIX ? take(&job->relayed) : -1;
}

static void hold(struct job *job, struct packet *packet)
{
    drop(&job->connection);
    drop(&job->relayed);
    job->connection = packet_take(packet, 0);
    job->relayed = packet_take(packet, 1);
}

static void ask(struct job *job, char const *facts)
{
    char text[PACKET_MAX];
    if (job->asked) {
        fail(job, "the handshake process asked twice");
        return;
    }
    job->asked = 1;
    job->question = ++last_question;
    int const len = snprintf(text, sizeof text, "ASK %llu %s%s%s\n", (unsigned long long)job->question,
                             job->words.url, *facts ? " " : "", facts);
    channel_reply(job->channel, text, (size_t)len, -1);
}

static void keep_deposit(struct job *job, struct packet *packet)
{
    drop(&job->deposit);
    job->deposit = packet_take(packet, 0);
}

/* What follows a word, or NULL when it is another. */
static char const *behind(char const *text, char const *word)
{
    size_t const len = strlen(word);
    if (strncmp(text, word, len) || (text[len] && text[len] != ' ')) return NULL;
    return text + len + (text[len] == ' ');
}

static void take_answer(struct job *job, struct packet *packet)
{
    char *text = packet->bytes;
    char const *rest;
    text[packet->len] = 0;
    if ((rest = behind(text, "HOLD")))
        hold(job, packet);
    else if ((rest = behind(text, "DEPOSIT")))
        keep_deposit(job, packet);
    else if ((rest = behind(text, "OK")))
        hand_out(job, rest, plain(job, packet));
    else if ((rest = behind(text, "KERNEL")))
        hand_out(job, rest, in_kernel(job));
    else if ((rest = behind(text, "RELAY")))
        hand_out(job, rest, through_relay(job));
    else if ((rest = behind(text, "ASK")))
        ask(job, rest);
    else if ((rest = behind(text, "ERR")))
        fail(job, rest);
    else
        fail(job, "the handshake process sent an invalid answer");
}

/* A worker that did not get round to saying so. */
static int is_late(struct job const *job)
{
    return now_ms() >= job->order.deadline;
}

/* After the answer only its end counts. */
static void listen_to_worker(struct source *source, uint32_t events)
{
    struct job *job = (struct job *)source;
    struct packet packet = { .fd_count = 0 };
    (void)events;
    int const received = packet_receive(source->fd, &packet);
    if (received < 0 && errno == EAGAIN) return;
    if (!job->answered) {
        if (received > 0 && is_answer(&packet))
            take_answer(job, &packet);
        else
            fail(job, is_late(job) ? "timed out" : "the handshake process ended without an answer");
    }
    packet_drop(&packet);
    if (received <= 0) end(job);
}

/* ---- answers to questions ---- */

static struct job *find_question(struct channel const *channel, uint64_t question)
{
    for (struct job *job = jobs; job; job = job->next)
        if (job->question == question && job->channel == channel) return job;
    return NULL;
}

/* Another worker brings the files; a deposit that stays empty says enough. */
static void order_files(struct job const *job, char const *parameters, struct rights const *rights)
{
    struct order order;
    int const fds[] = { job->source.fd, job->deposit };
    memset(&order, 0, sizeof order);
    order.kind = ORDER_LOAD;
    order.deadline = job->order.deadline;
    order.rights = *rights;
    strcpy(order.url, parameters);
    if (job->deposit >= 0) dispatch_order(&order, fds, 2);
}

int job_answer(struct channel *channel, uint64_t question, int yes, char const *parameters,
               struct rights const *rights)
{
    struct job *job = question ? find_question(channel, question) : NULL;
    if (!job) return 0;
    char const *word = !yes ? "no" : *parameters ? "load" : "yes";
    if (yes && *parameters) order_files(job, parameters, rights);
    drop(&job->deposit);
    job->question = 0;
    packet_send(job->source.fd, word, strlen(word), NULL, 0);
    return 1;
}

/* ---- workers ---- */

static int send_order(struct job const *job, int channel)
{
    int const fds[] = { channel, job->fd };
    return dispatch_order(&job->order, fds, job->fd < 0 ? 1 : 2);
}

int job_start(struct job *job)
{
    int pair[2];
    if (packet_pair(pair) < 0) {
        fail(job, strerror(errno));
        return 1;
    }
    int const sent = send_order(job, pair[1]), waits = sent < 0 && dispatch_must_wait();
    close(pair[1]);
    if (sent < 0) {
        close(pair[0]);
        if (!waits) fail(job, "the handshake master cannot be started");
        return !waits;
    }
    schedule_begin(job);
    drop(&job->fd);
    job->source = (struct source){ .fd = pair[0], .ready = &listen_to_worker };
    if (source_add(&job->source, EPOLLIN) < 0) {
        fail(job, strerror(errno));
        end(job);
    }
    return 1;
}

int jobs_have_room(void)
{
    return count < MAX_JOBS;
}

static int64_t patience(struct job const *job)
{
    return job->order.deadline + (job_is_running(job) ? GRACE_MS : 0);
}

static void expire(struct job *job)
{
    int const runs = job_is_running(job);
    char const *why = runs ? "timed out" : "timed out waiting for other handshakes";
    if (!job->answered) fail(job, schedule_hears(job) ? why : "TLS handshake: timed out");
    if (runs) end(job);
}

int jobs_expire(void)
{
    int64_t const now = now_ms();
    if (!next_deadline) return -1;
    if (next_deadline > now) return (int)(next_deadline - now);
    next_deadline = 0;
    for (struct job *job = jobs, *next; job; job = next) {
        next = job->next;
        if (patience(job) > now)
            note_deadline(patience(job));
        else
            expire(job);
    }
    return next_deadline ? (int)(next_deadline - now) : -1;
}
