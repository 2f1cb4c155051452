/* ISC license. */

#include "front/network.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/types.h>

static struct ip_address mapped(void const *v4)
{
    struct ip_address address = { { [10] = 0xff, [11] = 0xff } };
    memcpy(address.byte + 12, v4, 4);
    return address;
}

int ip_address_scan(struct ip_address *address, char const *text)
{
    struct in_addr v4;
    if (inet_pton(AF_INET6, text, address->byte) == 1) return 1;
    if (inet_pton(AF_INET, text, &v4) != 1) return 0;
    *address = mapped(&v4);
    return 1;
}

/* What bits leave of the byte at i. */
static unsigned int mask(unsigned int bits, unsigned int i)
{
    if (bits >= 8 * (i + 1)) return 0xff;
    return bits <= 8 * i ? 0 : 0xff00u >> (bits - 8 * i) & 0xff;
}

static int has_no_host_bits(struct network const *network)
{
    for (unsigned int i = 0; i < 16; i++)
        if (network->address.byte[i] & ~mask(network->bits, i)) return 0;
    return 1;
}

int network_scan(struct network *network, char const *text)
{
    char address[INET6_ADDRSTRLEN];
    size_t const len = strcspn(text, "/");
    if (len >= sizeof address) return 0;
    memcpy(address, text, len);
    address[len] = 0;
    if (!ip_address_scan(&network->address, address)) return 0;
    unsigned int const max = strchr(address, ':') ? 128 : 32;
    network->bits = max;
    if (text[len] && (!uint0_scan(text + len + 1, &network->bits) || network->bits > max)) return 0;
    network->bits += 128 - max;
    return has_no_host_bits(network);
}

int network_contains(struct network const *network, struct ip_address const *address)
{
    for (unsigned int i = 0; i < 16; i++)
        if ((network->address.byte[i] ^ address->byte[i]) & mask(network->bits, i)) return 0;
    return 1;
}

int ip_address_of_peer(struct ip_address *address, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } peer;
    socklen_t len = sizeof peer;
    if (getpeername(fd, &peer.any, &len) < 0) return 0;
    if (peer.any.sa_family == AF_INET) *address = mapped(&peer.v4.sin_addr);
    else if (peer.any.sa_family == AF_INET6) memcpy(address->byte, &peer.v6.sin6_addr, 16);
    else return 0;
    return 1;
}
