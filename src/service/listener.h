/* ISC license. */

/* Sockets that clients have us listen at; each connection becomes a job or a reply. */

#ifndef KTLS_SERVICE_LISTENER_H
#define KTLS_SERVICE_LISTENER_H

#include "service/job.h"

struct listener;

struct listeners {
    struct jobs *jobs;
    struct listener *first;
    int64_t pause_until; /* no descriptors are left: nobody accepts; 0: there is no pause */
};

/* Takes over fd. 0: out of memory. */
extern int listener_open(struct listeners *listeners, struct channel *channel, struct job_plan const *plan, int fd);
/* 0: there is none of that URL. */
extern int listener_close(struct listeners *listeners, struct channel const *channel, char const *url);
extern void listeners_forget_channel(struct listeners *listeners, struct channel const *channel);
extern void listeners_settle(struct listeners *listeners);
/* A connection, or -1: where descriptors are lacking, a pause begins. */
extern int listeners_accept(struct listeners *listeners, int fd, struct sockaddr_storage *from);
/* ms until the pause ends, which this ends too; -1: there is none. */
extern int listeners_pause_left(struct listeners *listeners);

#endif
