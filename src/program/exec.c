/* ISC license. */

#include <errno.h>
#include <signal.h>

#include <skalibs/exec.h>
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

void program_exec(char const *const *prog, stralloc const *changes)
{
    mexec_m(prog, changes->s, changes->len);
    program_die_exec(prog[0]);
}

void program_exec_own(char const *const *argv, stralloc const *changes)
{
    process_exec_own(argv, changes);
    strerr_diefsys(errno == E2BIG ? EXIT_ENVIRONMENT : EXIT_ENGINE, "executing ", argv[0]);
}

void program_harden(struct process_hardening *before)
{
    if (!process_harden(before)) strerr_diefsys(EXIT_SYSTEM, "forbidding core dumps");
}

void program_unharden(struct process_hardening const *before)
{
    if (!process_unharden(before)) strerr_diefsys(EXIT_SYSTEM, "allowing core dumps again");
}
