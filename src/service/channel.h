/* ISC license. */

/*
 * Clients: requests come from a channel, and replies go to it. Who sends a request
 * is what the kernel says of the packet; a client that takes no replies is not read.
 */

#ifndef KTLS_SERVICE_CHANNEL_H
#define KTLS_SERVICE_CHANNEL_H

#include "protocol/address.h"
#include "service/reactor.h"
#include "worker/order.h"

struct broker;
struct channel_reply;

struct channel {
    struct source source; /* first: it is the channel's address too */
    struct channels *all;
    struct channel *next;
    uint64_t number; /* no other channel has or had it */
    struct channel_reply *first, **last; /* that the client has not made room for */
    size_t waiting;              /* how many these are */
    size_t outstanding;          /* those, and the jobs of requests */
    size_t accepted;             /* jobs of connections that listeners brought */
    struct ucred owner;          /* who connected, or sent ATTACH; others may send requests too */
    unsigned char listening;     /* an ACCEPT is under way: what comes after it waits */
    unsigned char broken;        /* it will be closed */
    unsigned char is_inherited;
    unsigned char is_connected; /* by its owner, to a listener of ours */
};

struct channels {
    int reactor;
    /* Is called for each packet, which is dropped then. */
    void (*take_packet)(struct broker *broker, struct channel *channel, struct packet *packet);
    struct broker *broker;
    struct channel *first;
    size_t count;
    uint64_t last_number;
};

enum channel_origin {
    CHANNEL_INHERITED, /* the one that prog inherits */
    CHANNEL_CONNECTED, /* to a listener of ours, for which ktls_packet_ask_sender was called */
    CHANNEL_ATTACHED,  /* it came with ATTACH */
};

/* Takes over fd. 0: it is closed. */
extern int channel_open(struct channels *channels, int fd, enum channel_origin origin, struct ucred const *owner);
extern void channel_close(struct channel *channel);
/* Reads requests if `reads` allows it and the client has few enough under way. */
extern void channel_settle(struct channel *channel, int reads);
extern int channel_has_room(struct channel const *channel);
/* What the sender of a packet may do. */
extern void channel_rights(struct channel const *channel, struct packet const *packet, struct rights *rights);

/* How a reply begins. */
struct reply_head {
    char const *command;
    char url[URL_MAX + 1];
    char id[65];
    char remote[ADDRESS_MAX];
};

/* Sends it, or keeps it until the client makes room. fd is not the caller's any more. */
extern void channel_send(struct channel *channel, char const *text, size_t len, int fd);
extern void channel_send_ok(struct channel *channel, struct reply_head const *head, char const *facts, int fd);
extern void channel_send_error(struct channel *channel, struct reply_head const *head, char const *reason);

#endif
