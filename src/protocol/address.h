/* ISC license. */

#ifndef KTLS_PROTOCOL_ADDRESS_H
#define KTLS_PROTOCOL_ADDRESS_H

#include <sys/socket.h>

#define ADDRESS_MAX 64

/* IP:port, [IPv6]:port; "" for what is neither. */
extern void address_format(char text[ADDRESS_MAX], struct sockaddr_storage const *address);

#endif
