/* ISC license. */

/*
 * Handshake messages that follow the handshake: they come split over records
 * and packed into one, and none is worth keeping but for its first byte.
 */

#ifndef KTLS_MESSAGES_H
#define KTLS_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

/* HandshakeType (RFC 8446, 4; RFC 5246, 7.4). */
enum { HELLO_REQUEST = 0, CLIENT_HELLO = 1, NEW_SESSION_TICKET = 4, KEY_UPDATE = 24 };

#define MAX_TICKET_MESSAGE 131400 /* RFC 8446, 4.6.1, every field at its longest */

/* All zero before the first message. */
struct message_reader {
    unsigned char header[4];
    unsigned char have; /* bytes of the header */
    unsigned char first; /* byte of the body */
    uint32_t len, left; /* of the body */
};

enum message_event {
    MESSAGE_MORE,  /* the record is used up */
    MESSAGE_BEGUN, /* type and length are known: header[0], len */
    MESSAGE_ENDED, /* and so is the first byte */
};

/* 1 in the middle of a message. */
static inline int message_is_open(struct message_reader const *message)
{
    return message->have != 0;
}

static inline enum message_event message_header(struct message_reader *message, unsigned char const **bytes,
                                                size_t *len)
{
    for (; message->have < 4 && *len; ++*bytes, --*len) message->header[message->have++] = **bytes;
    if (message->have < 4) return MESSAGE_MORE;
    message->have = 5;
    message->len = (uint32_t)(message->header[1] << 16 | message->header[2] << 8 | message->header[3]);
    message->left = message->len;
    return MESSAGE_BEGUN;
}

/* Takes bytes off a record's front up to the next event. */
static inline enum message_event message_next(struct message_reader *message, unsigned char const **bytes,
                                              size_t *len)
{
    if (message->have <= 4) return message_header(message, bytes, len);
    size_t const taken = *len < message->left ? *len : message->left;
    if (taken && message->left == message->len) message->first = **bytes;
    message->left -= (uint32_t)taken;
    *bytes += taken;
    *len -= taken;
    if (message->left) return MESSAGE_MORE;
    message->have = 0;
    return MESSAGE_ENDED;
}

#endif
