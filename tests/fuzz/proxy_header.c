/* ISC license. */

/*
 * libFuzzer target: the input as a stream from a proxy. Nothing is taken beyond
 * the header, and a header that is one again gives the same client. Seeds are
 * headers of both versions.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/proxy_header.h"

extern int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void demand(int condition)
{
    if (!condition) abort();
}

static size_t take(unsigned char const *data, size_t size, unsigned char *seen)
{
    size_t have = 0;
    for (size_t wanted; (wanted = proxy_header_wants(seen, have)) != 0; have += wanted) {
        demand(wanted <= PROXY_HEADER_MAX - have);
        if (wanted > size - have) wanted = size - have;
        if (!wanted) break;
        memcpy(seen + have, data + have, wanted);
    }
    return have;
}

/* As a line of text it says the same. */
static void say_again(struct proxy_header const *header)
{
    struct proxy_header again;
    char line[200];
    int const len = snprintf(line, sizeof line, "PROXY %s %s %s %d %d\r\n",
                             strchr(header->remote.ip, ':') ? "TCP6" : "TCP4", header->remote.ip,
                             header->local.ip, header->remote.port, header->local.port);
    demand(!proxy_header_wants((unsigned char *)line, (size_t)len));
    demand(!proxy_header_parse(&again, (unsigned char *)line, (size_t)len) && again.relayed);
    demand(!strcmp(again.remote.ip, header->remote.ip) && !strcmp(again.local.ip, header->local.ip));
    demand(again.remote.port == header->remote.port && again.local.port == header->local.port);
}

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    struct proxy_header header;
    unsigned char *const seen = malloc(PROXY_HEADER_MAX);
    demand(seen != NULL);
    size_t const len = take(data, size, seen);
    if (!proxy_header_parse(&header, seen, len)) {
        demand(!proxy_header_wants(seen, len));
        if (header.relayed) say_again(&header);
    } else
        demand(!header.relayed);
    free(seen);
    return 0;
}
