/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "chain/ktls-relay.h"

#define SEARCHED 1024 /* descriptors below are looked at one by one where they cannot be listed */

#ifndef CLOSE_RANGE_CLOEXEC /* Linux 5.11 */
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* Of getdents64(2). */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* *refused: one of the connection stays open for prog. */
static int hide(int fd, struct process_stream const connection[2], int *refused)
{
    struct process_stream stream;
    if (fd <= STDERR_FILENO) return 1;
    if (!process_identify(&stream, fd)) return 0;
    if (!process_are_same(&stream, connection) && !process_are_same(&stream, connection + 1)) return 1;
    *refused = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0;
    return !*refused;
}

static int hide_listed(char const *entries, long len, struct process_stream const connection[2], int *refused)
{
    struct entry const *entry;
    unsigned int fd;
    for (long at = 0; at < len; at += entry->size) {
        entry = (struct entry const *)(entries + at);
        if (uint0_scan(entry->name, &fd) && !hide((int)fd, connection, refused)) return 0;
    }
    return 1;
}

/* Without opendir(3), whose buffer would stay in the engine's memory. */
static int hide_all_listed(int list, struct process_stream const connection[2], int *refused)
{
    _Alignas(struct entry) char entries[2048];
    long len;
    while ((len = syscall(SYS_getdents64, list, entries, sizeof entries)) > 0)
        if (!hide_listed(entries, len, connection, refused)) return 0;
    return len == 0;
}

/* Of the descriptors that are neither listed nor looked at prog inherits none. */
static int hide_each(struct process_stream const connection[2])
{
    int refused;
    for (int fd = STDERR_FILENO + 1; fd < SEARCHED; fd++)
        if (!hide(fd, connection, &refused)) return 0;
    return syscall(SYS_close_range, SEARCHED, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

int relay_hide_copies(struct process_stream const connection[2])
{
    int const list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int refused = 0;
    int const done = list >= 0 && process_is_procfs(list) && hide_all_listed(list, connection, &refused);
    int const error = errno;
    if (list >= 0) close(list);
    if (done || (!refused && hide_each(connection))) return 1;
    errno = error;
    return 0;
}
