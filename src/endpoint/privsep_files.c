/* ISC license. */

/*
 * Certificates for a handshake in jail. Which one is wanted is known when the
 * client's hello has been read, and then there are no files any more: the process
 * outside opens them, and passes the descriptors. It opens those of one server
 * name, and no other whatever it is asked; it reads nothing of them.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint/places.h"
#include "protocol/packet.h"

#define MAX_REQUESTS 128 /* places, two keys, and some attempts each */
#define MAX_SHOWN 1024   /* of a path, in a message */

struct files_reply {
    int result;
    size_t size[2];
    unsigned char has_key_file;
    char certfile[MAX_SHOWN], keyfile[MAX_SHOWN];
    struct program_error error; /* of result -1 */
};

/* ---- in jail ---- */

static int take_descriptors(struct msghdr *message, int fds[2])
{
    struct cmsghdr const *c = CMSG_FIRSTHDR(message);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return 0;
    size_t const count = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
    memcpy(fds, CMSG_DATA(c), (count < 2 ? count : 2) * sizeof *fds);
    return 1;
}

static void free_spare(int spare[2])
{
    for (size_t i = 0; i < 2; i++) {
        if (spare[i] >= 0) close(spare[i]);
        spare[i] = -1;
    }
}

static int receive_reply(int fd, struct files_reply *reply, int fds[2])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec iov = { .iov_base = reply, .iov_len = sizeof *reply };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
                              .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
    ssize_t got;
    do got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got == sizeof *reply && (reply->result != 1 || take_descriptors(&message, fds))) return 1;
    if (got >= 0) errno = EPROTO;
    return 0;
}

int privsep_ask_files(int fd, int spare[2], enum place place, char const *server_name, int second,
                      struct opened_pair *pair, struct program_error *error)
{
    static struct files_reply reply; /* the paths are shown later */
    struct files_request request = { .place = (unsigned char)place, .second = (unsigned char)second };
    int fds[2] = { -1, -1 };
    memcpy(request.server_name, server_name, strlen(server_name) + 1);
    *pair = (struct opened_pair){ .cert.fd = -1, .key.fd = -1 };
    free_spare(spare);
    if (send(fd, &request, sizeof request, MSG_NOSIGNAL) != sizeof request || !receive_reply(fd, &reply, fds))
        return program_fail_system(error, EXIT_CREDENTIAL, "certificate") - 1;
    pair->certfile = reply.certfile;
    pair->keyfile = reply.keyfile;
    pair->cert = (struct opened_file){ fds[0], reply.size[0] };
    pair->key = (struct opened_file){ reply.has_key_file ? fds[1] : -1, reply.size[1] };
    if (reply.result < 0) *error = reply.error;
    return reply.result;
}

/* ---- outside ---- */

static int is_proper_request(struct files_server const *server, struct files_request const *request)
{
    size_t const len = strnlen(request->server_name, sizeof request->server_name);
    if (request->place >= PLACES || request->second > 1 || len == sizeof request->server_name) return 0;
    if (len && !x509_is_dns_name(request->server_name, len)) return 0;
    if (server->requests >= MAX_REQUESTS) return 0;
    return !server->requests || !strcmp(server->server_name, request->server_name);
}

int privsep_answer_files(struct files_server *server, int fd, struct files_request const *request)
{
    struct opened_pair pair;
    struct files_reply reply;
    if (!is_proper_request(server, request)) return 0;
    server->requests++;
    memcpy(server->server_name, request->server_name, sizeof server->server_name);
    memset(&reply, 0, sizeof reply); /* padding travels too */
    reply.result =
        places_open(server->places, request->place, server->server_name, request->second, &pair, &reply.error);
    reply.size[0] = pair.cert.size;
    reply.size[1] = pair.key.size;
    reply.has_key_file = pair.key.fd >= 0;
    if (pair.certfile) strncpy(reply.certfile, pair.certfile, sizeof reply.certfile - 1);
    if (pair.keyfile) strncpy(reply.keyfile, pair.keyfile, sizeof reply.keyfile - 1);
    int const fds[2] = { pair.cert.fd, pair.key.fd };
    size_t const count = reply.result == 1 ? 1u + reply.has_key_file : 0;
    int const sent = ktls_packet_send(fd, &reply, sizeof reply, fds, count);
    places_close(&pair);
    return sent;
}
