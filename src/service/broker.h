/* ISC license. */

/*
 * The service's process: it reads requests and nothing else, gives orders to the
 * handshake master, and passes on what the workers answer. It never reads a byte
 * from the network or from a file, and waits for nothing but its descriptors.
 */

#ifndef KTLS_SERVICE_BROKER_H
#define KTLS_SERVICE_BROKER_H

#include "service/activation.h"
#include "service/listener.h"

#define BROKER_MAX_UIDS 32

struct broker_options {
    struct master_options workers;
    struct activation activation;
    int inherited; /* the service's end of KTLS_FD; -1: gone with an earlier service */
    int listener;  /* at a path (-l); -1: none */
    int heirs;     /* for whoever inherits KTLS_PATH; -1: none */
    unsigned int uid[BROKER_MAX_UIDS];
    size_t uid_count;
    unsigned int max; /* workers at a time */
};

/* A socket at which clients connect. */
struct entrance {
    struct source source; /* first: it is the entrance's address too */
    struct broker *broker;
    unsigned char is_for_all;
};

struct broker {
    struct broker_options const *options;
    int reactor;
    struct dispatch dispatch;
    struct channels channels;
    struct jobs jobs;
    struct listeners listeners;
    struct entrance others; /* for those who connect to the path */
    struct entrance heirs;  /* for those who connect through KTLS_PATH */
};

/* Starts all that the service needs. What cannot be started ends the process. */
extern void broker_start(struct broker *broker, struct broker_options const *options);
/* Attends to at most one event, after at most so many ms; -1: after any time. */
extern void broker_turn(struct broker *broker, int max_ms);
/* Instead of broker_turn: ends all that broker_start has started. */
extern void broker_stop(struct broker *broker);

/* ---- heirs.c ---- */

/* Opens a descriptor that whoever inherits it can connect to, as /proc/self/fd/N, and
   the socket that listens there, both close-on-exec. -1 with errno: there is no
   folder to make it in. */
extern int heirs_listen(int *listener);

/* ---- request.c ---- */

/* Answers, or begins a job that will. */
extern void request_take(struct broker *broker, struct channel *channel, struct packet *packet);

/* ---- service_process.c: what a child of the first process becomes ---- */

#define SERVICE_READY '+'

/* Writes SERVICE_READY into report when it serves, or else a line that says why it
   does not. */
extern _Noreturn void service_run(struct broker_options const *options, pid_t parent, int report);
/* Starts all that service_run starts, ends it, and exits with 0 if that works. */
extern _Noreturn void service_rehearse(struct broker_options const *options, pid_t parent);

#endif
