/* ISC license. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/strerr.h>

#include "client/client.h"

int client_open_channel(char const *path)
{
    int const channel = ktls_channel(path);
    if (channel >= 0) return channel;
    if (path) strerr_diefsys(EXIT_ENGINE, path);
    if (errno == ENOENT) strerr_dief(EXIT_USAGE, "KTLS_FD is not set: no ktls-init here");
    if (errno == EINVAL) strerr_dief(EXIT_USAGE, "KTLS_FD is not a number");
    strerr_diefsys(EXIT_ENGINE, "KTLS_FD");
}

int client_explain(struct ktls_reply const *reply, char const *url)
{
    if (errno == EREMOTEIO) {
        strerr_warn(PROG, ": fatal: ", url, ": ", reply->reason);
        return EXIT_TLS;
    }
    char const *what = strerror(errno);
    int code = EXIT_SYSTEM;
    if (errno == EPIPE || errno == EPROTO) code = EXIT_ENGINE;
    if (errno == EPIPE) what = "the service is gone";
    if (errno == EPROTO) what = "the service does not speak the protocol";
    if (errno == EINVAL || errno == EMSGSIZE) code = EXIT_USAGE;
    strerr_warn(PROG, ": fatal: ", url, ": ", what);
    return code;
}

static void write_session(stralloc *changes, struct ktls_reply const *reply)
{
    struct program_session const session = {
        .protocol = reply->protocol,
        .cipher = reply->cipher,
        .path = reply->path,
        .server_name = reply->sni,
        .alpn = reply->alpn,
        .peer_hash = reply->peer,
        .peer_subject = reply->subject,
        .peer_alt_names = reply->san,
    };
    program_change_session(changes, &session);
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

static void write_end(stralloc *changes, char const *ip_variable, char const *port_variable, char const *ip,
                      char const *port)
{
    program_change(changes, ip_variable, ip);
    program_change(changes, port_variable, port);
}

/* IP:PORT or [IP]:PORT, which a service writes for a connection that is relayed. */
static void write_named_end(stralloc *changes, char const *ip_variable, char const *port_variable,
                            char const *name)
{
    char ip[INET6_ADDRSTRLEN + 2] = "";
    char const *port = strrchr(name, ':');
    int const bracketed = *name == '[' && port && port > name + 1 && port[-1] == ']';
    size_t const len = port ? (size_t)(port - name) - (bracketed ? 2 : 0) : 0;
    if (len && len < sizeof ip) memcpy(ip, name + bracketed, len);
    write_end(changes, ip_variable, port_variable, ip, *ip ? port + 1 : "");
}

/* 0: not an Internet address. */
static int write_address(stralloc *changes, char const *ip_variable, char const *port_variable,
                         union address const *address)
{
    int const is_v6 = address->any.sa_family == AF_INET6;
    if (!is_v6 && address->any.sa_family != AF_INET) return 0;
    void const *number = is_v6 ? (void const *)&address->v6.sin6_addr : &address->v4.sin_addr;
    char ip[INET6_ADDRSTRLEN], port[8];
    inet_ntop(address->any.sa_family, number, ip, sizeof ip);
    snprintf(port, sizeof port, "%u", ntohs(is_v6 ? address->v6.sin6_port : address->v4.sin_port));
    write_end(changes, ip_variable, port_variable, ip, port);
    return 1;
}

/* A relayed connection is a pair of Unix sockets, and only the service knows
   whom it leads to. */
static void write_ends(stralloc *changes, struct ktls_reply const *reply)
{
    union address remote = { .any.sa_family = AF_UNSPEC }, local = remote;
    socklen_t remote_len = sizeof remote, local_len = sizeof local;
    getpeername(reply->fd, &remote.any, &remote_len);
    getsockname(reply->fd, &local.any, &local_len);
    if (!write_address(changes, "TCPREMOTEIP", "TCPREMOTEPORT", &remote))
        write_named_end(changes, "TCPREMOTEIP", "TCPREMOTEPORT", reply->remote);
    if (!write_address(changes, "TCPLOCALIP", "TCPLOCALPORT", &local))
        write_end(changes, "TCPLOCALIP", "TCPLOCALPORT", "", "");
    program_change(changes, "PROTO", "TCP");
    program_change(changes, "TCPREMOTEHOST", "");
    program_change(changes, "TCPREMOTEINFO", "");
    program_change(changes, "TCPLOCALHOST", "");
}

void client_write_environment(stralloc *changes, struct ktls_reply const *reply)
{
    write_session(changes, reply);
    write_ends(changes, reply);
}

void client_put(int fd, unsigned int fdr, unsigned int fdw)
{
    if (dup2(fd, (int)fdr) < 0 || dup2(fd, (int)fdw) < 0) strerr_diefsys(EXIT_SYSTEM, "dup2");
    if ((unsigned int)fd == fdr || (unsigned int)fd == fdw)
        uncoe(fd);
    else
        close(fd);
}

void client_exec(char const *const *prog, stralloc const *changes)
{
    mexec_m(prog, changes->s, changes->len);
    program_die_exec(prog[0]);
}
