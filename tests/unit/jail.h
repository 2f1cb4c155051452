/* ISC license. */

/* A process in jail, and what became of it. */

#ifndef TEST_JAIL_H
#define TEST_JAIL_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail.h"

#define NOBODY 65534

static unsigned int jobs_in_jail = JAIL_HANDSHAKE;

static inline struct jail strict_jail(int const *kept, size_t count, int as_root)
{
    return (struct jail){ .jobs = jobs_in_jail,
                          .kept = kept,
                          .kept_count = count,
                          .cpu_seconds = 5,
                          .memory = 64u << 20,
                          .parent = getppid(),
                          .is_root = (unsigned char)as_root,
                          .uid = NOBODY,
                          .gid = NOBODY };
}

/* The status of a child that does something in jail: that function's result
   is its exit code, 99 that the jail was refused, for a reason that is written
   to the first descriptor kept. */
static inline int in_jail(int (*action)(void), int const *kept, size_t count, int as_root)
{
    int status;
    fflush(stdout);
    pid_t const pid = fork();
    if (!pid) {
        char const *what = "";
        struct jail const jail = strict_jail(kept, count, as_root);
        if (!as_root && !geteuid() && setresuid(NOBODY, NOBODY, NOBODY) < 0) _exit(99);
        if (jail_enter(&jail, &what) < 0) {
            dprintf(kept[0], "# %s: %s\n", what, strerror(errno));
            _exit(99);
        }
        _exit(action());
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return status;
}

#endif
