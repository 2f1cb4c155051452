/* ISC license. */

/* Sockets that whoever started us has opened: LISTEN_FDS of them, from 3 on,
   named in LISTEN_FDNAMES, for the process LISTEN_PID. */

#ifndef KTLS_SERVICE_ACTIVATION_H
#define KTLS_SERVICE_ACTIVATION_H

#include <stddef.h>

#define ACTIVATION_MAX 64
#define ACTIVATION_MAX_NAME 255

struct activation {
    size_t count;
    int fd[ACTIVATION_MAX];
    char name[ACTIVATION_MAX][ACTIVATION_MAX_NAME + 1];
};

/* Takes the sockets over, and the variables out of the environment. What is wrong
   ends the program. */
extern void activation_take(struct activation *activation);
/* A copy of that socket; -1 with errno: ENOENT. */
extern int activation_find(struct activation const *activation, char const *name);

#endif
