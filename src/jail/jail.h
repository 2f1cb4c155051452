/* ISC license. */

/*
 * What a process gives up before it listens to strangers: descriptors, the file
 * system, new files and processes, root's rights, and every system call that a
 * handshake does not need. There is no way back and no way out.
 */

#ifndef KTLS_JAIL_H
#define KTLS_JAIL_H

#include <stddef.h>
#include <sys/types.h>

struct jail {
    int const *kept; /* descriptors that stay open; NULL: all do */
    size_t kept_count;
    unsigned int cpu_seconds; /* for the rest of this process's life; 0: no limit */
    size_t memory;            /* bytes of data in all (RLIMIT_DATA); 0: no limit */
    pid_t parent;             /* that it dies with, by SIGKILL; 0: none */

    /* Root's part. Without it uid, groups and root directory stay. */
    unsigned char is_root;
    uid_t uid; /* 0 stays root, for whom a filter must do */
    gid_t gid;
};

/* 0, or -1 with errno and *what saying what could not be done; then the process
   is neither in nor out and has to end. Single-threaded processes only. What is
   allowed afterwards is in filter.c; anything else kills the process (SIGSYS). */
extern int jail_enter(struct jail const *jail, char const **what);

/* Closes all descriptors but those; negative numbers are none. 0, or -1 with errno. */
extern int jail_close_others(int const *kept, size_t count);

#endif
