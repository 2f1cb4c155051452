/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

#define LIST "/proc/self/fd"
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

static void hide(int fd, struct chain_identity const *connection)
{
    if (fd <= STDERR_FILENO || !chain_is_connection(connection, fd)) return;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) strerr_diefsys(EXIT_SYSTEM, "hiding a descriptor of the connection");
}

static void hide_listed(char const *entries, long len, struct chain_identity const *connection)
{
    struct entry const *entry;
    unsigned int fd;
    for (long at = 0; at < len; at += entry->size) {
        entry = (struct entry const *)(entries + at);
        if (uint0_scan(entry->name, &fd)) hide((int)fd, connection);
    }
}

/* Without opendir(3), whose buffer would stay in the engine's memory. 0: not to
   its end. */
static int read_list(int list, struct chain_identity const *connection)
{
    _Alignas(struct entry) char entries[2048];
    long len;
    while ((len = syscall(SYS_getdents64, list, entries, sizeof entries)) > 0)
        hide_listed(entries, len, connection);
    return len == 0;
}

/* 0: they cannot be listed all, errno says why. */
static int hide_all_listed(struct chain_identity const *connection)
{
    int const list = open(LIST, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list < 0) return 0;
    int const done = process_is_procfs(list) && read_list(list, connection);
    int const error = errno;
    close(list);
    errno = error;
    return done;
}

/* Of the descriptors that are neither listed nor looked at prog inherits none. */
void chain_hide_copies(struct chain_identity const *connection)
{
    if (hide_all_listed(connection)) return;
    int const error = errno;
    for (int fd = STDERR_FILENO + 1; fd < SEARCHED; fd++) hide(fd, connection);
    if (syscall(SYS_close_range, SEARCHED, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    errno = error;
    strerr_diefsys(EXIT_SYSTEM, "looking for other descriptors of the connection: " LIST);
}
