/* ISC license. */

#include <errno.h>
#include <sys/socket.h>

#include "endpoint/endpoint.h"
#include "ktls/kernel.h"

/* 0, or errno says why not. */
static int attach_tls(int fdr, int fdw)
{
    if (!process_is_one_stream(fdr, fdw)) return ENOTSOCK;
    int was_attached;
    if (ktls_attach_once(fdw, &was_attached) < 0) return errno;
    if (!was_attached) return 0;
    /* There is a TLS connection on it already, and only one fits in the kernel. */
    return ktls_has_keys(fdw, KTLS_TX) || ktls_has_keys(fdr, KTLS_RX) ? EOPNOTSUPP : 0;
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

void endpoint_open(struct endpoint_connection *connection, int fdr, int fdw, int for_user_space)
{
    *connection = (struct endpoint_connection){
        .fdr = fdr,
        .fdw = fdw,
        .unattached = for_user_space ? ECANCELED : attach_tls(fdr, fdw),
        .nodelay = get_nodelay(fdw),
    };
    if (connection->nodelay == 0) set_nodelay(fdw, 1);
    if (connection->nodelay >= 0) process_keep_alive(fdw);
}

void endpoint_settle(struct endpoint_connection const *connection)
{
    if (connection->nodelay == 0) set_nodelay(connection->fdw, 0);
}

void endpoint_cut(struct endpoint_connection const *connection)
{
    shutdown(connection->fdw, SHUT_RDWR);
}

/* RX first: when it fails, nothing has changed yet. */
int endpoint_install_keys(struct endpoint_connection const *connection, struct tls_session const *session)
{
    if (ktls_install(connection->fdr, KTLS_RX, &session->rx) < 0) return 0;
    if (ktls_install(connection->fdw, KTLS_TX, &session->tx) == 0) return 1;
    return -1;
}
