/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"
#include "process/process.h"

static void check_open(unsigned int fd)
{
    char name[UINT_FMT];
    if (fcntl((int)fd, F_GETFD) >= 0) return;
    name[uint_fmt(name, fd)] = 0;
    strerr_diefsys(EXIT_SYSTEM, "descriptor ", name);
}

/* What cannot be known of a descriptor must not be taken for harmless. */
static struct chain_stream identify(int fd)
{
    struct stat s;
    if (fstat(fd, &s) < 0) {
        if (errno != EBADF) strerr_diefsys(EXIT_SYSTEM, "fstat");
        return (struct chain_stream){ .is_one = 0 };
    }
    return (struct chain_stream){ S_ISSOCK(s.st_mode) || S_ISFIFO(s.st_mode), s.st_dev, s.st_ino };
}

static int are_one(struct chain_stream const *a, struct chain_stream const *b)
{
    return a->is_one && b->is_one && a->device == b->device && a->inode == b->inode;
}

int chain_is_one_stream(int a, int b)
{
    struct chain_stream const s = identify(a), t = identify(b);
    return are_one(&s, &t);
}

void chain_identify(struct chain_identity *connection, struct chain_options const *options)
{
    connection->read = identify((int)options->read_fd);
    connection->write = identify((int)options->write_fd);
}

int chain_is_connection(struct chain_identity const *connection, int fd)
{
    struct chain_stream const stream = identify(fd);
    return are_one(&stream, &connection->read) || are_one(&stream, &connection->write);
}

/* inetd and its like make the socket stderr too: what is said there, by us or
   by prog, would cross the network unprotected. */
static void silence(int fd)
{
    if (!process_silence(fd)) _exit(EXIT_SYSTEM);
}

void chain_check_descriptors(struct chain_options const *options)
{
    struct chain_identity connection;
    chain_identify(&connection, options);
    for (int fd = 0; fd <= 2; fd++)
        if (fd != (int)options->read_fd && fd != (int)options->write_fd && chain_is_connection(&connection, fd))
            silence(fd);
    check_open(options->read_fd);
    check_open(options->write_fd);
    if (!process_fill_standard_descriptors()) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
}

static _Noreturn void die_unattached(int error)
{
    if (error == ENOTSOCK || error == EOPNOTSUPP)
        strerr_dief(EXIT_ENGINE, "--mode kernel: the descriptors are not one TCP connection without TLS");
    if (error == ENOENT || error == ENOPROTOOPT)
        strerr_dief(EXIT_ENGINE, "--mode kernel: this kernel has no TLS (modprobe tls?)");
    if (error == ENOTCONN) strerr_dief(EXIT_TLS, "the peer closed the connection before the handshake");
    errno = error;
    strerr_diefsys(EXIT_ENGINE, "--mode kernel: attaching TLS to the socket");
}

/* 0: errno says why. */
static int attach(struct chain_connection const *connection)
{
    errno = ENOTSOCK;
    if (!chain_is_one_stream(connection->fdr, connection->fdw)) return 0;
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

/* When and how often is the system's business (tcp(7)). */
void chain_keep_alive(int fd)
{
    int const on = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

void chain_open_connection(struct chain_connection *connection, struct chain_options const *options)
{
    *connection = (struct chain_connection){ .fdr = (int)options->read_fd, .fdw = (int)options->write_fd };
    if (options->mode != MODE_USER) connection->attached = (unsigned char)attach(connection);
    if (options->mode == MODE_KERNEL && !connection->attached) die_unattached(errno);
    connection->nodelay = get_nodelay(connection->fdw);
    if (connection->nodelay == 0) set_nodelay(connection->fdw, 1);
    if (connection->nodelay >= 0) chain_keep_alive(connection->fdw);
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
