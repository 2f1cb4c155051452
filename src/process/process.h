/* ISC license. */

/*
 * What any process of ours does with the system: the clock, descriptors, ids,
 * what a core dump would show, programs beside this one. capabilities.h has the
 * rest of its privileges.
 *
 * Functions that can fail give 1, or 0 with errno.
 */

#ifndef KTLS_PROCESS_H
#define KTLS_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <skalibs/stralloc.h>

/* ---- clock.c ---- */

/* In ms of CLOCK_MONOTONIC. */
extern int64_t process_now_ms(void);
/* What poll(2) has to wait until that time: 0 when it has passed. */
extern int process_ms_until(int64_t deadline);

/* ---- timed_read.c ---- */

/* 1: fd is readable before the deadline. */
extern int process_await(int fd, int64_t deadline);
/* Reads to the end, to max bytes or to the deadline; gives how many. */
extern size_t process_read_until(int fd, void *to, size_t max, int64_t deadline);

/* ---- output.c ---- */

struct process_program {
    int fd;                         /* that it writes to */
    void (*become)(void const *ctx); /* executes it, in a process of its own */
    void const *ctx;
};

/* What the program writes until it closes fd, to max bytes or to the deadline, at which
   it is killed. Gives how many bytes; -1 when it could not be started. */
extern ssize_t process_read_output(char *to, size_t max, struct process_program const *program, int64_t deadline);

/* ---- descriptors.c ---- */

/* 1: what is there is /proc as the kernel makes it. */
extern int process_is_procfs(int fd);
/* Calls f with each open descriptor until it gives 0. 0 with errno: or they cannot
   be listed all. */
extern int process_each_descriptor(int (*f)(void *ctx, int fd), void *ctx);
/* Closes all descriptors but those; negative numbers are ignored. No descriptor
   has a number above `greatest`; 0: any may. */
extern void process_close_others(int const *kept, size_t count, unsigned int greatest);
/* Makes fd, be it open or not, one for /dev/null. */
extern int process_silence(int fd);
/* The same for those of 0, 1 and 2 that are closed: no descriptor of ours becomes
   one of them. They are closed again at exec. */
extern int process_fill_standard_descriptors(void);

/* ---- streams.c ---- */

/* A socket or pipe as all descriptors of it know it. */
struct process_stream {
    int is_open;
    int is_one; /* 0: neither socket nor pipe, or not open */
    dev_t device;
    ino_t inode;
};

extern int process_identify(struct process_stream *stream, int fd);
/* 1 when both are one socket or pipe. */
extern int process_are_same(struct process_stream const *a, struct process_stream const *b);
extern int process_is_one_stream(int a, int b);
/* A peer that has vanished is noticed some day, whoever holds the connection. */
extern void process_keep_alive(int fd);

/* ---- ids.c ---- */

/* All uids and gids become these, and there are no supplementary groups. */
extern int process_become(uid_t uid, gid_t gid);

/* ---- harden.c: no secret in a core dump, nor in a debugger of the same user ---- */

/* In this process and its heirs, for good. */
extern int process_forbid_core(void);
/* In this process until it executes another program, or changes its uid. */
extern int process_forbid_tracing(void);

/* What process_harden changes and was before. */
struct process_hardening {
    struct rlimit core_limit;
    void (*sigpipe)(int);
};

/* While there are secrets in memory: no core dump, no tracing, no death by SIGPIPE. */
extern int process_harden(struct process_hardening *before);
/* For prog: nothing secret is left in memory. */
extern int process_unharden(struct process_hardening const *before);

/* ---- own_programs.c ---- */

/* The path that name has in the folder of the running program, be it there or not. */
extern int process_find_own(char *path, size_t max, char const *name);
/* argv[0] is searched in the folder of the running program before PATH. Returns
   when it could not be executed. changes: to the environment, as skalibs' mexec
   takes them. */
extern void process_exec_own(char const *const *argv, stralloc const *changes);

#endif
