/* ISC license. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "front/proxy_header.h"

/* Version 2's numbers (2.2). */
#define VERSION_AND_LOCAL 0x20
#define VERSION_AND_PROXY 0x21
#define TCP_OVER_IPV4 0x11
#define TCP_OVER_IPV6 0x21
#define TYPE_ALPN 0x01
#define TYPE_AUTHORITY 0x02
#define TYPE_SSL 0x20
#define SUBTYPE_SSL_VERSION 0x21
#define SUBTYPE_SSL_CIPHER 0x23
#define CLIENT_SSL 0x01
#define CLIENT_CERT_CONN 0x02
#define HEAD 16

static unsigned char const signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* The family of both addresses; AF_UNSPEC: not of one. */
static int family_of(struct proxy_header const *header)
{
    unsigned char address[16];
    for (int i = 0; header->relayed && i < 2; i++) {
        int const family = i ? AF_INET6 : AF_INET;
        if (inet_pton(family, header->remote.ip, address) == 1 && inet_pton(family, header->local.ip, address) == 1)
            return family;
    }
    return AF_UNSPEC;
}

size_t proxy_header_write_text(struct proxy_header const *header, unsigned char out[PROXY_HEADER_MAX])
{
    int const family = family_of(header);
    char *const text = (char *)out;
    int const len = family == AF_UNSPEC
                        ? snprintf(text, PROXY_HEADER_MAX, "PROXY UNKNOWN\r\n")
                        : snprintf(text, PROXY_HEADER_MAX, "PROXY %s %s %s %u %u\r\n",
                                   family == AF_INET ? "TCP4" : "TCP6", header->remote.ip, header->local.ip,
                                   header->remote.port, header->local.port);
    return (size_t)len;
}

struct writer {
    unsigned char *bytes;
    size_t len;
};

static void put(struct writer *w, void const *bytes, size_t len)
{
    memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void put16(struct writer *w, size_t number)
{
    put(w, (unsigned char const[]){ (unsigned char)(number >> 8), (unsigned char)number }, 2);
}

/* A text of more than 255 bytes is left out; those of a TLS session are shorter. */
static void put_text(struct writer *w, unsigned char type, char const *text)
{
    size_t const len = text ? strlen(text) : 0;
    if (!len || len > 255) return;
    put(w, &type, 1);
    put16(w, len);
    put(w, text, len);
}

static void put_ssl(struct writer *w, struct proxy_session const *session)
{
    unsigned char const type = TYPE_SSL;
    unsigned char const client = session->client_verified ? CLIENT_SSL | CLIENT_CERT_CONN : CLIENT_SSL;
    unsigned char const verify[4] = { 0, 0, 0, !session->client_verified };
    put(w, &type, 1);
    size_t const at = w->len;
    put16(w, 0);
    put(w, &client, 1);
    put(w, verify, sizeof verify);
    put_text(w, SUBTYPE_SSL_VERSION, session->protocol);
    put_text(w, SUBTYPE_SSL_CIPHER, session->cipher);
    struct writer length = { w->bytes, at };
    put16(&length, w->len - at - 2);
}

static void put_endpoints(struct writer *w, struct proxy_header const *header, int family)
{
    unsigned char address[16];
    size_t const size = family == AF_INET ? 4 : 16;
    if (family == AF_UNSPEC) return;
    inet_pton(family, header->remote.ip, address);
    put(w, address, size);
    inet_pton(family, header->local.ip, address);
    put(w, address, size);
    put16(w, header->remote.port);
    put16(w, header->local.port);
}

size_t proxy_header_write_binary(struct proxy_header const *header, struct proxy_session const *session,
                                 unsigned char out[PROXY_HEADER_MAX])
{
    int const family = family_of(header);
    struct writer w = { out, 0 };
    unsigned char const command = family == AF_UNSPEC ? VERSION_AND_LOCAL : VERSION_AND_PROXY;
    unsigned char const families[] = { [AF_UNSPEC] = 0, [AF_INET] = TCP_OVER_IPV4, [AF_INET6] = TCP_OVER_IPV6 };

    put(&w, signature, sizeof signature);
    put(&w, &command, 1);
    put(&w, &families[family], 1);
    put16(&w, 0);
    put_endpoints(&w, header, family);
    put_text(&w, TYPE_ALPN, session->alpn);
    put_text(&w, TYPE_AUTHORITY, session->server_name);
    if (session->protocol) put_ssl(&w, session);
    struct writer length = { out, HEAD - 2 };
    put16(&length, w.len - HEAD);
    return w.len;
}
