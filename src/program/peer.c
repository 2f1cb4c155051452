/* ISC license. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/types.h>

#include "program/program.h"

static char peer[sizeof "[]:65535: " + INET6_ADDRSTRLEN];

/* port 0: unknown. */
static void format_peer(int family, void const *address, uint16_t port)
{
    char ip[INET6_ADDRSTRLEN], number[UINT16_FMT] = "";
    int const is_v6 = family == AF_INET6;
    if (!inet_ntop(family, address, ip, sizeof ip)) return;
    number[uint16_fmt(number, port)] = 0;
    snprintf(peer, sizeof peer, port ? "%s%s%s:%s: " : "%s%s%s: ", is_v6 && port ? "[" : "", ip,
             is_v6 && port ? "]" : "", number);
}

/* The variables may have any content: only addresses are repeated in messages. */
static int take_variables(void)
{
    char const *const ip = getenv("TCPREMOTEIP"), *const port_text = getenv("TCPREMOTEPORT");
    struct in6_addr address;
    uint16_t port;
    if (!ip) return 0;
    int const family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, ip, &address) != 1) return 0;
    if (!port_text || !uint160_scan(port_text, &port)) port = 0;
    format_peer(family, &address, port);
    return 1;
}

static void take_socket(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address;
    socklen_t len = sizeof address;
    if (getpeername(fd, &address.any, &len) < 0) return;
    if (address.any.sa_family == AF_INET) format_peer(AF_INET, &address.v4.sin_addr, ntohs(address.v4.sin_port));
    if (address.any.sa_family == AF_INET6) format_peer(AF_INET6, &address.v6.sin6_addr, ntohs(address.v6.sin6_port));
}

void program_name_peer(int fd)
{
    if (!take_variables()) take_socket(fd);
}

char const *program_peer(void)
{
    return peer;
}
