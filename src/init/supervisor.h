/* ISC license. */

/*
 * The TLS socket service: a process of its own beside prog, so that nothing
 * that clients or networks do can hold up the first process.
 */

#ifndef KTLS_INIT_SUPERVISOR_H
#define KTLS_INIT_SUPERVISOR_H

#include <poll.h>
#include <sys/types.h>

struct service_options {
    char const *path;    /* to listen at, too; NULL: none */
    char const *uids;    /* who may connect there besides root and us; NULL: nobody */
    char const *key_dir; /* where certificates and keys are; NULL: where clients can read */
    unsigned int max;    /* handshakes at a time */
};

/* Opens the service's sockets, tries whether it can start, and puts KTLS_FD,
   TINIKTLS_FD and KTLS_PATH into the environment, for the child that is started
   next. What is wrong ends the program. */
extern void service_prepare(struct service_options const *options);
/* The child has its own copies now. */
extern void service_forget_client(void);

/* ---- process.c ---- */

struct broker_options;

/* Starts the service once and ends it. What is wrong ends the program. Later
   starts are with what the options are then. */
extern void service_try(struct broker_options *options);

#define SERVICE_POLL_MAX 3

/* What is to be waited for: clients, when there is no service. Gives how many. */
extern size_t service_poll(struct pollfd p[SERVICE_POLL_MAX]);
/* What has come of these. */
extern void service_attend(struct pollfd const *p, size_t count);
/* 1: the process that has ended was the service. */
extern int service_reaped(pid_t pid, int status);

#endif
