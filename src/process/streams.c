/* ISC license. */

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "process/process.h"

int process_identify(struct process_stream *stream, int fd)
{
    struct stat s;
    *stream = (struct process_stream){ .is_one = 0 };
    if (fstat(fd, &s) < 0) return errno == EBADF;
    *stream = (struct process_stream){ 1, S_ISSOCK(s.st_mode) || S_ISFIFO(s.st_mode), s.st_dev, s.st_ino };
    return 1;
}

int process_are_same(struct process_stream const *a, struct process_stream const *b)
{
    return a->is_one && b->is_one && a->device == b->device && a->inode == b->inode;
}

int process_is_one_stream(int a, int b)
{
    struct process_stream s, t;
    return process_identify(&s, a) && process_identify(&t, b) && process_are_same(&s, &t);
}

/* The times are the system's defaults (tcp(7)). */
void process_keep_alive(int fd)
{
    int const on = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}
