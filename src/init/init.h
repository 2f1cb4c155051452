/* ISC license. */

/*
 * ktls-init: the first process of a container.
 *
 * Every signal is blocked from the first instruction to the end and read from
 * a descriptor, in one loop that waits in poll alone. So a signal that comes
 * before there is a child waits for it, and nothing is interrupted.
 */

#ifndef KTLS_INIT_H
#define KTLS_INIT_H

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

#include "program/program.h"

/* ---- init_options.c ---- */

struct service_options {
    char const *path;    /* to listen at, too; NULL: none */
    char const *uids;    /* who may connect there besides root and us; NULL: nobody */
    char const *key_dir; /* where certificates and keys are; NULL: where clients can read */
    unsigned int max;    /* handshakes at a time */
};

struct init_options {
    unsigned int subreaper;
    unsigned int kill_group; /* signals go to the child's whole group */
    unsigned int warn_reaped;
    unsigned int verbosity;
    char const *death_signal_name;
    int death_signal;             /* when our parent dies; 0: none */
    unsigned char succeeded[256]; /* exit codes that become 0 */
    unsigned int no_service;
    struct service_options service;
};

/* From the environment and the command line. Gives argv from prog on. */
extern char const *const *init_parse_options(struct init_options *options, int argc, char const *const *argv);

/* ---- init_message.c ---- */

enum init_level { INIT_WARNING = 1, INIT_INFO, INIT_DEBUG };

extern void init_set_verbosity(unsigned int verbosity);
/* One line on stderr, unless that would have to wait. */
extern void init_say(enum init_level level, char const *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- children.c ---- */

struct init_child {
    pid_t pid;
    int has_terminal; /* we gave it the foreground of our standard input */
};

struct init_signals;

extern void init_start_child(struct init_child *child, char const *const *prog,
                             struct init_signals const *signals);
/* The terminal is ours again when it was the child's. */
extern void init_take_terminal(struct init_child const *child);
/* Reaps all that have ended. 1: the child is one of them, *status is its. */
extern int init_reap(struct init_child const *child, struct init_options const *options, int *status);

/* ---- execvp.c ---- */

/* Returns only when prog cannot be executed, with errno. */
extern void init_execute(char const *const *prog);

/* ---- signals.c ---- */

struct init_signals {
    sigset_t inherited_mask;
    struct sigaction inherited_chld;
    int fd; /* readable: init_forward_signals */
};

extern void init_hold_signals(struct init_signals *signals);
/* In the child, before it becomes prog. */
extern void init_restore_signals(struct init_signals const *signals);
/* Passes on what has come; to be called before the child is reaped. */
extern void init_forward_signals(struct init_signals const *signals, struct init_child const *child,
                                 struct init_options const *options);
/* The child has stopped: so do we, and tell our shell, where one is in charge of jobs. */
extern void init_stop_too(void);

/* ---- service_setup.c ---- */

/* Opens the service's sockets, tries whether it can start, and puts KTLS_FD,
   TINIKTLS_FD and KTLS_PATH into the environment, for the child that is started
   next. What is wrong ends the program. */
extern void service_prepare(struct service_options const *options);
/* The child has its own copies now. */
extern void service_forget_client(void);

/* ---- supervisor.c: the service's process, so that nothing that clients or networks do
   can hold up the first process ---- */

struct broker_options;

/* Starts the service once and ends it. What is wrong ends the program. Later
   starts are with what the options are then. */
extern void supervisor_try(struct broker_options *options);

#define SUPERVISOR_POLL_MAX 3

/* What poll has to wait for: clients, when there is no service. Gives how many. */
extern size_t supervisor_poll(struct pollfd p[SUPERVISOR_POLL_MAX]);
/* Attends to what poll has found. */
extern void supervisor_attend(struct pollfd const *p, size_t count);
/* 1: the process that has ended was the service. */
extern int supervisor_reaped(pid_t pid, int status);

#endif
