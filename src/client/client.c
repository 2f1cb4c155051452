/* ISC license. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/strerr.h>

#include "client/client.h"
#include "protocol/address.h"

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

static void write_session_facts(stralloc *changes, struct ktls_reply const *reply)
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

/* IP:PORT or [IP]:PORT; "": not an Internet address. */
static void write_end(stralloc *changes, char const *ip_variable, char const *port_variable, char const *name)
{
    char ip[INET6_ADDRSTRLEN + 2] = "";
    char const *port = strrchr(name, ':');
    int const bracketed = *name == '[' && port && port > name + 1 && port[-1] == ']';
    size_t const len = port ? (size_t)(port - name) - (bracketed ? 2 : 0) : 0;
    if (len && len < sizeof ip) memcpy(ip, name + bracketed, len);
    program_change(changes, ip_variable, ip);
    program_change(changes, port_variable, *ip ? port + 1 : "");
}

/* A relayed connection is a pair of Unix sockets, and only the service knows
   whom it leads to. */
static void write_ends(stralloc *changes, struct ktls_reply const *reply)
{
    char remote[ADDRESS_MAX], local[ADDRESS_MAX];
    address_of_peer(remote, reply->fd);
    address_of_socket(local, reply->fd);
    write_end(changes, "TCPREMOTEIP", "TCPREMOTEPORT", *remote ? remote : reply->remote);
    write_end(changes, "TCPLOCALIP", "TCPLOCALPORT", local);
    program_change(changes, "PROTO", "TCP");
    program_change(changes, "TCPREMOTEHOST", "");
    program_change(changes, "TCPREMOTEINFO", "");
    program_change(changes, "TCPLOCALHOST", "");
}

void client_write_environment(stralloc *changes, struct ktls_reply const *reply)
{
    write_session_facts(changes, reply);
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
