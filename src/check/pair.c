/* ISC license. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <skalibs/djbunix.h>

#include "check/check.h"

#define PATIENCE_SECONDS 5

static int listen_on_loopback(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, 1) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &len) == 0)
        return fd;
    fd_close(fd);
    return -1;
}

static int connect_to(struct sockaddr_in const *address)
{
    int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr const *)address, sizeof *address) == 0) return fd;
    fd_close(fd);
    return -1;
}

/* Another process may connect to our port: it is not our other end. */
static int is_connected(int accepted, int connected)
{
    struct sockaddr_in peer, own;
    socklen_t peer_len = sizeof peer, own_len = sizeof own;
    return getpeername(accepted, (struct sockaddr *)&peer, &peer_len) == 0 &&
           getsockname(connected, (struct sockaddr *)&own, &own_len) == 0 && peer.sin_port == own.sin_port &&
           peer.sin_addr.s_addr == own.sin_addr.s_addr;
}

static int accept_from(int listener, int connected)
{
    for (;;) {
        int const fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 || is_connected(fd, connected)) return fd;
        fd_close(fd);
    }
}

static void limit_waiting(int fd)
{
    struct timeval const patience = { .tv_sec = PATIENCE_SECONDS };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

int check_open_pair(struct check_pair *pair)
{
    struct sockaddr_in address;
    int const listener = listen_on_loopback(&address);
    if (listener < 0) return 0;
    limit_waiting(listener);
    pair->end[0] = connect_to(&address);
    pair->end[1] = pair->end[0] < 0 ? -1 : accept_from(listener, pair->end[0]);
    if (pair->end[1] < 0 && pair->end[0] >= 0) fd_close(pair->end[0]);
    fd_close(listener);
    if (pair->end[1] < 0) return 0;
    limit_waiting(pair->end[0]);
    limit_waiting(pair->end[1]);
    return 1;
}

void check_close_pair(struct check_pair const *pair)
{
    fd_close(pair->end[0]);
    fd_close(pair->end[1]);
}
