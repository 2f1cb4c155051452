/* ISC license. */

/* A super-server whose connections come from ktls-init, protected already. */

#include "init/client.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#define USAGE "ktls-accept [ -1 ] [ -c max ] [ -v verbosity ] [ -l path ] url prog..."
#define dieusage() strerr_dieusage(EXIT_USAGE, USAGE)
#define DEFAULT_MAX 40

struct options {
    unsigned int once, max, verbosity;
    char const *path;
};

static int parse_options(struct options *options, int argc, char const *const *argv)
{
    subgetopt l = SUBGETOPT_ZERO;
    for (;;) {
        int const opt = subgetopt_r(argc, argv, "1c:v:l:", &l);
        switch (opt) {
        case -1: return l.ind;
        case '1': options->once = 1; break;
        case 'c':
            if (!uint0_scan(l.arg, &options->max) || !options->max) dieusage();
            break;
        case 'v':
            if (!uint0_scan(l.arg, &options->verbosity)) dieusage();
            break;
        case 'l': options->path = l.arg; break;
        default: dieusage();
        }
    }
}

struct server {
    struct options options;
    char const *url;
    char const *const *prog;
    int channel, signals;
    unsigned int running;
};

static _Noreturn void become_prog(struct server const *server, struct ktls_reply const *reply)
{
    stralloc changes = STRALLOC_ZERO;
    client_write_environment(&changes, reply);
    close(server->channel);
    client_put(reply->fd, 0, 1);
    client_exec(server->prog, &changes);
}

static void start_prog(struct server *server, struct ktls_reply const *reply)
{
    pid_t const pid = fork();
    if (!pid) {
        selfpipe_finish();
        become_prog(server, reply);
    }
    if (pid < 0)
        strerr_warnwusys("fork");
    else
        server->running++;
    close(reply->fd);
}

/* One connection that failed is its peer's affair; the service says so on and
   on, unless there is no listener. */
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
static void serve(struct server *server)
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
    become_prog(server, &reply);
}

/* Those who stop us stop the listener; what runs, runs on. */
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
    argv += parse_options(&server.options, argc, argv);
    if (!argv[0] || !argv[1]) dieusage();
    server.url = argv[0];
    server.prog = argv + 1;
    server.channel = client_open_channel(server.options.path);
    if (ktls_listen(server.channel, server.url) < 0) {
        struct ktls_reply const nothing = { .reason = "" };
        return client_explain(&nothing, server.url);
    }
    if (server.options.once) serve_one(&server);
    server.signals = catch_signals();
    serve(&server);
}
