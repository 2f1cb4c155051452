/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "program/program.h"

/* A descriptor that cannot be identified is not taken for harmless. */
static struct process_stream identify(int fd)
{
    struct process_stream stream;
    if (!process_identify(&stream, fd)) strerr_diefsys(EXIT_SYSTEM, "fstat");
    return stream;
}

static struct process_stream identify_open(int fd)
{
    char name[INT_FMT];
    struct process_stream const stream = identify(fd);
    if (stream.is_open) return stream;
    name[int_fmt(name, fd)] = 0;
    errno = EBADF;
    strerr_diefsys(EXIT_SYSTEM, "descriptor ", name);
}

/* inetd and its like make the socket stderr too: what is said there, by us or
   by prog, would cross the network unprotected. One that is not open is open, on
   /dev/null, until exec. */
static void settle(int fd, struct process_stream const connection[2])
{
    struct process_stream const stream = identify(fd);
    int const is_copy = process_are_same(&stream, connection) || process_are_same(&stream, connection + 1);
    if (is_copy && !process_silence(fd)) _exit(EXIT_SYSTEM);
    if (!stream.is_open && open("/dev/null", O_RDWR | O_CLOEXEC) != fd) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
}

void program_check_descriptors(int fdr, int fdw)
{
    struct process_stream const connection[2] = { identify_open(fdr), identify_open(fdw) };
    for (int fd = 0; fd <= 2; fd++)
        if (fd != fdr && fd != fdw) settle(fd, connection);
}
