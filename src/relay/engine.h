/* ISC license. */

/* Private to this layer: the state of one relayed connection. */

#ifndef KTLS_RELAY_ENGINE_H
#define KTLS_RELAY_ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/crypto.h"
#include "ktls/after.h"
#include "relay/relay.h"
#include "tls/tls.h"

#define RECORD_HEADER 5
#define MAX_FRAGMENT 16384     /* RFC 8446, 5.1 */
#define MAX_EXPANSION_1_2 2048 /* RFC 5246, 6.2.3 */
#define MAX_EXPANSION_1_3 256  /* RFC 8446, 5.2 */
#define RAW_SIZE (RECORD_HEADER + MAX_FRAGMENT + MAX_EXPANSION_1_2)
#define SEALED_SIZE (RECORD_HEADER + MAX_FRAGMENT + 64)
#define MAX_RECORDS_WITHOUT_DATA 16384
#define FAREWELL_MS 1000 /* for an alert to reach the peer */
#define SETTLE_MS 5      /* the first time; twice as long each time that nothing has moved */
#define MAX_SETTLING 8
#define REST_MS 1000 /* without an event, until memory is given back */

enum { EXIT_TLS = 98, EXIT_SYSTEM = 111 };

struct engine;

/* splice(2) wants a pipe on one side: this one is between two sockets. */
struct detour {
    int read, write; /* -1: prog's end is a pipe itself */
    size_t len;      /* of what is in it */
};

/* A record that the kernel has not taken yet. */
struct control_record {
    unsigned char type; /* 0: none */
    unsigned char len;
    unsigned char bytes[5];
};

/* What the kernel was given, to know when TCP has all of it. */
struct odometer {
    int works;
    uint64_t base;    /* bytes TCP had before */
    uint64_t payload; /* of records since */
    uint64_t records; /* under earlier keys */
    uint64_t first;   /* sequence number under the present one */
    uint64_t counted; /* the last one that was looked at */
    uint64_t since;   /* records since then, at most */
};

/* Records from the network, to prog. */
struct inbound {
    unsigned char ended;    /* no further record counts */
    unsigned char orderly;  /* and the peer meant it so */
    unsigned char notified; /* by close_notify */
    unsigned char dropping; /* what comes is read for the sake of the alert that we sent */
    unsigned char waiting;  /* for prog to take what there is */
    unsigned int without_data; /* records in a row */
    struct after_message message;
    /* keys in user space */
    unsigned char const *data; /* not yet delivered */
    size_t data_len;
    size_t start, end; /* of what is in raw and not yet opened */
    unsigned char *raw;
    /* keys in the kernel */
    struct detour detour;
    int passed_over; /* bytes that are only a part of a record */
};

/* Bytes from prog to the network. */
struct outbound {
    unsigned char finished;           /* nothing more is sent */
    unsigned char said_goodbye;       /* close_notify or a fatal alert is on its way or gone */
    unsigned char key_update_due;     /* RFC 8446, 4.6.3 */
    unsigned char new_keys_due;       /* it is on its way or gone */
    unsigned char no_renegotiation_due;
    unsigned char alert;              /* fatal, due; close_notify: none */
    int error;                        /* errno of the write that failed */
    int64_t held_until;               /* the end of the stream, in ms of CLOCK_MONOTONIC; 0: it is not due */
    uint64_t sent;
    /* keys in user space */
    size_t start, end; /* of what is in sealed and not yet sent */
    unsigned char *sealed;
    /* keys in the kernel */
    struct control_record control;
    struct detour detour;
    struct odometer odometer;
    unsigned char blocked;  /* the socket takes no more */
    unsigned char settling; /* the kernel has records that TCP has not: looks since that moved, 0: it has not */
};

/* Where the keys are decides how bytes pass. */
struct relay_medium {
    void (*start)(struct engine *engine);
    /* 0: prog takes no more for now. */
    int (*deliver)(struct engine *engine);
    /* Takes a record that has been read already; 0: there is none. */
    int (*next_record)(struct engine *engine);
    /* Reads once. */
    void (*fill)(struct engine *engine);
    /* Reads once for nobody; 0: there will be no more. */
    int (*drop)(struct engine *engine);
    /* 0: the network takes no more for now, or ever. */
    int (*flush)(struct engine *engine);
    /* A record that is not data, when flush gave 1. */
    void (*send_control)(struct engine *engine, unsigned char type, unsigned char const *bytes, size_t len);
    /* Reads prog once, when flush gave 1. */
    void (*take)(struct engine *engine);
    int (*is_sending)(struct engine const *engine);
    /* 0: a FIN would overtake what was sent. */
    int (*has_settled)(struct engine *engine);
    /* Under our present key. */
    uint64_t (*count_records)(struct engine *engine);
    /* New keys are in engine->keys. 0: they cannot be used. */
    int (*change_rx)(struct engine *engine);
    int (*change_tx)(struct engine *engine);
    /* Nothing has happened for a while: gives memory back. */
    void (*rest)(struct engine *engine);
    void (*finish)(struct engine *engine);
};

extern struct relay_medium const relay_in_user_space, relay_in_kernel;

struct engine {
    struct relay_config config; /* descriptors of prog are -1 when closed */
    struct relay_keys *keys;
    struct relay_medium const *medium;
    struct crypto_suite const *suite; /* NULL: unknown */
    uint16_t version;
    struct relay_report *report;
    int64_t deadline; /* in ms of CLOCK_MONOTONIC; 0: none */
    int64_t idle_deadline;
    uint64_t idle_taken;     /* by the peer, when that was set */
    unsigned char has_moved; /* data, since then */
    unsigned char is_awake;  /* something has happened since the last rest */
    unsigned char prog_writes_no_more; /* though its last words may still be in the pipe */
    uint64_t taken_before; /* by the peer, when the deadline for it was set */
    struct inbound in;
    struct outbound out;
};

/* A page that no record has reached costs no memory, and pages are given back
   one by one. */
#define RELAY_BUFFER(name, size) \
    static unsigned char name[((size) + 4095) / 4096 * 4096] __attribute__((aligned(4096)))
/* io.c: wipes it and gives its pages back. */
extern void relay_give_back(unsigned char *buffer, size_t size);
extern void relay_give_back_stack(void);
/* io.c: -1 with EAGAIN where it would block, whatever the descriptor's flags. */
extern ssize_t relay_read(int fd, void *buf, size_t len);
extern ssize_t relay_write(int fd, void const *buf, size_t len);
/* 0 with EAGAIN. */
extern int relay_is_ready(int fd, short events);
/* What errno says about the call that failed. */
extern int relay_would_block(void);
/* Ends prog's input, or its output, and forgets the descriptor. */
extern void relay_end_input(struct engine *engine);
extern void relay_end_output(struct engine *engine);

/* inbound.c, outbound.c: go on as far as possible without waiting; may_read
   allows one read. */
extern void relay_pump_in(struct engine *engine, int may_read);
extern void relay_pump_out(struct engine *engine, int may_read);

/* inbound.c: what the media say to it. 0: the connection has failed. */
extern int relay_begin_record(struct engine *engine);
extern int relay_begin_data(struct engine *engine);
extern void relay_note_data(struct engine *engine);
extern void relay_take_fin(struct engine *engine, int in_a_record);
extern void relay_take_read_error(struct engine *engine); /* errno */

/* outbound.c: the network takes no more. */
extern void relay_break_output(struct engine *engine);
extern void relay_take_write_error(struct engine *engine); /* errno */

/* odometer.c */
extern void relay_start_odometer(struct engine *engine);
extern void relay_note_sent(struct engine *engine, size_t len);
extern void relay_restart_odometer(struct engine *engine, uint64_t records);
extern uint64_t relay_records_at_most(struct engine *engine);
extern int relay_has_settled(struct engine *engine);

/* control.c: a record that is not application data. */
extern void relay_take_control(struct engine *engine, unsigned char type, unsigned char const *bytes,
                               size_t len);

/* engine.c: the first report stands. */
extern void relay_report(struct engine *engine, int code, char const *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The code of an alert or a reset: no error after our end of the stream. */
extern int relay_abort_code(struct engine const *engine);
/* Ends the connection at once. */
extern void relay_cut(struct engine *engine);
/* Ends the connection with a fatal alert. What came before it is delivered. */
extern void relay_fail(struct engine *engine, enum tls_alert alert, char const *reason);

#endif
