/* ISC license. */

/*
 * The TLS socket service: a process of its own beside prog, so that nothing
 * that clients or networks do can hold up the first process.
 */

#ifndef KTLS_INIT_SERVICE_H
#define KTLS_INIT_SERVICE_H

#include <sys/types.h>

struct service_options {
    char const *path;    /* to listen at, too; NULL: none */
    char const *uids;    /* who may connect there besides root and us; NULL: nobody */
    char const *key_dir; /* where certificates and keys are; NULL: where clients can read */
    unsigned int max;    /* handshakes at a time */
};

/* Starts the service and puts KTLS_FD and TINIKTLS_FD into the environment, for
   the child that is started next. What is wrong ends the program. */
extern void service_start(struct service_options const *options);
/* The child has its own copy now. */
extern void service_forget_client(void);
/* 1: the process that has ended was the service. */
extern int service_reaped(pid_t pid);

#endif
