/* ISC license. */

/*
 * What a record means that arrives after the handshake: the only place that
 * decides it, for libktls, the relay and whoever takes tickets off a socket.
 * Not installed; other layers use it.
 */

#ifndef KTLS_AFTER_H
#define KTLS_AFTER_H

#include <stddef.h>
#include <stdint.h>

#include "ktls/ktls.h"

#define AFTER_MAX_EXTENSIONS 24 /* of one NewSessionTicket */

/* A handshake message of which only a part has arrived: messages may be split
   over records. All zero before the first record. */
struct after_message {
    unsigned char header[4];
    unsigned char have;      /* bytes of the header */
    unsigned char field;     /* of the body: the number that is being read */
    unsigned char field_len; /* bytes of it that are there */
    unsigned char extension_count;
    uint32_t len, left;      /* of the body */
    uint32_t number, skip;
    uint16_t extension[AFTER_MAX_EXTENSIONS]; /* types seen */
};

enum after_event {
    AFTER_NOTHING,       /* nothing to do */
    AFTER_DATA,
    AFTER_CLOSED,        /* close_notify */
    AFTER_ABORTED,       /* the peer sent a fatal alert */
    AFTER_KEY_UPDATE,    /* the peer's next record is under its next key */
    AFTER_RENEGOTIATION, /* to be declined by the warning no_renegotiation */
    AFTER_ERROR,         /* to be answered by a fatal alert */
};

struct after_verdict {
    enum after_event event;
    unsigned char alert;            /* of AFTER_ABORTED: received; of AFTER_ERROR: to be sent */
    unsigned char update_requested; /* of AFTER_KEY_UPDATE */
    char const *reason;             /* of AFTER_ERROR: what was received, as a noun */
};

#pragma GCC visibility push(default)

/* Judges one whole record. role is ours. Data may be given as an empty record:
   its bytes are not looked at. */
extern struct after_verdict ktls_after_handshake(struct after_message *message, uint16_t version,
                                                 enum ktls_role role, unsigned char type,
                                                 unsigned char const *bytes, size_t len);

#pragma GCC visibility pop

/* 1 in the middle of a handshake message: the next record must continue it. */
static inline int after_is_open(struct after_message const *message)
{
    return message->have != 0;
}

#endif
