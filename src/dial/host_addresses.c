/* ISC license. */

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "dial/dial.h"

/* An address, with its zone (RFC 4007, 11) if it has one. 0: text is not one. */
static socklen_t parse_address(union address *address, char const *text, uint16_t port)
{
    char ip[INET6_ADDRSTRLEN];
    size_t const len = strcspn(text, "%");
    char const *zone = text[len] ? text + len + 1 : NULL;
    if (len >= sizeof ip) return 0;
    memcpy(ip, text, len);
    ip[len] = 0;
    address->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    if (!zone && inet_pton(AF_INET, ip, &address->v4.sin_addr) == 1) return sizeof address->v4;
    address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
    if (zone) address->v6.sin6_scope_id = if_nametoindex(zone);
    if (inet_pton(AF_INET6, ip, &address->v6.sin6_addr) != 1) return 0;
    return !zone || address->v6.sin6_scope_id ? sizeof address->v6 : 0;
}

int dial_add(struct dial *dial, char const *text, uint16_t port)
{
    struct dial_address *to = dial->to + dial->count;
    to->len = parse_address(&to->address, text, port);
    if (to->len && dial->count < DIAL_MAX) dial->count++;
    return to->len != 0;
}

void dial_add_path(struct dial *dial, char const *path)
{
    struct dial_address *to = dial->to + dial->count++;
    *to = (struct dial_address){ .address.path.sun_family = AF_UNIX, .len = sizeof to->address.path };
    strcpy(to->address.path.sun_path, path);
}

void dial_take_turns(struct dial *dial)
{
    for (size_t i = 0; i < dial->count; i++) {
        sa_family_t const wanted = i % 2 ? AF_INET : AF_INET6;
        size_t j = i;
        while (j < dial->count && dial->to[j].address.any.sa_family != wanted) j++;
        if (j == dial->count) return;
        struct dial_address const next = dial->to[j];
        memmove(dial->to + i + 1, dial->to + i, (j - i) * sizeof next);
        dial->to[i] = next;
    }
}
