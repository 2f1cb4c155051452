/* ISC license. */

/* Private to this layer: the state of one relayed connection. */

#ifndef KTLS_RELAY_ENGINE_H
#define KTLS_RELAY_ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/crypto.h"
#include "ktls/messages.h"
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
#define LINGER_MS 30000  /* for a peer that talks on to a prog that is gone, or takes nothing from it */

enum { EXIT_TLS = 98, EXIT_SYSTEM = 111 };

/* Records from the network, one at a time to prog. */
struct inbound {
    unsigned char ended;    /* no further record counts */
    unsigned char orderly;  /* and the peer meant it so */
    unsigned char dropping; /* what comes is read for the sake of the alert that we sent */
    unsigned int without_data; /* records in a row */
    struct message_reader message;
    unsigned char const *data; /* not yet delivered */
    size_t data_len;
    size_t start, end; /* of what is in raw and not yet opened */
    unsigned char *raw;
};

/* Bytes from prog, sealed, to the network. */
struct outbound {
    unsigned char finished;           /* nothing more is sent */
    unsigned char said_goodbye;       /* close_notify or a fatal alert is in the buffer or gone */
    unsigned char key_update_due;     /* RFC 8446, 4.6.3 */
    unsigned char no_renegotiation_due;
    unsigned char alert;              /* fatal, due; close_notify: none */
    int error;                        /* errno of the write that failed */
    size_t start, end;                /* of what is in sealed and not yet sent */
    uint64_t sent;
    unsigned char *sealed;
};

struct engine {
    struct relay_config config; /* descriptors of prog are -1 when closed */
    struct relay_keys *keys;
    struct crypto_suite const *suite;
    struct relay_report *report;
    int64_t deadline; /* in ms of CLOCK_MONOTONIC; 0: none */
    unsigned char prog_writes_no_more; /* though its last words may still be in the pipe */
    uint64_t sent_before; /* when the deadline of a stalled peer was set */
    struct inbound in;
    struct outbound out;
};

/* io.c: -1 with EAGAIN where it would block, whatever the descriptor's flags. */
extern ssize_t relay_read(int fd, void *buf, size_t len);
extern ssize_t relay_write(int fd, void const *buf, size_t len);
/* What errno says about the call that failed. */
extern int relay_would_block(void);
/* Ends prog's input, or its output, and forgets the descriptor. */
extern void relay_end_input(struct engine *engine);
extern void relay_end_output(struct engine *engine);

/* inbound.c, outbound.c: go on as far as possible without waiting; may_read
   allows one read. */
extern void relay_pump_in(struct engine *engine, int may_read);
extern void relay_pump_out(struct engine *engine, int may_read);
/* The network takes no more. */
extern void relay_break_output(struct engine *engine);

/* control.c: a record that is not application data. */
extern void relay_take_control(struct engine *engine, unsigned char type, unsigned char const *bytes,
                               size_t len);

/* engine.c: the first report stands. */
extern void relay_report(struct engine *engine, int code, char const *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the connection with a fatal alert. */
extern void relay_fail(struct engine *engine, enum tls_alert alert, char const *reason);

#endif
