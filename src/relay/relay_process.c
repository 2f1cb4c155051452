/* ISC license. */

/*
 * The engine parses input from the peer during the whole connection. It enters a
 * jail before prog is started: with TLS_UID and TLS_GID it is as strict as that
 * of the handshake, without them it consists of what an unprivileged process can do.
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "relay/ktls-relay.h"
#include "jail/jail.h"
#include "program/program.h"

#define POLLED 4 /* descriptors at a time */
#define MEMORY (16u << 20)
/* Without TLS_UID and TLS_GID the jail may lack these restrictions when the system refuses them. */
#define UNASKED (1u << JAIL_LIMITS | 1u << JAIL_CAPABILITIES | 1u << JAIL_FILTER)

/* Shuts the connection down for all processes that have it. */
static void cut(struct relay_options const *options)
{
    shutdown((int)options->write_fd, SHUT_RDWR);
}

static void enter_jail(struct relay_options const *options)
{
    int const is_apart = options->uid || options->gid;
    struct jail const jail = { .jobs = JAIL_RELAY,
                               .kept_count = POLLED,
                               .memory = MEMORY,
                               .may_grow_files = 1,
                               .is_root = (unsigned char)is_apart,
                               .uid = options->uid,
                               .gid = options->gid ? options->gid : getgid(),
                               .optional = is_apart ? 0 : UNASKED };
    char const *what = NULL;
    if (jail_enter(&jail, &what) < 0) {
        cut(options);
        strerr_diefsys(EXIT_ENGINE, "jail for the engine: ", what);
    }
    if (what && options->verbosity >= 2) strerr_warnwsys("the engine has no ", what);
}

static void say_ready(int ready)
{
    if (ready < 0) return;
    if (write(ready, "", 1) != 1) strerr_diefsys(EXIT_SYSTEM, "starting the engine");
    close(ready);
}

static void close_others(struct relay_options const *options, struct relay_ends const *ends, int ready)
{
    int const kept[] = { 2, (int)options->read_fd, (int)options->write_fd, ends->to_prog, ends->from_prog, ready };
    process_close_others(kept, sizeof kept / sizeof *kept, 0);
}

static _Noreturn void finish(struct relay_options const *options, struct relay_report const *report)
{
    int const is_of_interest = (report->code && !report->minor) || options->verbosity >= 2;
    if (*report->text && is_of_interest)
        strerr_warn(PROG, report->code ? ": fatal: " : ": info: ", program_peer(), report->text);
    _exit(report->code);
}

void relay_run_engine(struct relay_options const *options, struct relay_ends const *ends,
                      struct relay_keys *keys, int ready)
{
    struct relay_config const config = {
        .net_read = (int)options->read_fd,
        .net_write = (int)options->write_fd,
        .to_prog = ends->to_prog,
        .from_prog = ends->from_prog,
        .farewell = (unsigned char)options->farewell,
        .enforce_close_notify = options->enforce_close_notify != 0,
        .idle_ms = options->idle_timeout,
    };
    struct relay_report report;

    close_others(options, ends, ready);
    if (chdir("/") < 0) strerr_diefsys(EXIT_SYSTEM, "chdir");
    relay_start(&config, keys, &report);
    if (report.code) finish(options, &report);
    enter_jail(options);
    say_ready(ready);
    relay_run();
    finish(options, &report);
}

void relay_await_engine(pid_t engine, int ready)
{
    char byte;
    int status;
    ssize_t const r = fd_read(ready, &byte, 1);
    close(ready);
    if (r == 1) return;
    if (wait_pid(engine, &status) < 0) strerr_diefsys(EXIT_ENGINE, "the engine did not start");
    if (WIFEXITED(status) && WEXITSTATUS(status)) _exit(WEXITSTATUS(status));
    strerr_dief(EXIT_ENGINE, "the engine did not start",
                WIFSIGNALED(status) ? ": " : "", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
}
