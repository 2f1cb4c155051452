/* ISC license. */

/*
 * The PROXY protocol's header, versions 1 (a line of text) and 2 (binary): what
 * a proxy says in front of a connection about the client that it stands for.
 */

#ifndef KTLS_PROXY_HEADER_H
#define KTLS_PROXY_HEADER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_HEADER_MAX 4096 /* version 2 could have 65551 */

struct proxy_endpoint {
    char ip[INET6_ADDRSTRLEN];
    uint16_t port;
};

struct proxy_header {
    unsigned char relayed; /* 0: the proxy speaks for itself or for somebody unknown */
    struct proxy_endpoint remote, local;
};

/* So many more bytes surely belong to the header that begins with these; 0: it
   is whole, or cannot become a header. Never lets it grow beyond
   PROXY_HEADER_MAX. */
extern size_t proxy_header_wants(unsigned char const *data, size_t len);
/* NULL, or why this is no header. */
extern char const *proxy_header_parse(struct proxy_header *header, unsigned char const *data, size_t len);

/* What TLS says of the connection; NULL: nothing is known. Not copied. */
struct proxy_session {
    char const *alpn, *server_name, *protocol, *cipher;
    unsigned char client_verified; /* the client's certificate was */
};

/* proxy_header_write.c: they give the header's length. Addresses that are not
   both of IPv4 or both of IPv6 are as if none was known. */
extern size_t proxy_header_write_text(struct proxy_header const *header, unsigned char out[PROXY_HEADER_MAX]);
extern size_t proxy_header_write_binary(struct proxy_header const *header, struct proxy_session const *session,
                                        unsigned char out[PROXY_HEADER_MAX]);

#endif
