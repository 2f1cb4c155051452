/* ISC license. */

#include "protocol/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void address_format(char text[ADDRESS_MAX], struct sockaddr_storage const *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char ip[INET6_ADDRSTRLEN];
    memcpy(&v4, address, sizeof v4);
    memcpy(&v6, address, sizeof v6);
    *text = 0;
    if (address->ss_family == AF_INET)
        snprintf(text, ADDRESS_MAX, "%s:%u", inet_ntop(AF_INET, &v4.sin_addr, ip, sizeof ip),
                 ntohs(v4.sin_port));
    else if (address->ss_family == AF_INET6)
        snprintf(text, ADDRESS_MAX, "[%s]:%u", inet_ntop(AF_INET6, &v6.sin6_addr, ip, sizeof ip),
                 ntohs(v6.sin6_port));
}
