/* ISC license. */

/*
 * The restrictions that a process applies to itself before it parses input from the
 * network: it gives up descriptors, the file system, new files and processes, root's
 * rights, and every system call that its job does not need. They cannot be undone.
 */

#ifndef KTLS_JAIL_H
#define KTLS_JAIL_H

#include <stddef.h>
#include <sys/types.h>

/* The single restrictions, in the order in which they are applied. */
enum jail_wall {
    JAIL_DESCRIPTORS,  /* all descriptors that are not kept are closed */
    JAIL_ROOT,         /* an empty root directory; root's part */
    JAIL_LIMITS,       /* no new files, processes or descriptors */
    JAIL_ACCOUNT,      /* another uid and gid; root's part */
    JAIL_CAPABILITIES, /* no capabilities */
    JAIL_SETTLE,       /* no core dump, no tracing by the same user, death with the parent */
    JAIL_PRIVILEGES,   /* no new privileges (PR_SET_NO_NEW_PRIVS) */
    JAIL_FILTER,       /* system call filter */
    JAIL_WALLS
};

enum jail_job {
    JAIL_HANDSHAKE = 1, /* including the session tickets after it */
    JAIL_RELAY = 2,     /* with the keys in the kernel or in user space */
};

struct jail {
    unsigned int jobs; /* set of enum jail_job: their system calls stay allowed */
    int const *kept;   /* descriptors that stay open; NULL: all */
    size_t kept_count;
    unsigned int greatest;    /* no open descriptor has a greater number; 0: unknown */
    unsigned int cpu_seconds; /* further CPU time of this process; 0: no limit */
    size_t memory;            /* bytes of data in all (RLIMIT_DATA); 0: no limit */
    pid_t parent;             /* its death kills this process (SIGKILL); 0: none */
    unsigned char may_grow_files; /* one of the descriptors may be a log file */

    /* Root's part. Without it uid, groups and root directory stay. */
    unsigned char is_root;
    uid_t uid; /* 0: stays root, and only the filter restricts it */
    gid_t gid;
    int root; /* a kept descriptor from jail_open_empty_root, which will be closed; 0: none */

    unsigned int without;  /* 1u << wall, for each restriction to leave out */
    unsigned int optional; /* the same for each restriction whose failure is not an error */
};

/* Applies the restrictions, in a single-threaded process. Returns -1 with errno, and the name
   of the failed restriction in *what; then the process is only partly restricted and has to
   exit. Returns 0 with *what set when this optional restriction failed with errno; otherwise
   *what is unchanged. filter.c has the system calls that are allowed afterwards; any other
   kills the process (SIGSYS). */
extern int jail_enter(struct jail const *jail, char const **what);

/* Finds out in child processes which restrictions cannot be applied here, for instance in a
   container that lacks a capability. Returns a set for `without`, and the errno of each. The
   set never contains JAIL_DESCRIPTORS, which cannot be left out. */
extern unsigned int jail_survey(struct jail const *jail, int error[JAIL_WALLS]);
extern char const *jail_wall_name(enum jail_wall wall);

/* Opens a directory that has been removed, for `root`; -1 when no directory is writable. */
extern int jail_open_empty_root(void);

#endif
