/* ISC license. */

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include <skalibs/strerr.h>

#include "init/init.h"

static unsigned int limit = INIT_WARNING;

void init_set_verbosity(unsigned int verbosity)
{
    limit = verbosity;
}

/* A reader that does not read must not block us: a pipe takes a line unless it is full. */
static int takes_a_line(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

void init_say(enum init_level level, char const *format, ...)
{
    static char const *const names[] = { "", ": warning: ", ": info: ", ": debug: " };
    char text[512];
    va_list arguments;
    if ((unsigned int)level > limit || !takes_a_line(2)) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    strerr_warn(PROG, names[level], text);
}
