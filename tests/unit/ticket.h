/* ISC license. */

/* NewSessionTicket (RFC 8446, 4.6.1), well-formed, in any length. */

#ifndef TICKET_H
#define TICKET_H

#include <string.h>

#define SHORTEST_TICKET 18

/* Fills len bytes, from SHORTEST_TICKET to 65535. */
static inline void make_ticket(unsigned char *bytes, size_t len)
{
    size_t const body = len - 4, ticket = len - SHORTEST_TICKET + 1;

    memset(bytes, 0, len);
    bytes[0] = 4;
    bytes[2] = (unsigned char)(body >> 8);
    bytes[3] = (unsigned char)body;
    bytes[13] = (unsigned char)(ticket >> 8);
    bytes[14] = (unsigned char)ticket;
}

#endif
