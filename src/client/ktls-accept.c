/* ISC license. */

/* A super-server whose connections come from ktls-init, protected already. */

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>

#include "client/client.h"

#define DEFAULT_MAX 40

struct options {
    unsigned int once, max, verbosity;
    char const *path;
};

#define FIELD(name) offsetof(struct options, name)

static struct option_row const rows[] = {
    { '1', "once", 1, OPTION_FLAG, FIELD(once), 1, NULL, "take one connection and execute prog here" },
    { 'c', "max", 1, OPTION_NUMBER, FIELD(max), 0, "max", "programs at a time (default 40)" },
    { 'v', "verbosity", 1, OPTION_NUMBER, FIELD(verbosity), 0, "verbosity", "0, 1 (default)" },
    { 'l', "listener", 1, OPTION_TEXT, FIELD(path), 0, "path", "the service that listens there, not KTLS_FD's" },
};

static struct option_table const table = {
    .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1, .operands = "url prog...",
};

struct server {
    struct options options;
    char const *url;
    char const *const *prog;
    int channel, signals;
    unsigned int running;
};

static _Noreturn void exec_prog_on(struct server const *server, struct ktls_reply const *reply)
{
    stralloc changes = STRALLOC_ZERO;
    client_write_environment(&changes, reply);
    close(server->channel);
    client_put(reply->fd, 0, 1);
    program_exec(server->prog, &changes);
}

static void start_prog(struct server *server, struct ktls_reply const *reply)
{
    pid_t const pid = fork();
    if (!pid) {
        selfpipe_finish();
        exec_prog_on(server, reply);
    }
    if (pid < 0)
        strerr_warnwusys("fork");
    else
        server->running++;
    close(reply->fd);
}

/* The failure of one connection is reported and others follow; without a listener
   none will come, and we end. */
static void take_reply(struct server *server)
{
    struct ktls_reply reply;
    if (ktls_accept(server->channel, &reply) >= 0) {
        start_prog(server, &reply);
        return;
    }
    int const is_one_of_many = errno == EREMOTEIO && *reply.remote;
    if (is_one_of_many && !server->options.verbosity) return;
    int const code = client_explain(&reply, server->url);
    if (!is_one_of_many) _exit(code);
}

static void take_signals(struct server *server)
{
    for (;;) {
        int const signal = selfpipe_read();
        if (signal < 0) strerr_diefsys(EXIT_SYSTEM, "selfpipe");
        if (!signal) return;
        if (signal == SIGTERM) _exit(0);
        while (wait_nohang(NULL) > 0) server->running--;
    }
}

/* At the limit nothing is read: the service then accepts no more. */
static void serve_connections(struct server *server)
{
    iopause_fd p[2] = { { .fd = server->signals, .events = IOPAUSE_READ }, { .events = IOPAUSE_READ } };
    for (;;) {
        p[1].fd = server->running < server->options.max ? server->channel : -1;
        if (iopause(p, 2, NULL, NULL) < 0) strerr_diefsys(EXIT_SYSTEM, "poll");
        if (p[0].revents) take_signals(server);
        if (p[1].fd >= 0 && p[1].revents) take_reply(server);
    }
}

static _Noreturn void serve_one(struct server const *server)
{
    struct ktls_reply reply;
    while (ktls_accept(server->channel, &reply) < 0) {
        int const is_one_of_many = errno == EREMOTEIO && *reply.remote;
        int const code = client_explain(&reply, server->url);
        if (!is_one_of_many) _exit(code);
    }
    exec_prog_on(server, &reply);
}

/* SIGTERM ends the listener; programs that run continue. */
static int catch_signals(void)
{
    int const fd = selfpipe_init();
    if (fd < 0 || !selfpipe_trap(SIGCHLD) || !selfpipe_trap(SIGTERM)) strerr_diefsys(EXIT_SYSTEM, "selfpipe");
    return fd;
}

int main(int argc, char const *const *argv)
{
    struct server server = { .options = { .max = DEFAULT_MAX, .verbosity = 1 } };

    PROG = "ktls-accept";
    program_outlive_file_limit();
    argv = program_scan_options(&table, &server.options, argc, argv);
    if (!argv[0] || !argv[1]) program_die_usage(&table);
    if (!server.options.max) strerr_dief(EXIT_USAGE, "--max is 1 or more");
    server.url = argv[0];
    server.prog = argv + 1;
    server.channel = client_open_channel(server.options.path);
    if (ktls_listen(server.channel, server.url) < 0) {
        struct ktls_reply const nothing = { .reason = "" };
        return client_explain(&nothing, server.url);
    }
    if (server.options.once) serve_one(&server);
    server.signals = catch_signals();
    serve_connections(&server);
}
