/* ISC license. */

#ifndef KTLS_PROTOCOL_ADDRESS_H
#define KTLS_PROTOCOL_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_MAX 64

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
    struct sockaddr_storage room;
};

/* IP:port, [IPv6]:port; "" for any other family. */
extern void address_format(char text[ADDRESS_MAX], struct sockaddr_storage const *address);
/* The same of a socket's other end, and of its own. */
extern void address_of_peer(char text[ADDRESS_MAX], int fd);
extern void address_of_socket(char text[ADDRESS_MAX], int fd);

#endif
