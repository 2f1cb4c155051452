/* ISC license. */

/*
 * Services of the system that all processes use: the clock, descriptors, uids and
 * gids, protection from core dumps and tracing, and the execution of our own
 * programs. capabilities.h has the functions for capabilities.
 *
 * Functions that can fail return 1, or 0 with errno.
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
/* The timeout for poll(2) until the deadline: 0 when it has passed. */
extern int process_ms_until(int64_t deadline);

/* ---- timed_read.c ---- */

/* 1: fd is readable before the deadline. */
extern int process_await(int fd, int64_t deadline);
/* Reads until the end, max bytes or the deadline; returns the number of bytes. */
extern size_t process_read_until(int fd, void *to, size_t max, int64_t deadline);

/* ---- output.c ---- */

struct process_program {
    int fd;                         /* its descriptor for the output */
    void (*become)(void const *ctx); /* called in a child process to execute it */
    void const *ctx;
};

/* Reads the program's output until it closes fd, writes max bytes or the deadline passes; then
   it is killed. Returns the number of bytes; -1 when it could not be started. */
extern ssize_t process_read_output(char *to, size_t max, struct process_program const *program, int64_t deadline);

/* ---- descriptors.c ---- */

/* 1 when fd is on a procfs of the kernel. */
extern int process_is_procfs(int fd);
/* Calls f with each open descriptor until it returns 0. Returns 0 with errno then, or when
   the descriptors cannot all be listed. */
extern int process_each_descriptor(int (*f)(void *ctx, int fd), void *ctx);
/* Closes all descriptors except those in `kept`; negative numbers are ignored. No open
   descriptor has a number above `greatest`; 0: unknown. */
extern void process_close_others(int const *kept, size_t count, unsigned int greatest);
/* Opens /dev/null as fd, whether fd is open or not. */
extern int process_silence(int fd);
/* The same for those of 0, 1 and 2 that are closed, with close-on-exec, so that no later
   descriptor gets one of these numbers. */
extern int process_fill_standard_descriptors(void);

/* ---- streams.c ---- */

/* The identity of a socket or pipe, which is the same for all its descriptors. */
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
/* Sets SO_KEEPALIVE, so that a vanished peer is noticed at some time. */
extern void process_keep_alive(int fd);

/* ---- ids.c ---- */

/* Sets all uids and gids, and removes all supplementary groups. */
extern int process_become(uid_t uid, gid_t gid);
/* Whether the effective uid could become root's again; then it has. */
extern int process_can_be_root(void);

/* ---- harden.c: protects secrets from core dumps and from debuggers of the same user ---- */

/* Permanently, for this process and its descendants. */
extern int process_forbid_core(void);
/* In this process until it executes another program, or changes its uid. */
extern int process_forbid_tracing(void);

/* The settings that process_harden changes, as they were before. */
struct process_hardening {
    struct rlimit core_limit;
    void (*sigpipe)(int);
};

/* Use it while secrets are in memory: forbids core dumps and tracing, and ignores SIGPIPE. */
extern int process_harden(struct process_hardening *before);
/* Restores the settings for prog, when no secrets are left in memory. */
extern int process_unharden(struct process_hardening const *before);

/* ---- own_programs.c ---- */

/* Returns the path of name in the folder of the running program, whether it exists or not. */
extern int process_find_own(char *path, size_t max, char const *name);
/* Executes argv[0], which is searched in the folder of the running program before PATH. Returns
   when that failed. changes: those to the environment, in the format of skalibs' mexec. */
extern void process_exec_own(char const *const *argv, stralloc const *changes);

#endif
