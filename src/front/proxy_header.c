/* ISC license. */

#include <arpa/inet.h>
#include <string.h>

#include <skalibs/types.h>

#include "front/proxy_header.h"

#define TEXT_MIN 15 /* PROXY UNKNOWN and the line's end */
#define TEXT_MAX 107
#define BINARY_HEAD 16

static char const text_signature[] = "PROXY ";
static char const binary_signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* As far as there are bytes to compare. */
static int begins(unsigned char const *data, size_t len, char const *signature, size_t signature_len)
{
    return !memcmp(data, signature, len < signature_len ? len : signature_len);
}

static int may_be_text(unsigned char const *data, size_t len)
{
    return begins(data, len, text_signature, sizeof text_signature - 1);
}

static int may_be_binary(unsigned char const *data, size_t len)
{
    return begins(data, len, binary_signature, sizeof binary_signature - 1);
}

static size_t text_wants(unsigned char const *data, size_t len)
{
    if (len < TEXT_MIN) return TEXT_MIN - len;
    if (len >= TEXT_MAX || memchr(data, '\n', len)) return 0;
    return data[len - 1] == '\r' || len == TEXT_MAX - 1 ? 1 : 2;
}

static size_t binary_size(unsigned char const *data)
{
    return BINARY_HEAD + (size_t)(data[14] << 8 | data[15]);
}

static size_t binary_wants(unsigned char const *data, size_t len)
{
    if (len < BINARY_HEAD) return BINARY_HEAD - len;
    size_t const size = binary_size(data);
    return size <= len || size > PROXY_HEADER_MAX ? 0 : size - len;
}

size_t proxy_header_wants(unsigned char const *data, size_t len)
{
    if (may_be_text(data, len)) return text_wants(data, len);
    if (may_be_binary(data, len)) return binary_wants(data, len);
    return 0;
}

static int scan_ip(char *ip, int family, char const *text)
{
    struct in6_addr address;
    if (!text || inet_pton(family, text, &address) != 1) return 0;
    return inet_ntop(family, &address, ip, INET6_ADDRSTRLEN) != NULL;
}

static int scan_port(uint16_t *port, char const *text)
{
    return text && (text[0] != '0' || !text[1]) && uint160_scan(text, port);
}

static char const *parse_addresses(struct proxy_header *header, int family, char *words)
{
    char const *const remote_ip = strsep(&words, " "), *const local_ip = strsep(&words, " ");
    char const *const remote_port = strsep(&words, " "), *const local_port = strsep(&words, " ");
    if (words) return "trailing words in the line";
    if (!scan_ip(header->remote.ip, family, remote_ip) || !scan_ip(header->local.ip, family, local_ip))
        return "invalid address";
    if (!scan_port(&header->remote.port, remote_port) || !scan_port(&header->local.port, local_port))
        return "invalid port";
    header->relayed = 1;
    return NULL;
}

static char const *parse_text(struct proxy_header *header, unsigned char const *data, size_t len)
{
    char line[TEXT_MAX + 1];
    if (len < TEXT_MIN || len > TEXT_MAX || data[len - 2] != '\r' || data[len - 1] != '\n')
        return "the line has no end";
    len -= 2;
    if (memchr(data, 0, len) || memchr(data, '\r', len) || memchr(data, '\n', len))
        return "control characters in the line";
    memcpy(line, data, len);
    line[len] = 0;
    char *words = line + sizeof text_signature - 1;
    char const *const protocol = strsep(&words, " ");
    if (!strcmp(protocol, "TCP4")) return parse_addresses(header, AF_INET, words);
    if (!strcmp(protocol, "TCP6")) return parse_addresses(header, AF_INET6, words);
    return strcmp(protocol, "UNKNOWN") ? "neither TCP4 nor TCP6 nor UNKNOWN" : NULL;
}

/* Type, length, value: whole ones and nothing behind. */
static int is_tlv_list(unsigned char const *p, size_t len)
{
    while (len >= 3) {
        size_t const size = 3 + (size_t)(p[1] << 8 | p[2]);
        if (size > len) return 0;
        p += size;
        len -= size;
    }
    return !len;
}

static uint16_t read_port(unsigned char const *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Both addresses, both ports, TLVs. */
static char const *parse_block(struct proxy_header *header, int family, size_t ip_len, unsigned char const *p,
                               size_t len)
{
    size_t const size = 2 * ip_len + 4;
    if (len < size || !is_tlv_list(p + size, len - size)) return "lengths do not fit";
    inet_ntop(family, p, header->remote.ip, sizeof header->remote.ip);
    inet_ntop(family, p + ip_len, header->local.ip, sizeof header->local.ip);
    header->remote.port = read_port(p + 2 * ip_len);
    header->local.port = read_port(p + 2 * ip_len + 2);
    header->relayed = 1;
    return NULL;
}

static char const *parse_binary(struct proxy_header *header, unsigned char const *data, size_t len)
{
    enum { LOCAL = 0x20, PROXY = 0x21 };
    enum { UNSPEC = 0x00, TCP_OVER_IPV4 = 0x11, UDP_OVER_IPV4, TCP_OVER_IPV6 = 0x21, UDP_OVER_IPV6,
           UNIX_STREAM = 0x31, UNIX_DATAGRAM };
    if (len < BINARY_HEAD) return "incomplete header";
    if (binary_size(data) > PROXY_HEADER_MAX) return "the header is too long";
    if (binary_size(data) != len) return "lengths do not fit";
    if (data[12] == LOCAL) return NULL;
    if (data[12] != PROXY) return "unknown version or command";
    switch (data[13]) {
    case TCP_OVER_IPV4: return parse_block(header, AF_INET, 4, data + BINARY_HEAD, len - BINARY_HEAD);
    case TCP_OVER_IPV6: return parse_block(header, AF_INET6, 16, data + BINARY_HEAD, len - BINARY_HEAD);
    /* The specification, 2.2: what is valid and not supported is taken as UNSPEC. */
    case UNSPEC:
    case UDP_OVER_IPV4:
    case UDP_OVER_IPV6:
    case UNIX_STREAM:
    case UNIX_DATAGRAM: return NULL;
    default: return "unknown address family or protocol";
    }
}

char const *proxy_header_parse(struct proxy_header *header, unsigned char const *data, size_t len)
{
    *header = (struct proxy_header){ .relayed = 0 };
    if (len && may_be_text(data, len)) return parse_text(header, data, len);
    if (len && may_be_binary(data, len)) return parse_binary(header, data, len);
    return "no signature of version 1 or 2";
}
