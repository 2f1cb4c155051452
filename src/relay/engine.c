/* ISC license. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay/engine.h"

/* Nothing is left to send, and nobody to deliver to. */
static int is_abandoned(struct engine const *engine)
{
    return engine->out.finished && engine->config.to_prog < 0;
}

void relay_report(struct engine *engine, int code, char const *fmt, ...)
{
    struct relay_report *report = engine->report;
    va_list args;
    if (report->code) return;
    report->code = code;
    report->minor = is_abandoned(engine) && !engine->out.error;
    va_start(args, fmt);
    vsnprintf(report->text, sizeof report->text, fmt, args);
    va_end(args);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void relay_fail(struct engine *engine, enum tls_alert alert, char const *reason)
{
    if (engine->out.finished || engine->out.said_goodbye)
        relay_report(engine, EXIT_TLS, "received %s", reason);
    else
        relay_report(engine, EXIT_TLS, "received %s (sent alert %s)", reason, tls_alert_name(alert));
    engine->in.ended = engine->in.dropping = 1;
    engine->out.alert = (unsigned char)alert;
    engine->deadline = now_ms() + FAREWELL_MS;
    relay_end_input(engine);
    relay_end_output(engine);
}

enum { NET_READ, NET_WRITE, TO_PROG, FROM_PROG, DESCRIPTORS };

static int is_sending(struct engine const *engine)
{
    return engine->out.start < engine->out.end;
}

/* A descriptor that nothing is wanted of is not polled: it could only report
   its hangup again and again. Those of prog are, once, for the news that it is gone. */
static void choose_events(struct engine const *engine, struct pollfd p[DESCRIPTORS])
{
    struct inbound const *in = &engine->in;
    int const sending = is_sending(engine), told = sending && engine->prog_writes_no_more;
    int const reading = (!in->ended && !in->data_len) || in->dropping;

    p[NET_READ] = (struct pollfd){ .fd = reading ? engine->config.net_read : -1, .events = POLLIN };
    p[NET_WRITE] = (struct pollfd){ .fd = sending ? engine->config.net_write : -1, .events = POLLOUT };
    p[TO_PROG] = (struct pollfd){ .fd = engine->config.to_prog, .events = in->data_len ? POLLOUT : 0 };
    p[FROM_PROG].fd = told ? -1 : engine->config.from_prog;
    p[FROM_PROG].events = sending ? 0 : POLLIN;
}

static int timeout_ms(struct engine const *engine)
{
    if (!engine->deadline) return -1;
    int64_t const left = engine->deadline - now_ms();
    return left < 0 ? 0 : (int)left;
}

/* 0: the deadline has passed. */
static int wait_for_events(struct engine *engine, struct pollfd p[DESCRIPTORS])
{
    choose_events(engine, p);
    for (;;) {
        int const r = poll(p, DESCRIPTORS, timeout_ms(engine));
        if (r >= 0) return r > 0;
        if (errno == EINTR) continue;
        relay_report(engine, EXIT_SYSTEM, "poll: %s", strerror(errno));
        return 0;
    }
}

/* A peer that still talks to a prog that is gone is heard out for a while, lest
   a reset take prog's words back. */
static int is_over(struct engine *engine)
{
    if (engine->in.ended && !engine->in.dropping && engine->config.to_prog < 0) return engine->out.finished;
    if (is_abandoned(engine) && !engine->deadline) engine->deadline = now_ms() + LINGER_MS;
    return 0;
}

/* Nobody waits for a peer that takes nothing any more, but for the kernel. */
static void watch_stalled_peer(struct engine *engine)
{
    int const writes_no_more = engine->config.from_prog < 0 || engine->prog_writes_no_more;
    int const is_gone = engine->config.to_prog < 0 && writes_no_more;
    if (!is_gone || !is_sending(engine) || engine->in.dropping) return;
    if (engine->deadline && engine->sent_before == engine->out.sent) return;
    engine->sent_before = engine->out.sent;
    engine->deadline = now_ms() + LINGER_MS;
}

static void pump(struct engine *engine)
{
    struct pollfd p[DESCRIPTORS];
    for (; !is_over(engine); watch_stalled_peer(engine)) {
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

int relay_keys_are_usable(struct relay_keys const *keys)
{
    struct crypto_suite const *suite = crypto_suite_by_id(keys->suite);
    return keys->magic == RELAY_KEYS_MAGIC && suite && keys->tx.version == suite->version
           && keys->rx.version == suite->version && keys->tx.cipher == suite->cipher
           && keys->rx.cipher == suite->cipher;
}

void relay_run(struct relay_config const *config, struct relay_keys *keys, struct relay_report *report)
{
    /* Not on the stack: a page that no record has reached costs no memory. */
    static unsigned char raw[RAW_SIZE], sealed[SEALED_SIZE];
    struct engine engine = { .config = *config, .keys = keys, .report = report };
    *report = (struct relay_report){ .code = 0 };
    engine.suite = crypto_suite_by_id(keys->suite);
    engine.in.raw = raw;
    engine.out.sealed = sealed;
    pump(&engine);
    if (engine.out.error && !report->code) {
        relay_report(&engine, EXIT_TLS, "writing to the network: %s", strerror(engine.out.error));
        report->minor = engine.in.orderly;
    }
    close_all(&engine.config);
    crypto_wipe(keys, sizeof *keys);
    crypto_wipe(raw, sizeof raw);
    crypto_wipe(sealed, sizeof sealed);
}
