/* ISC license. */

/* Descriptors that are waited for, by epoll(7). */

#ifndef KTLS_SERVICE_REACTOR_H
#define KTLS_SERVICE_REACTOR_H

#include <stdint.h>

struct source {
    int fd; /* -1: none */
    void (*ready)(struct source *source, uint32_t events);
    uint32_t events; /* as for epoll_ctl(2) */
    int epoll_fd;    /* the reactor that it was added to */
};

/* Gives the reactor's descriptor; -1: errno says why. */
extern int reactor_open(void);
/* Calls at most one source's function, after at most so many ms; -1: waits for any time. */
extern void reactor_wait(int reactor, int timeout_ms);

/* Its fd and function are set. 0: failed, errno says why. */
extern int source_add(struct source *source, int reactor, uint32_t events);
extern void source_watch(struct source *source, uint32_t events);
/* The descriptor stays open. */
extern void source_release(struct source *source);
/* Closes the descriptor. */
extern void source_remove(struct source *source);

#endif
