/* ISC license. */

#include <errno.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "program/program.h"

/* Fails when a descriptor cannot be identified, because it may be the connection. */
static struct process_stream identify(int fd)
{
    struct process_stream stream;
    if (!process_identify(&stream, fd)) strerr_diefsys(EXIT_SYSTEM, "fstat");
    return stream;
}

static void require_open(int fd, struct process_stream const *stream)
{
    char name[INT_FMT];
    if (stream->is_open) return;
    name[int_fmt(name, fd)] = 0;
    errno = EBADF;
    strerr_diefsys(EXIT_SYSTEM, "descriptor ", name);
}

/* inetd and similar servers make the socket stderr, too: then messages of ours or of prog
   would cross the network unprotected. */
static void silence_copy(int fd, struct process_stream const connection[2])
{
    struct process_stream const stream = identify(fd);
    int const is_copy = process_are_same(&stream, connection) || process_are_same(&stream, connection + 1);
    if (is_copy && !process_silence(fd)) _exit(EXIT_SYSTEM);
}

/* Prints no message before stderr is known not to be the connection. */
void program_check_descriptors(int fdr, int fdw)
{
    struct process_stream const connection[2] = { identify(fdr), identify(fdw) };
    for (int fd = 0; fd <= 2; fd++)
        if (fd != fdr && fd != fdw) silence_copy(fd, connection);
    require_open(fdr, connection);
    require_open(fdw, connection + 1);
    if (!process_fill_standard_descriptors()) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
}
