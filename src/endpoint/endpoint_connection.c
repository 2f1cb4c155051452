/* ISC license. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"
#include "process/process.h"

static _Noreturn void die_unattached(int error)
{
    if (error == ENOTSOCK || error == EOPNOTSUPP)
        strerr_dief(EXIT_ENGINE, "--mode kernel: the descriptors are not one TCP connection without TLS");
    if (error == ENOENT || error == ENOPROTOOPT)
        strerr_dief(EXIT_ENGINE, "--mode kernel: this kernel has no TLS (modprobe tls?)");
    errno = error;
    strerr_diefsys(EXIT_ENGINE, "--mode kernel: attaching TLS to the socket");
}

/* 0: errno says why. */
static int attach(struct chain_connection const *connection)
{
    errno = ENOTSOCK;
    if (!process_is_one_stream(connection->fdr, connection->fdw)) return 0;
    if (ktls_attach(connection->fdw) < 0) return 0;
    /* There is a TLS connection on it already, and only one fits in the kernel. */
    errno = EOPNOTSUPP;
    return !ktls_has_keys(connection->fdw, KTLS_TX) && !ktls_has_keys(connection->fdr, KTLS_RX);
}

static int get_nodelay(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len) < 0 ? -1 : value;
}

static void set_nodelay(int fd, int value)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

void chain_open_connection(struct chain_connection *connection, struct chain_options const *options)
{
    *connection = (struct chain_connection){ .fdr = (int)options->read_fd, .fdw = (int)options->write_fd };
    if (options->mode != MODE_USER) connection->attached = (unsigned char)attach(connection);
    /* With a peer that has gone it is the handshake that fails. */
    if (options->mode == MODE_KERNEL && !connection->attached && errno != ENOTCONN) die_unattached(errno);
    connection->nodelay = get_nodelay(connection->fdw);
    if (connection->nodelay == 0) set_nodelay(connection->fdw, 1);
    if (connection->nodelay >= 0) process_keep_alive(connection->fdw);
}

void chain_settle_connection(struct chain_connection const *connection)
{
    if (connection->nodelay == 0) set_nodelay(connection->fdw, 0);
}

void chain_cut_connection(struct chain_connection const *connection)
{
    shutdown(connection->fdw, SHUT_RDWR);
}

/* RX first: when it fails, nothing has changed yet. */
int chain_install_keys(struct chain_connection const *connection, struct tls_session const *session)
{
    if (ktls_install(connection->fdr, KTLS_RX, &session->rx) < 0) return 0;
    if (ktls_install(connection->fdw, KTLS_TX, &session->tx) == 0) return 1;
    return -1;
}
