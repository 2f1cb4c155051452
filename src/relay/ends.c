/* ISC license. */

/* How a direction, or the connection, ends. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/stack.h"

#define FAREWELL_MS 1000 /* for an alert to reach the peer */

/* A failure is minor when nothing is left to send and prog reads no more. */
void relay_report(struct engine *engine, int code, char const *fmt, ...)
{
    struct relay_report *report = engine->report;
    va_list args;
    if (*report->text) return;
    report->code = code;
    report->minor = engine->out.finished && engine->config.to_prog < 0 && !engine->out.error;
    va_start(args, fmt);
    vsnprintf(report->text, sizeof report->text, fmt, args);
    va_end(args);
}

void relay_note_data(struct engine *engine)
{
    engine->in.without_data = 0;
    engine->has_moved = 1;
    engine->out.held_until = 0;
}

static void end(int *fd, int how)
{
    if (*fd < 0) return;
    shutdown(*fd, how);
    close(*fd);
    *fd = -1;
}

void relay_end_input(struct engine *engine)
{
    end(&engine->config.to_prog, SHUT_WR);
    engine->in.data_len = 0;
    engine->in.waiting = 0;
}

void relay_end_output(struct engine *engine)
{
    end(&engine->config.from_prog, SHUT_RD);
}

void relay_half_close(struct engine *engine)
{
    int *fd = &engine->config.net_write;
    engine->out.finished = 1;
    if (*fd < 0 || shutdown(*fd, SHUT_WR) == 0 || errno != ENOTSOCK || *fd == engine->config.net_read) return;
    close(*fd);
    *fd = -1;
}

/* The peer sees the end now, however long prog continues. */
void relay_break_output(struct engine *engine)
{
    relay_end_output(engine);
    relay_half_close(engine);
}

/* After the end of our stream this is not an error, unless -J is given: then prog's input is incomplete
   without close_notify. */
void relay_abort(struct engine *engine, char const *what, char const *why)
{
    int const is_truncated = engine->config.enforce_close_notify && engine->config.to_prog >= 0;
    int const is_late = engine->out.finished && !engine->out.error && !is_truncated;
    relay_report(engine, is_late ? 0 : EXIT_TLS, "%s%s", what, why);
    engine->in.ended = 1;
    relay_break_output(engine);
}

void relay_cut(struct engine *engine)
{
    shutdown(engine->config.net_write, SHUT_RDWR);
    engine->in.ended = 1;
    engine->in.dropping = 0;
    relay_end_input(engine);
    relay_break_output(engine);
}

void relay_fail(struct engine *engine, enum tls_alert alert, char const *reason)
{
    if (engine->out.finished || engine->out.said_goodbye)
        relay_report(engine, EXIT_TLS, "received %s", reason);
    else
        relay_report(engine, EXIT_TLS, "received %s (sent alert %s)", reason, tls_alert_name(alert));
    engine->in.ended = engine->in.dropping = 1;
    engine->out.alert = (unsigned char)alert;
    engine->deadline = process_now_ms() + FAREWELL_MS;
    relay_end_output(engine);
}
