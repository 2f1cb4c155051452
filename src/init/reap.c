/* ISC license. */

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/init.h"

#define MAX_FAILURES 8

static void tell(pid_t pid, struct init_options const *options)
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
        /* Nobody would tell again of a child that was not reaped. */
        if (pid < 0 && errno != ECHILD && failures++ < MAX_FAILURES) continue;
        if (pid <= 0) return ended;
        if (pid != child->pid) {
            if (!WIFSTOPPED(ending) && !service_reaped(pid, ending)) tell(pid, options);
        } else if (WIFSTOPPED(ending)) {
            init_stop_too();
        } else {
            *status = ending;
            ended = 1;
        }
    }
}
