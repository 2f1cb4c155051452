/* ISC license. */

#include <fcntl.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "program/program.h"

static void check_open(int fd)
{
    char name[INT_FMT];
    if (fcntl(fd, F_GETFD) >= 0) return;
    name[int_fmt(name, fd)] = 0;
    strerr_diefsys(EXIT_SYSTEM, "descriptor ", name);
}

/* A descriptor that cannot be identified is not taken for harmless. */
static struct process_stream identify(int fd)
{
    struct process_stream stream;
    if (!process_identify(&stream, fd)) strerr_diefsys(EXIT_SYSTEM, "fstat");
    return stream;
}

/* inetd and its like make the socket stderr too: what is said there, by us or
   by prog, would cross the network unprotected. */
static void silence_copy(int fd, struct process_stream const connection[2])
{
    struct process_stream const stream = identify(fd);
    if (!process_are_same(&stream, connection) && !process_are_same(&stream, connection + 1)) return;
    if (!process_silence(fd)) _exit(EXIT_SYSTEM);
}

void program_check_descriptors(int fdr, int fdw)
{
    struct process_stream const connection[2] = { identify(fdr), identify(fdw) };
    for (int fd = 0; fd <= 2; fd++)
        if (fd != fdr && fd != fdw) silence_copy(fd, connection);
    check_open(fdr);
    check_open(fdw);
    if (!process_fill_standard_descriptors()) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
}
