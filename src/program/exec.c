/* ISC license. */

#include <errno.h>
#include <signal.h>

#include <skalibs/strerr.h>

#include "program/program.h"

static void do_nothing(int sig)
{
    (void)sig;
}

void program_outlive_file_limit(void)
{
    struct sigaction const action = { .sa_handler = &do_nothing, .sa_flags = SA_RESTART };
    struct sigaction now;
    if (sigaction(SIGXFSZ, NULL, &now) == 0 && now.sa_handler == SIG_DFL) sigaction(SIGXFSZ, &action, NULL);
}

void program_die_exec(char const *prog)
{
    int code = EXIT_CANNOT_EXECUTE;
    if (errno == ENOENT) code = EXIT_NOT_FOUND;
    if (errno == E2BIG) code = EXIT_ENVIRONMENT;
    strerr_diefsys(code, "executing ", prog);
}
