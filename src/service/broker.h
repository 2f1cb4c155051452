/* ISC license. */

/*
 * The service's process: it reads requests and nothing else, gives orders to the
 * handshake master, and passes on what the workers answer. It never reads a byte
 * from the network or from a file, and waits for nothing but its descriptors.
 */

#ifndef KTLS_SERVICE_BROKER_H
#define KTLS_SERVICE_BROKER_H

#include "service/activation.h"
#include "service/request.h"

#define BROKER_MAX_UIDS 32

struct broker_options {
    struct master_options workers;
    struct activation activation;
    int inherited; /* the service's end of KTLS_FD; -1: gone with an earlier service */
    int listener;  /* for others; -1: none */
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
    struct request_context requests;
    struct entrance others; /* who connect to the path */
    struct entrance heirs;  /* who connect by what they have inherited */
};

/* Begins all that can fail; what does ends the process. */
extern void broker_start(struct broker *broker, struct broker_options const *options);
/* Attends to at most one event, after at most so many ms; -1: after any time. */
extern void broker_turn(struct broker *broker, int max_ms);
/* Instead, at the end: waits until nothing is left that was started. */
extern void broker_stop(struct broker *broker);

#endif
