/* ISC license. */

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "init/init.h"

/* A parent that has died before it could be watched counts too. */
static void watch_parent(int sig, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)sig) < 0)
        strerr_diefsys(EXIT_SYSTEM, "PR_SET_PDEATHSIG");
    if (getppid() != parent) kill(getpid(), sig);
}

static void become_reaper(struct init_options const *options)
{
    if (options->subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1UL) < 0)
        strerr_diefsys(EXIT_SYSTEM, "PR_SET_CHILD_SUBREAPER");
    int is_subreaper = 0; /* the program that executed us may have set it */
    prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
    if (!is_subreaper && getpid() != 1)
        init_say(INIT_WARNING, "neither process 1 nor a subreaper (-s): orphans will not be reaped");
}

static int exit_code(int status, struct init_options const *options)
{
    int const code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    init_say(INIT_INFO, "the program %s: %d", WIFEXITED(status) ? "exited" : "was killed", code);
    return options->succeeded[code] ? 0 : code;
}

static int attend_to_events(struct init_child const *child, struct init_signals const *signals,
                  struct init_options const *options)
{
    struct pollfd p[1 + SUPERVISOR_POLL_MAX] = { { .fd = signals->fd, .events = POLLIN } };
    int status;
    while (!init_reap(child, options, &status)) {
        size_t const count = options->no_service ? 0 : supervisor_poll(p + 1);
        int const events = poll(p, 1 + count, -1);
        if (events < 0 && errno != EINTR) strerr_diefsys(EXIT_SYSTEM, "poll");
        if (events > 0) supervisor_attend(p + 1, count);
        init_forward_signals(signals, child, options);
    }
    init_take_terminal(child);
    return exit_code(status, options);
}

int main(int argc, char const *const *argv)
{
    pid_t const parent = getppid();
    struct init_signals signals;
    struct init_options options;
    struct init_child child;

    PROG = "ktls-init";
    init_hold_signals(&signals);
    char const *const *prog = init_parse_options(&options, argc, argv);
    init_set_verbosity(options.verbosity);
    if (options.death_signal) watch_parent(options.death_signal, parent);
    become_reaper(&options);
    if (!options.no_service) service_prepare(&options.service);
    init_start_child(&child, prog, &signals);
    if (!options.no_service) service_forget_client();
    return attend_to_events(&child, &signals, &options);
}
