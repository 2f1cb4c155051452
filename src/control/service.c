/* ISC license. */

#include "control/service.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/reply.h"
#include "protocol/packet.h"

_Static_assert(KTLS_MAX_PACKET == PACKET_MAX, "one size of packets");

/* ECONNRESET tells only that the service had not read everything. */
static int fail_as_gone(void)
{
    if (errno == ECONNRESET) errno = EPIPE;
    return -1;
}

static int send_packet(int channel, char const *packet, size_t len, int fd)
{
    return ktls_packet_send(channel, packet, len, &fd, fd >= 0) ? 0 : fail_as_gone();
}

static int inherited_channel(void)
{
    char const *number = getenv("KTLS_FD");
    char *end;
    if (!number) {
        errno = ENOENT;
        return -1;
    }
    long const fd = strtol(number, &end, 10);
    if (end != number && !*end && fd >= 0 && fd <= INT32_MAX) return (int)fd;
    errno = EINVAL;
    return -1;
}

/* Waits for room: other clients occupy the shared socket only briefly. */
static int attach_own_channel(int shared, int own)
{
    static char const request[] = "ATTACH\n";
    struct pollfd p = {.fd = shared, .events = POLLOUT};
    while (send_packet(shared, request, sizeof request - 1, own) < 0)
        if (errno != EINTR && (errno != EAGAIN || (poll(&p, 1, -1) < 0 && errno != EINTR))) return -1;
    return 0;
}

/* The service relies on what the kernel says of the sender of a request, which the
   kernel has to record of the first request too. */
static int attach_to_inherited(void)
{
    int const shared = inherited_channel();
    int pair[2];
    if (shared < 0 || !ktls_packet_pair(pair)) return -1;
    int const attached = ktls_packet_ask_sender(pair[1]) ? attach_own_channel(shared, pair[1]) : -1;
    close(pair[1]);
    if (attached == 0) return pair[0];
    close(pair[0]);
    return -1;
}

static int connect_to_path(char const *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t const len = strlen(path);
    if (len >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, len + 1);
    int const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr const *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/* Others that have inherited the path cannot close this channel, and the kernel tells
   the service our groups. */
static int connect_to_inherited(void)
{
    char const *path = getenv("KTLS_PATH");
    return path ? connect_to_path(path) : -1;
}

int ktls_channel(char const *path)
{
    if (path) return connect_to_path(path);
    int const fd = connect_to_inherited();
    return fd >= 0 ? fd : attach_to_inherited();
}

/* Words are separated by spaces and packets end with a newline. */
static int is_word(char const *word)
{
    if (!*word) return 0;
    for (; *word; word++)
        if (*word <= ' ' || *word > '~') return 0;
    return 1;
}

static int send_words(int channel, int fd, char const *const *words, size_t count)
{
    char packet[KTLS_MAX_PACKET];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t const len = strlen(words[i]);
        if (!is_word(words[i])) {
            errno = EINVAL;
            return -1;
        }
        if (len >= sizeof packet - used) {
            errno = EMSGSIZE;
            return -1;
        }
        memcpy(packet + used, words[i], len);
        used += len;
        packet[used++] = i + 1 < count ? ' ' : '\n';
    }
    return send_packet(channel, packet, used, fd);
}

int ktls_request(int channel, char const *command, char const *url, int fd)
{
    char const *const words[] = {command, url};
    return send_words(channel, fd, words, 2);
}

int ktls_answer(int channel, struct ktls_reply const *question, int yes, char const *params)
{
    char const *const words[] = {"ANSWER", question->question, yes ? "yes" : "no", params};
    return send_words(channel, -1, words, *params ? 4 : 3);
}

/* At most one descriptor comes with a packet: no room is given for another. */
static int received_fd(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static ssize_t receive_packet(int channel, struct ktls_reply *reply, int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = reply->packet, .iov_len = KTLS_MAX_PACKET};
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_LEN(sizeof(int)),
    };
    ssize_t const len = recvmsg(channel, &message, (flags & MSG_DONTWAIT) | MSG_CMSG_CLOEXEC);
    reply->fd = len < 0 ? -1 : received_fd(&message);
    if (len <= 0) return len;
    return message.msg_flags & MSG_TRUNC ? 1 : len;
}

int ktls_receive(int channel, struct ktls_reply *reply, int flags)
{
    ssize_t const len = receive_packet(channel, reply, flags);
    if (len < 0) return fail_as_gone();
    if (len && ktls_parse_reply(reply, (size_t)len)) return 0;
    if (reply->fd >= 0) close(reply->fd);
    reply->fd = -1;
    errno = len ? EPROTO : EPIPE;
    return -1;
}

static int receive_waiting(int channel, struct ktls_reply *reply)
{
    for (;;) {
        if (ktls_receive(channel, reply, 0) == 0) return 0;
        if (errno != EINTR) return -1;
    }
}

/* The reply to a command, with what it brings. */
static int await_reply(int channel, char const *command, struct ktls_reply *reply)
{
    if (receive_waiting(channel, reply) < 0) return -1;
    if (reply->kind != KTLS_REPLY_ASK && !strcmp(reply->command, command)) {
        if (reply->kind == KTLS_REPLY_OK && reply->fd >= 0) return reply->fd;
        errno = reply->kind == KTLS_REPLY_ERR ? EREMOTEIO : EPROTO;
    } else {
        errno = EPROTO;
    }
    if (reply->fd >= 0) close(reply->fd);
    reply->fd = -1;
    return -1;
}

int ktls_connect(int channel, char const *url, struct ktls_reply *reply)
{
    if (ktls_request(channel, "CONNECT", url, -1) < 0) return -1;
    return await_reply(channel, "CONNECT", reply);
}

int ktls_upgrade(int channel, int fd, char const *url, struct ktls_reply *reply)
{
    if (ktls_request(channel, "UPGRADE", url, fd) < 0) return -1;
    return await_reply(channel, "UPGRADE", reply);
}

int ktls_listen(int channel, char const *url)
{
    return ktls_request(channel, "ACCEPT", url, -1);
}

int ktls_accept(int channel, struct ktls_reply *reply)
{
    return await_reply(channel, "ACCEPT", reply);
}
