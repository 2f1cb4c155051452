/* ISC license. */

/*
 * Judges the records that arrive after the handshake, for libktls, the relay and
 * the code that drains session tickets from a socket. No other place does this.
 * The header is not installed, but other layers use it.
 */

#ifndef KTLS_AFTER_H
#define KTLS_AFTER_H

#include <stddef.h>
#include <stdint.h>

#include "ktls/ktls.h"

#define AFTER_MAX_EXTENSIONS 24 /* of one NewSessionTicket */

/* The state of a handshake message that is split over records. All zero before the
   first record. */
struct after_message {
    unsigned char header[4];
    unsigned char have;      /* received bytes of the header */
    unsigned char field;     /* the integer of the body that is being read */
    unsigned char field_len; /* received bytes of that integer */
    unsigned char extension_count;
    uint32_t len, left;      /* bytes of the body, in all and not yet received */
    uint32_t number, skip;
    uint16_t extension[AFTER_MAX_EXTENSIONS]; /* types seen */
};

enum after_event {
    AFTER_NOTHING,       /* nothing to do */
    AFTER_DATA,
    AFTER_CLOSED,        /* close_notify */
    AFTER_ABORTED,       /* the peer sent a fatal alert */
    AFTER_KEY_UPDATE,    /* the peer's next record is under its next key */
    AFTER_RENEGOTIATION, /* the caller must decline it with the warning no_renegotiation */
    AFTER_ERROR,         /* the caller must send a fatal alert */
};

struct after_verdict {
    enum after_event event;
    unsigned char alert;            /* AFTER_ABORTED: the received alert; AFTER_ERROR: the alert to send */
    unsigned char update_requested; /* AFTER_KEY_UPDATE: the peer requests ours */
    char const *reason;             /* AFTER_ERROR: a noun phrase that describes the received record */
};

#pragma GCC visibility push(default)

/* Judges one complete record. role is ours. The bytes of application data are not
   examined, so that the caller may pass len 0. */
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
