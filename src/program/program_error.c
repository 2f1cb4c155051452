/* ISC license. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "program/program.h"

int program_fail(struct program_error *error, int code, char const *format, ...)
{
    va_list args;
    error->code = code;
    error->is_about_peer = error->first_bytes = 0;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return 0;
}

int program_fail_system(struct program_error *error, int code, char const *what)
{
    return program_fail(error, code, "%s: %s", what, strerror(errno));
}

void program_tell(struct program_error const *error)
{
    strerr_warn(PROG, ": fatal: ", error->is_about_peer ? program_peer() : "", error->text);
}

void program_die(struct program_error const *error)
{
    program_tell(error);
    _exit(error->code);
}
