/* ISC license. */

#include <errno.h>

#include <skalibs/strerr.h>

#include "program/program.h"

void program_die_exec(char const *prog)
{
    int code = EXIT_CANNOT_EXECUTE;
    if (errno == ENOENT) code = EXIT_NOT_FOUND;
    if (errno == E2BIG) code = EXIT_ENVIRONMENT;
    strerr_diefsys(code, "executing ", prog);
}
