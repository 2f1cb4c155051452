/* ISC license. */

/*
 * Jobs: what a worker does for a client, or will when there is a slot. queue.c says
 * who is next.
 */

#ifndef KTLS_SERVICE_JOB_H
#define KTLS_SERVICE_JOB_H

#include "service/channel.h"
#include "service/dispatch.h"
#include "service/slots.h"

struct listeners;

/* What is asked for. */
struct job_plan {
    enum order_kind kind;
    struct reply_head head;
    struct rights rights;
    unsigned char is_tls;
    unsigned char is_server; /* of TLS, on a connection that is there */
    unsigned char is_passed; /* to listen at a socket that we were started with */
    unsigned int timeout_ms;
};

enum job_state {
    JOB_NEW,
    JOB_UNHEARD, /* its peer has sent nothing yet; it waits for that without a slot */
    JOB_WAITING, /* for a slot */
    JOB_RUNNING, /* it has a worker */
    JOB_STATES
};

struct job {
    struct source source; /* UNHEARD: the connection; RUNNING: our end of the worker's channel */
    struct jobs *all;
    struct job *next, **link;
    enum job_state state;
    struct slots_claim claim;
    struct channel *channel; /* NULL: the client has its answer, or is gone */
    struct job_plan plan;
    int64_t deadline;
    int fd;            /* sent with the order; -1: none, or sent */
    int connection;    /* that the worker protects; -1: unknown */
    int relayed;       /* the client's end of the worker's relay; -1: none */
    int deposit;       /* where the worker expects a certificate; -1: nowhere */
    uint64_t question; /* that the client has not answered; 0: none */
    unsigned char asked;
    unsigned char answered; /* the client has its answer; the worker has not ended yet */
};

struct jobs {
    int reactor;
    struct dispatch *dispatch;
    /* Takes over the socket of a job that listens. 0: out of memory. */
    int (*listen)(struct listeners *listeners, struct channel *channel, struct job_plan const *plan, int fd);
    struct listeners *listeners;

    struct job *first;
    size_t count[JOB_STATES];
    size_t accepted[JOB_STATES]; /* those that listeners brought */
    uint64_t last_question;
    int64_t next_deadline; /* not after the earliest of all; 0: none */

    /* queue.c */
    struct slots slots;
    size_t max_accepted; /* connections that have no slot */
    int64_t next_look;
    int is_scarce, may_accept;
};

/* Takes over fd (-1: none). from: whose connection it is; NULL: unknown. The channel
   gets an answer in any case. */
extern void job_begin(struct jobs *jobs, struct channel *channel, struct job_plan const *plan, int fd,
                      struct sockaddr_storage const *from);
/* 0: it has to wait. Else it has a worker, or has ended. */
extern int job_start(struct job *job);
/* It fails because others wait. */
extern void job_give_up(struct job *job);
/* parameters: cert and key; NULL: none. 0: there is no such question of this client. */
extern int job_answer(struct jobs *jobs, struct channel const *channel, uint64_t question, int yes,
                      char const *parameters, struct rights const *rights);
extern void jobs_forget_channel(struct jobs *jobs, struct channel const *channel);
/* Ends those whose time is over; gives the ms until the next, -1: none. */
extern int jobs_expire(struct jobs *jobs);
/* 0: there are so many that no request is read. */
extern int jobs_have_room(struct jobs const *jobs);

/* ---- queue.c ---- */

extern void queue_prepare(struct jobs *jobs, unsigned int max_workers);
/* 0: out of memory. */
extern int queue_enter(struct job *job, struct sockaddr_storage const *from);
/* It has a worker now. */
extern void queue_begin(struct job *job);
extern void queue_leave(struct job *job);
/* Who gets the next slot; NULL: nobody can have one. */
extern struct job *queue_next(struct jobs *jobs);
/* has_next: queue_next has given a job. 1: it is time to make a job give up. */
extern int queue_is_scarce(struct jobs *jobs, int has_next);
/* Who gives up a slot for a waiting job of that direction; NULL: nobody. */
extern struct job *queue_find_yielding(struct jobs *jobs, enum slots_direction direction);
/* Who gives up waiting because there is no place for more connections; NULL: nobody. */
extern struct job *queue_find_idle(struct jobs *jobs);
extern int queue_has_place(struct jobs const *jobs);
/* ms until scarcity is looked at again; -1: slots are not scarce. */
extern int queue_pause_left(struct jobs const *jobs);

#endif
