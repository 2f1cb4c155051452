/* ISC license. */

/*
 * Private to this layer: the state of one relayed connection, and the parts that
 * work on it, from the top to the bottom. No part uses one above it:
 *
 *   pump.c                              waits for events and runs both directions
 *   inbound.c, outbound.c               handle the events of a medium as TLS requires
 *   ends.c                              how a direction or the connection ends
 *   medium_user.c, medium_kernel.c      seal and open records, here or in the kernel
 *   sent_counter.c, relay_io.c          helpers of the media
 */

#ifndef KTLS_RELAY_STACK_H
#define KTLS_RELAY_STACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/crypto.h"
#include "ktls/after.h"
#include "process/process.h"
#include "program/program.h"
#include "relay/relay.h"
#include "tls/tls.h"

#define RAW_SIZE (TLS_RECORD_HEADER + TLS_MAX_FRAGMENT + TLS_MAX_EXPANSION_1_2)
#define SEALED_SIZE (TLS_RECORD_HEADER + TLS_MAX_FRAGMENT + 64)

struct engine;

/* splice(2) requires a pipe on one side: this one connects two sockets. */
struct detour {
    int read, write; /* -1: prog's end is a pipe itself */
    size_t len;      /* bytes in it */
};

/* A record that the kernel has not taken yet. */
struct control_record {
    unsigned char type; /* 0: none */
    unsigned char len;
    unsigned char bytes[5];
};

/* Counts what the kernel was given, to find out when TCP has all of it. */
struct sent_counter {
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
    unsigned char ended;    /* further records are ignored */
    unsigned char orderly;  /* the peer ended its stream properly */
    unsigned char notified; /* the peer sent close_notify */
    unsigned char dropping; /* input is read and discarded, so that our alert arrives */
    unsigned char waiting;  /* until prog reads the received data */
    unsigned int without_data; /* consecutive records */
    struct after_message message;
    /* keys in user space */
    unsigned char const *data; /* not yet delivered */
    size_t data_len;
    size_t start, end; /* of the unopened bytes in raw */
    unsigned char *raw;
    /* keys in the kernel */
    struct detour detour;
    int passed_over; /* bytes of an incomplete record */
};

/* Bytes from prog to the network. */
struct outbound {
    unsigned char finished;           /* nothing more is sent */
    unsigned char said_goodbye;       /* close_notify or a fatal alert is being sent or was sent */
    unsigned char key_update_due;     /* RFC 8446, 4.6.3 */
    unsigned char new_keys_due;       /* KeyUpdate is being sent or was sent */
    unsigned char no_renegotiation_due;
    unsigned char alert;              /* fatal, due; close_notify: none */
    int error;                        /* errno of the write that failed */
    int64_t held_until;               /* when to end the stream, in ms of CLOCK_MONOTONIC; 0: not due */
    uint64_t sent;
    /* keys in user space */
    size_t start, end; /* of the unsent bytes in sealed */
    unsigned char *sealed;
    /* keys in the kernel */
    struct control_record control;
    struct detour detour;
    struct sent_counter counter;
    unsigned char blocked;  /* the socket takes no more */
    unsigned char settling; /* checks since TCP last took records from the kernel; 0: TCP has all records */
};

/* The result of receiving. */
struct relay_event {
    enum {
        RELAY_DATA,      /* data is being delivered to prog */
        RELAY_RECORD,    /* type, bytes, len: a record for ktls_after_handshake */
        RELAY_FIN,       /* len: bytes of a record that is not complete */
        RELAY_FAILURE,   /* error: errno of the read */
        RELAY_VIOLATION, /* alert, reason: the peer violated the protocol */
        RELAY_PROG_FULL, /* prog takes no more for now */
        RELAY_PROG_GONE, /* prog reads no more */
        RELAY_AGAIN,     /* nothing happened */
    } kind;
    unsigned char type;
    unsigned char const *bytes;
    size_t len;
    enum tls_alert alert;
    char const *reason; /* a noun phrase that describes the received record */
    int error;
};

/* The result of an attempt to move bytes. */
enum relay_progress {
    RELAY_DONE,
    RELAY_WAITS,  /* not for now */
    RELAY_ENDED,  /* prog reads or writes no more */
    RELAY_BROKEN, /* writing to the network failed with errno */
};

/* How bytes are moved, which depends on where the keys are. */
struct relay_medium {
    int reads; /* at most, before prog's output is handled */
    /* Returns 1, or 0 with errno. */
    int (*start)(struct engine *engine);
    /* Writes the received data to prog. */
    enum relay_progress (*deliver)(struct engine *engine);
    /* Receives a record. Decrements *reads if it has to read for that. 0: there is nothing. */
    int (*receive)(struct engine *engine, int *reads, struct relay_event *event);
    /* Reads once and discards the bytes; 0: there will be no more. */
    int (*drop)(struct engine *engine);
    /* Sends the bytes taken from prog to the network. */
    enum relay_progress (*flush)(struct engine *engine);
    /* Sends a record that is not data; call when nothing is left to flush. */
    void (*send_control)(struct engine *engine, unsigned char type, unsigned char const *bytes, size_t len);
    /* Reads once from prog; call when nothing is left to flush. */
    enum relay_progress (*take)(struct engine *engine);
    int (*is_sending)(struct engine const *engine);
    /* 0: a FIN would overtake what was sent. */
    int (*has_settled)(struct engine *engine);
    /* The number of records sent under the current key. */
    uint64_t (*count_records)(struct engine *engine);
    /* Switch to the new keys in engine->keys. 0: they cannot be used. */
    int (*change_rx)(struct engine *engine);
    int (*change_tx)(struct engine *engine);
    /* Called after a while without events: gives memory back. */
    void (*rest)(struct engine *engine);
    void (*finish)(struct engine *engine);
};

extern struct relay_medium const relay_in_user_space, relay_in_kernel;

struct engine {
    struct relay_config config; /* prog's descriptors are -1 when closed */
    struct relay_keys *keys;
    struct relay_medium const *medium;
    struct crypto_suite const *suite; /* NULL: unknown */
    uint16_t version;
    struct relay_report *report;
    int64_t deadline; /* in ms of CLOCK_MONOTONIC; 0: none */
    int64_t idle_deadline;
    uint64_t idle_taken;     /* bytes taken by the peer when idle_deadline was set */
    unsigned char has_moved; /* data has moved since then */
    unsigned char is_awake;  /* there was an event since the last rest */
    unsigned char prog_writes_no_more; /* though its last bytes may still be in the pipe */
    uint64_t taken_before; /* bytes taken by the peer when its deadline was set */
    struct inbound in;
    struct outbound out;
};

/* ---- relay_io.c ---- */

/* A page that was never written costs no memory, and pages are given back one by one. */
#define RELAY_BUFFER(name, size) \
    static unsigned char name[((size) + 4095) / 4096 * 4096] __attribute__((aligned(4096)))
/* Wipes it and gives its pages back. */
extern void relay_give_back(unsigned char *buffer, size_t size);
extern void relay_give_back_stack(void);
/* Return -1 with EAGAIN instead of blocking, whatever the descriptor's flags are. */
extern ssize_t relay_read(int fd, void *buf, size_t len);
extern ssize_t relay_write(int fd, void const *buf, size_t len);
/* 1, or 0 with EAGAIN. */
extern int relay_is_ready(int fd, short events);
/* 1 when errno means that the failed call would block. */
extern int relay_would_block(void);

/* ---- sent_counter.c ---- */

extern void relay_start_counter(struct engine *engine);
extern void relay_count_sent(struct engine *engine, size_t len);
extern void relay_restart_counter(struct engine *engine, uint64_t records);
extern uint64_t relay_records_at_most(struct engine *engine);
extern int relay_has_settled(struct engine *engine);

/* ---- ends.c ---- */

/* Keeps the first report only. */
extern void relay_report(struct engine *engine, int code, char const *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Call when data has moved. */
extern void relay_note_data(struct engine *engine);
/* Ends prog's input, or its output, and forgets the descriptor. */
extern void relay_end_input(struct engine *engine);
extern void relay_end_output(struct engine *engine);
/* Ends the stream to the peer. */
extern void relay_half_close(struct engine *engine);
/* Ends the output because writing to the network failed. */
extern void relay_break_output(struct engine *engine);
/* Ends the connection that the peer has aborted, and reports why. */
extern void relay_abort(struct engine *engine, char const *what, char const *why);
/* Ends the connection at once. */
extern void relay_cut(struct engine *engine);
/* Ends the connection with a fatal alert. Data received before is still delivered. */
extern void relay_fail(struct engine *engine, enum tls_alert alert, char const *reason);

/* ---- inbound.c, outbound.c ---- */

/* Move data as far as possible without waiting; may_read allows one round of reading. */
extern void relay_pump_in(struct engine *engine, int may_read);
extern void relay_pump_out(struct engine *engine, int may_read);

#endif
