/* ISC license. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "program/program.h"

int program_fail(struct program_error *error, int code, char const *format, ...)
{
    va_list args;
    error->code = code;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return 0;
}

int program_fail_system(struct program_error *error, int code, char const *what)
{
    return program_fail(error, code, "%s: %s", what, strerror(errno));
}

void program_die(struct program_error const *error)
{
    strerr_dief(error->code, error->text);
}
