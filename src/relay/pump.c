/* ISC license. */

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "relay/stack.h"

#define SETTLE_MS 5  /* the first wait; doubled each time that no data has moved */
#define REST_MS 1000 /* without an event, until memory is given back */

enum { NET_READ, NET_WRITE, TO_PROG, FROM_PROG, DESCRIPTORS };

static int is_sending(struct engine const *engine)
{
    return engine->medium->is_sending(engine);
}

/* A descriptor without a wanted event is not polled, because it could only report its hangup
   again and again. Prog's descriptors are polled until their hangup has been seen. */
static void choose_events(struct engine const *engine, struct pollfd p[DESCRIPTORS])
{
    struct inbound const *in = &engine->in;
    int const sending = is_sending(engine), told = sending && engine->prog_writes_no_more;
    int const reading = (!in->ended && !in->waiting) || in->dropping;

    p[NET_READ] = (struct pollfd){ .fd = reading ? engine->config.net_read : -1, .events = POLLIN };
    p[NET_WRITE] = (struct pollfd){ .fd = sending ? engine->config.net_write : -1, .events = POLLOUT };
    p[TO_PROG] = (struct pollfd){ .fd = engine->config.to_prog, .events = in->waiting ? POLLOUT : 0 };
    p[FROM_PROG].fd = told ? -1 : engine->config.from_prog;
    p[FROM_PROG].events = sending ? 0 : POLLIN;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

static int timeout_ms(struct engine const *engine)
{
    unsigned int const looks = engine->out.settling;
    int const soon = looks ? SETTLE_MS << (looks - 1) : engine->is_awake ? REST_MS : -1;
    int64_t const until = earlier(earlier(engine->deadline, engine->idle_deadline), engine->out.held_until);
    if (!until) return soon;
    int const left = process_ms_until(until);
    return soon >= 0 && soon < left ? soon : left;
}

/* Counts the bytes that have left our socket's buffer, because the socket becomes writable
   only much later. */
static uint64_t taken_by_peer(struct engine const *engine)
{
    int queued;
    if (ioctl(engine->config.net_write, SIOCOUTQ, &queued) < 0) queued = 0;
    return engine->out.sent - (unsigned int)queued;
}

static void watch_idleness(struct engine *engine)
{
    if (!engine->config.idle_ms || (engine->idle_deadline && !engine->has_moved)) return;
    engine->idle_deadline = process_now_ms() + engine->config.idle_ms;
    engine->idle_taken = taken_by_peer(engine);
    engine->has_moved = 0;
}

static int has_passed(int64_t deadline)
{
    return deadline && deadline <= process_now_ms();
}

static void rest(struct engine *engine)
{
    engine->medium->rest(engine);
    relay_give_back_stack();
    engine->is_awake = 0;
}

/* Limits the wait for a peer that reads nothing any more: the kernel keeps the rest and sends
   it later. A peer that has read everything and still sends is read from for a while, because
   a reset would discard the data that prog has sent. */
static void watch_peer(struct engine *engine)
{
    int const writes_no_more = engine->config.from_prog < 0 || engine->prog_writes_no_more;
    if (engine->config.to_prog >= 0 || !writes_no_more || engine->in.dropping) return;
    uint64_t const taken = taken_by_peer(engine);
    if (engine->deadline && engine->taken_before == taken) return;
    engine->taken_before = taken;
    engine->deadline = process_now_ms() + engine->config.linger_ms;
}

/* The peer's time is over; prog may take any time. 0: prog has received everything. */
static int leave_peer(struct engine *engine)
{
    if (!engine->out.finished) relay_report(engine, EXIT_TLS, "the peer does not read any more");
    engine->deadline = 0;
    engine->in.ended = 1;
    engine->in.dropping = 0;
    relay_break_output(engine);
    return engine->in.waiting;
}

/* 0: the connection is over and has been reported. */
static int take_pause(struct engine *engine)
{
    if (engine->is_awake && !engine->out.settling) rest(engine);
    watch_peer(engine);
    if (has_passed(engine->deadline)) return leave_peer(engine);
    if (!has_passed(engine->idle_deadline)) return 1;
    engine->has_moved = engine->idle_taken != taken_by_peer(engine);
    if (engine->has_moved) return 1;
    relay_report(engine, EXIT_TLS, "no data either way for %u ms", engine->config.idle_ms);
    return 0;
}

/* 0: the connection is over. */
static int wait_for_events(struct engine *engine, struct pollfd p[DESCRIPTORS])
{
    watch_idleness(engine);
    choose_events(engine, p);
    int const r = poll(p, DESCRIPTORS, timeout_ms(engine));
    if (r > 0) engine->is_awake = 1;
    if (r > 0 && !has_passed(engine->deadline)) return 1;
    for (int i = 0; i < DESCRIPTORS; i++) p[i].revents = 0;
    if (r >= 0) return take_pause(engine);
    if (errno == EINTR) return 1;
    relay_report(engine, EXIT_SYSTEM, "poll: %s", strerror(errno));
    return 0;
}

static int is_over(struct engine const *engine)
{
    return engine->in.ended && !engine->in.dropping && engine->out.finished && engine->config.to_prog < 0;
}

static void pump(struct engine *engine)
{
    struct pollfd p[DESCRIPTORS];
    for (; !is_over(engine); watch_peer(engine)) {
        if (!wait_for_events(engine, p)) return;
        if (p[FROM_PROG].revents & (POLLERR | POLLHUP)) engine->prog_writes_no_more = 1;
        if (p[TO_PROG].revents & (POLLERR | POLLHUP)) relay_end_input(engine);
        relay_pump_in(engine, p[NET_READ].revents != 0);
        relay_pump_out(engine, p[FROM_PROG].revents != 0);
    }
}

static void close_all(struct relay_config const *config)
{
    int const fds[] = { config->to_prog, config->from_prog, config->net_write, config->net_read };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0) close(fds[i]);
}

static struct engine engine;

void relay_start(struct relay_config const *config, struct relay_keys *keys, struct relay_report *report)
{
    *report = (struct relay_report){ .code = 0 };
    engine = (struct engine){ .config = *config, .keys = keys, .report = report };
    engine.medium = keys->in_kernel ? &relay_in_kernel : &relay_in_user_space;
    engine.suite = crypto_suite_by_id(keys->suite);
    engine.version = keys->tx.version;
    if (!config->linger_ms) engine.config.linger_ms = RELAY_LINGER_MS;
    if (!config->silence_ms) engine.config.silence_ms = RELAY_SILENCE_MS;
    if (!config->max_records) engine.config.max_records = RELAY_MAX_RECORDS;
    engine.is_awake = 1;
    if (engine.medium->start(&engine)) return;
    relay_report(&engine, EXIT_SYSTEM, "starting the relay: %s", strerror(errno));
    relay_cut(&engine);
}

void relay_run(void)
{
    pump(&engine);
    if (engine.out.error && !*engine.report->text) {
        relay_report(&engine, EXIT_TLS, "writing to the network: %s", strerror(engine.out.error));
        engine.report->minor = engine.in.orderly;
    }
    engine.medium->finish(&engine);
    close_all(&engine.config);
    crypto_wipe(engine.keys, sizeof *engine.keys);
}
