/* ISC license. */

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "init/init.h"

#define MAX_FAILURES 8

/* A signal that has arrived in the meantime is delivered when the mask is restored,
   with the dispositions that prog gets. */
static _Noreturn void become_prog(char const *const *prog, struct init_child const *child,
                             struct init_signals const *signals)
{
    if (setpgid(0, 0) < 0) strerr_diefsys(EXIT_SYSTEM, "setpgid");
    if (child->has_terminal && tcsetpgrp(0, getpid()) < 0)
        init_say(INIT_WARNING, "terminal: %s", strerror(errno));
    program_outlive_file_limit();
    init_restore_signals(signals);
    init_execute(prog);
    program_die_exec(prog[0]);
}

void init_start_child(struct init_child *child, char const *const *prog, struct init_signals const *signals)
{
    child->has_terminal = tcgetpgrp(0) == getpgrp();
    child->pid = fork();
    if (child->pid < 0) strerr_diefsys(EXIT_SYSTEM, "fork");
    if (!child->pid) become_prog(prog, child, signals);
    setpgid(child->pid, child->pid); /* the child does so too: neither waits for the other */
    init_say(INIT_INFO, "%s is process %d", prog[0], (int)child->pid);
}

void init_take_terminal(struct init_child const *child)
{
    if (child->has_terminal && tcgetpgrp(0) == child->pid) tcsetpgrp(0, getpgrp());
}

static void report_orphan(pid_t pid, struct init_options const *options)
{
    if (options->warn_reaped)
        init_say(INIT_WARNING, "reaped orphan process %d", (int)pid);
    else
        init_say(INIT_DEBUG, "reaped orphan process %d", (int)pid);
}

int init_reap(struct init_child const *child, struct init_options const *options, int *status)
{
    int const jobs = child->has_terminal && getpid() != 1;
    int ended = 0, failures = 0;
    for (;;) {
        int ending;
        pid_t const pid = waitpid(-1, &ending, jobs ? WNOHANG | WUNTRACED : WNOHANG);
        /* No further signal would come for a child that was not reaped. */
        if (pid < 0 && errno != ECHILD && failures++ < MAX_FAILURES) continue;
        if (pid <= 0) return ended;
        if (pid != child->pid) {
            if (!WIFSTOPPED(ending) && !supervisor_reaped(pid, ending)) report_orphan(pid, options);
        } else if (WIFSTOPPED(ending)) {
            init_stop_too();
        } else {
            *status = ending;
            ended = 1;
        }
    }
}
