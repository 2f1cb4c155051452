/* ISC license. */

#include "protocol/address.h"

#include <arpa/inet.h>
#include <stdio.h>

void address_format(char text[ADDRESS_MAX], struct sockaddr_storage const *address)
{
    union address const a = { .room = *address };
    char ip[INET6_ADDRSTRLEN];
    *text = 0;
    if (a.any.sa_family == AF_INET)
        snprintf(text, ADDRESS_MAX, "%s:%u", inet_ntop(AF_INET, &a.v4.sin_addr, ip, sizeof ip), ntohs(a.v4.sin_port));
    else if (a.any.sa_family == AF_INET6)
        snprintf(text, ADDRESS_MAX, "[%s]:%u", inet_ntop(AF_INET6, &a.v6.sin6_addr, ip, sizeof ip),
                 ntohs(a.v6.sin6_port));
}

void address_of_peer(char text[ADDRESS_MAX], int fd)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof address;
    getpeername(fd, (struct sockaddr *)&address, &len);
    address_format(text, &address);
}

void address_of_socket(char text[ADDRESS_MAX], int fd)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &len);
    address_format(text, &address);
}
