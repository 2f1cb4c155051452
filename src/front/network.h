/* ISC license. */

/*
 * Networks: ranges of IP addresses, written address/bits (RFC 4632, 3.1;
 * RFC 4291, 2.3).
 */

#ifndef KTLS_NETWORK_H
#define KTLS_NETWORK_H

/* IPv4 addresses are IPv4-mapped ones (RFC 4291, 2.5.5.2): they match however a
   socket says them. */
struct ip_address {
    unsigned char byte[16];
};

struct network {
    struct ip_address address;
    unsigned int bits; /* 0 to 128 */
};

/* 1 when text is an address. */
extern int ip_address_scan(struct ip_address *address, char const *text);
/* address/bits, or an address alone. 0: neither, or the address has bits behind
   the network's. */
extern int network_scan(struct network *network, char const *text);
extern int network_contains(struct network const *network, struct ip_address const *address);
/* Whose connection it is, by getpeername(2). 0: not an IP socket's. */
extern int ip_address_of_peer(struct ip_address *address, int fd);

#endif
