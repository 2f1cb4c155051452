/* ISC license. */

/* Two ends of a TCP connection on 127.0.0.1, and kernel TLS on them. */

#ifndef KTLS_PAIR_H
#define KTLS_PAIR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ktls/ktls.h"
#include "tests/unit/tap.h"

struct pair {
    int client, server;
};

static inline struct pair tcp_pair(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 600};
    socklen_t len = sizeof address;
    struct pair pair;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&address, &len))
        give_up("listen");
    pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pair.client < 0 || connect(pair.client, (struct sockaddr *)&address, len)) give_up("connect");
    pair.server = accept(listener, 0, 0);
    if (pair.server < 0) give_up("accept");
    close(listener);
    setsockopt(pair.client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(pair.server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return pair;
}

static inline void close_pair(struct pair pair)
{
    close(pair.client);
    close(pair.server);
}

static inline struct ktls_traffic_keys make_keys(uint16_t version, uint16_t cipher, unsigned char seed)
{
    struct ktls_traffic_keys keys = {.version = version, .cipher = cipher, .seq = 0x0102030405060708 + seed};

    for (size_t i = 0; i < sizeof keys.key; i++) keys.key[i] = (unsigned char)(seed * 37 + i * 11);
    for (size_t i = 0; i < sizeof keys.iv; i++) keys.iv[i] = (unsigned char)(seed * 53 + i * 7);
    return keys;
}

static inline int attach_pair(struct pair pair)
{
    return ktls_attach(pair.client) == 0 && ktls_attach(pair.server) == 0;
}

static inline int install_pair(struct pair pair, uint16_t version, uint16_t cipher)
{
    struct ktls_traffic_keys up = make_keys(version, cipher, 1), down = make_keys(version, cipher, 2);

    return ktls_install(pair.client, KTLS_TX, &up) == 0 && ktls_install(pair.server, KTLS_RX, &up) == 0 &&
           ktls_install(pair.server, KTLS_TX, &down) == 0 && ktls_install(pair.client, KTLS_RX, &down) == 0;
}

/* A connection with keys in all four places. */
static inline struct pair ktls_pair(uint16_t version, uint16_t cipher)
{
    struct pair pair = tcp_pair();

    if (!attach_pair(pair)) give_up("attach");
    if (!install_pair(pair, version, cipher)) give_up("install");
    return pair;
}

#endif
