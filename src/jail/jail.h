/* ISC license. */

/*
 * What a process gives up before it listens to strangers: descriptors, the file
 * system, new files and processes, root's rights, and every system call that its
 * job does not need. There is no way back and no way out.
 */

#ifndef KTLS_JAIL_H
#define KTLS_JAIL_H

#include <stddef.h>
#include <sys/types.h>

/* In the order in which they are put up. */
enum jail_wall {
    JAIL_DESCRIPTORS,  /* those that are not kept are closed */
    JAIL_ROOT,         /* an empty root directory; root's part */
    JAIL_LIMITS,       /* no new files, processes or descriptors */
    JAIL_ACCOUNT,      /* another uid and gid; root's part */
    JAIL_CAPABILITIES, /* none */
    JAIL_SETTLE,       /* no core dump, no tracing by equals, the parent's death is ours */
    JAIL_PRIVILEGES,   /* none are gained any more */
    JAIL_FILTER,       /* of system calls */
    JAIL_WALLS
};

enum jail_job {
    JAIL_HANDSHAKE = 1, /* and the tickets after it */
    JAIL_RELAY = 2,     /* of records, by the kernel or here */
};

struct jail {
    unsigned int jobs; /* set of enum jail_job: which system calls are left */
    int const *kept;   /* descriptors that stay open; NULL: all do */
    size_t kept_count;
    unsigned int greatest;    /* no descriptor has a greater number; 0: any may */
    unsigned int cpu_seconds; /* for the rest of this process's life; 0: no limit */
    size_t memory;            /* bytes of data in all (RLIMIT_DATA); 0: no limit */
    pid_t parent;             /* that it dies with, by SIGKILL; 0: none */
    unsigned char may_grow_files; /* one of the descriptors may be a log file */

    /* Root's part. Without it uid, groups and root directory stay. */
    unsigned char is_root;
    uid_t uid; /* 0 stays root, for whom a filter must do */
    gid_t gid;
    int root; /* one of the kept, from jail_open_empty_root, which is closed; 0: none */

    unsigned int without;  /* 1u << wall, for each wall that is not put up */
    unsigned int optional; /* the same for each that may be missing where it cannot be */
};

/* 0, or -1 with errno and *what saying what could not be done; then the process
   is neither in nor out and has to end. 0 with *what set: that wall is missing,
   which was optional; errno says why. Else *what stays. Single-threaded processes only. What is allowed
   afterwards is in filter.c; anything else kills the process (SIGSYS). */
extern int jail_enter(struct jail const *jail, char const **what);

/* Which walls cannot be put up here, for instance in a container that lacks a
   capability: tried in a child process. Gives what jail_enter takes as `without`,
   and errno of each. A jail that does without the first, JAIL_DESCRIPTORS, would
   be less than a fork: it is not in the result. */
extern unsigned int jail_survey(struct jail const *jail, int error[JAIL_WALLS]);
extern char const *jail_wall_name(enum jail_wall wall);

/* A directory that is removed already, for `root`; -1 where no place can be
   written to. */
extern int jail_open_empty_root(void);

#endif
