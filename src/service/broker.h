/* ISC license. */

/*
 * The service's process: it reads requests and nothing else, gives orders to the
 * handshake master, and passes on what the workers answer. It never reads a byte
 * from the network or from a file, and never waits but for its descriptors.
 */

#ifndef KTLS_SERVICE_BROKER_H
#define KTLS_SERVICE_BROKER_H

#include <stdint.h>

#include "protocol/address.h"
#include "worker/order.h"
#include "service/slots.h"

#define BROKER_MAX_UIDS 32

struct broker_options {
    struct master_options workers;
    int inherited; /* the service's end of KTLS_FD */
    int listener;  /* for others; -1: none */
    int heirs;     /* for whoever inherits KTLS_PATH; -1: none */
    unsigned int uid[BROKER_MAX_UIDS];
    size_t uid_count;
    unsigned int max; /* workers at a time */
};

/* Begins all that can fail; what does ends the process. */
extern void broker_start(struct broker_options const *options);
extern _Noreturn void broker_run(void);
/* Instead: until nothing is left that was started. */
extern void broker_stop(void);

/* ---- reactor.c ---- */

/* A descriptor that is waited for. */
struct source {
    int fd;
    uint32_t events; /* as for epoll_ctl(2) */
    void (*ready)(struct source *source, uint32_t events);
};

extern int reactor_start(void);
/* 0, or -1 with errno. */
extern int source_add(struct source *source, uint32_t events);
extern void source_watch(struct source *source, uint32_t events);
/* The descriptor stays open. */
extern void source_release(struct source *source);
/* Closes the descriptor. */
extern void source_remove(struct source *source);
/* Attends to at most one, after at most so many ms; -1: after any time. */
extern void reactor_wait(int timeout_ms);

/* ---- channel.c ---- */

struct reply {
    struct reply *next;
    int fd; /* -1: none */
    size_t len;
    char text[];
};

/* A client. */
struct channel {
    struct source source; /* first: it is the channel's address too */
    struct channel *next;
    uint64_t number; /* no other channel has or had it */
    struct listener *listeners;
    struct reply *first, **last; /* that the client has not made room for */
    size_t waiting;              /* how many these are */
    size_t outstanding;          /* and jobs too, but for these: */
    size_t accepted;             /* connections of listeners */
    struct ucred owner;          /* who connected, or sent ATTACH: not always who sends */
    unsigned char listening;     /* an ACCEPT is under way: what comes behind it waits */
    unsigned char broken;
    unsigned char is_inherited;
    unsigned char is_connected; /* by its owner, to a listener of ours */
};

/* Each takes over fd. 0, or -1: it is closed. The one that prog inherits: */
extern int channel_open_inherited(int fd);
/* One that a listener of ours has accepted; packet_ask_sender was called for the listener. */
extern int channel_open_connected(int fd, struct ucred const *peer);
/* One that came with ATTACH, from this sender. */
extern int channel_open_attached(int fd, struct ucred const *sender);
/* Sends it, or keeps it until the client makes room. fd is not the caller's any more. */
extern void channel_reply(struct channel *channel, char const *text, size_t len, int fd);
extern int channel_has_room(struct channel const *channel);
/* What the sender of a packet may do. */
extern void channel_rights(struct channel const *channel, struct packet const *packet, struct rights *rights);
extern void channels_settle(void);

/* ---- reply.c ---- */

/* How a reply begins, and what it says of the connection. */
struct words {
    char const *command;
    char url[URL_MAX + 1];
    char id[65];
    char remote[ADDRESS_MAX];
};

extern void reply_ok(struct channel *channel, struct words const *words, char const *facts, int fd);
extern void reply_err(struct channel *channel, struct words const *words, char const *reason);

/* ---- request.c ---- */

/* Answers, or begins a job that will. */
extern void request_take(struct channel *channel, struct packet *packet);

/* ---- job.c ---- */

struct line;
struct job;

/* Of a connection whose peer has not said anything. */
struct job_peer {
    struct source source;
    struct job *job;
};

/* What a worker does, or will. */
struct job {
    struct source source; /* our end of the worker's channel; fd -1: no worker yet */
    struct job *next, *previous;
    struct line *line; /* where it waits; NULL: it does not */
    struct job *next_in_line, *previous_in_line;
    struct slots_claim claim;
    struct job_peer peer;
    struct channel *channel; /* NULL: nobody is interested any more */
    struct words words;
    struct order order;
    unsigned char is_tls;
    unsigned char is_server; /* of TLS, on a connection that is there */
    unsigned char is_passed; /* to listen at a socket that we were started with */
    unsigned int timeout_ms;
    int fd;            /* goes with the order; -1: none, or gone */
    int connection;    /* that the worker has to do with; -1 */
    int relayed;       /* the client's way to it through the worker; -1 */
    int deposit;       /* where the worker wants a certificate; -1 */
    uint64_t question; /* that is open; 0: none */
    unsigned char asked;
    unsigned char answered; /* all that is left to wait for is the worker's end */
};

/* NULL: no memory. The descriptor is the job's; the job is in order. */
extern struct job *job_new(struct channel *channel, enum order_kind kind, struct words const *words, int fd);
/* from: whose connection it is; NULL: nobody's that is known. */
extern void job_begin(struct job *job, struct sockaddr_storage const *from);
/* 0: there is no such question of this client. */
extern int job_answer(struct channel *channel, uint64_t question, int yes, char const *parameters,
                      struct rights const *rights);
extern void jobs_forget_channel(struct channel const *channel);
/* Ends those whose time is over; gives the ms until the next, -1: none. */
extern int jobs_expire(void);
/* 0: there are so many that no request is read. */
extern int jobs_have_room(void);
extern struct job *jobs_first(void);
extern int job_is_running(struct job const *job);
/* 0: it has to wait. Else it has a worker, or has ended. */
extern int job_start(struct job *job);
/* It fails because others wait. */
extern void job_give_up(struct job *job);

/* ---- schedule.c ---- */

extern void schedule_limit(unsigned int workers);
/* 0: out of memory. */
extern int schedule_add(struct job *job, struct sockaddr_storage const *from);
/* It has a worker now. */
extern void schedule_begin(struct job *job);
extern void schedule_remove(struct job *job);
/* 0: its peer has not said anything, and it waits for that. */
extern int schedule_hears(struct job const *job);
/* Starts whoever can be. */
extern void schedule_settle(void);
/* ms until that has to be called again; -1: nobody waits for it. */
extern int schedule_pause_left(void);
extern int schedule_may_accept(void);

/* ---- dispatch.c ---- */

extern int dispatch_start(struct master_options const *workers);
extern void dispatch_stop(void);
/* As master_order, to a master that is there. */
extern int dispatch_order(struct order const *order, int const *fds, size_t count);
/* By errno: the order can be given later. */
extern int dispatch_must_wait(void);
extern void dispatch_await_room(int wanted);

/* ---- listener.c ---- */

struct listener {
    struct source source;
    struct listener *next;
    struct channel *channel;
    struct words words;
    struct rights rights;
    unsigned char is_tls;
    unsigned char is_passed; /* as in struct job */
    unsigned int timeout_ms;
};

/* 0: out of memory; fd is closed then. */
extern int listener_open(struct channel *channel, struct job const *job, int fd);
/* 0: there is none of that URL. */
extern int listener_close(struct channel *channel, char const *url);
extern void listeners_close(struct channel *channel);
extern void listeners_settle(struct channel *channel);
/* A connection, or -1: where descriptors are lacking, no more are accepted for a while. */
extern int listeners_accept(int listener, struct sockaddr_storage *from);
extern int listeners_are_paused(void);
/* ms until they are tried again; -1: they are not out of descriptors. */
extern int listeners_pause_left(void);

/* ---- activation.c ---- */

#define ACTIVATION_MAX 64

/* Takes LISTEN_FDS and the like over, and out of the environment. */
extern void activation_take(void);
extern size_t activation_list(int fds[ACTIVATION_MAX]);
/* A copy of that socket; -1 with errno: ENOENT. */
extern int activation_find(char const *name);

#endif
