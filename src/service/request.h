/* ISC license. */

/* The requests of ktls-init-protocol(7). */

#ifndef KTLS_SERVICE_REQUEST_H
#define KTLS_SERVICE_REQUEST_H

#include "service/activation.h"
#include "service/listener.h"

/* What requests have an effect on. */
struct request_context {
    struct channels *channels;
    struct jobs *jobs;
    struct listeners *listeners;
    struct activation const *activation;
};

/* Answers, or begins a job that will. */
extern void request_take(struct request_context const *context, struct channel *channel, struct packet *packet);

#endif
