/* ISC license. */

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <skalibs/strerr.h>

#include "chain/ucspitls.h"

/* Before the handshake a server's peer may have sent its ClientHello, a
   client's peer nothing. 1: it has sent something else. */
static int is_plaintext_waiting(int is_client, int fd)
{
    unsigned char header[2] = { 0, 3 };
    int waiting = 0;
    ssize_t const r = recv(fd, header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
    if (r < 0 && errno == ENOTSOCK) {
        /* The content of a pipe cannot be peeked at: the handshake will check it. */
        return is_client && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0;
    }
    return r > 0 && (is_client || header[0] != KTLS_HANDSHAKE || header[1] != 3);
}

/* 0 after a handshake: this is not TCP, or the kernel does not count. */
static uint64_t count_acked(int fd)
{
    struct tcp_info info = { .tcpi_bytes_acked = 0 };
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? 0 : info.tcpi_bytes_acked;
}

/* The bytes given to TCP: the acknowledged and the unacknowledged ones. Bytes that are
   acknowledged between the calls would be counted twice. */
static uint64_t count_written(int fd)
{
    uint64_t before, acked = count_acked(fd);
    int queued;
    do {
        before = acked;
        if (ioctl(fd, SIOCOUTQ, &queued) < 0) return 0;
        acked = count_acked(fd);
    } while (before != acked);
    return acked + (uint64_t)queued;
}

static _Noreturn void refuse_connection(struct ucspitls_guard const *guard, int code, char const *why)
{
    endpoint_cut(guard->connection);
    strerr_dief(code, program_peer(), why);
}

void ucspitls_start_guard(struct ucspitls_guard *guard, struct chain const *chain)
{
    struct endpoint_connection const *connection = &chain->connection;
    *guard = (struct ucspitls_guard){ .connection = connection, .before = count_written(connection->fdw) };
    if (is_plaintext_waiting(chain->options.settings.role == KTLS_CLIENT, connection->fdr))
        refuse_connection(guard, EXIT_TLS, "the peer sent plaintext instead of TLS");
}

void ucspitls_end_guard(struct ucspitls_guard const *guard, uint64_t sent_by_handshake)
{
    int const fd = guard->connection->fdw;
    if (count_acked(fd) && count_written(fd) != guard->before + sent_by_handshake)
        refuse_connection(guard, EXIT_USAGE, "the connection was written to during the handshake");
}
