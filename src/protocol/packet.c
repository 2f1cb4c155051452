/* ISC license. */

#include "protocol/packet.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifndef SCM_PIDFD
#define SCM_PIDFD 4 /* since Linux 6.5 */
#endif

int packet_pair(int pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

int packet_ask_sender(int socket)
{
    int const on = 1;
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

union rights {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PACKET_FDS * sizeof(int))];
};

int packet_send(int socket, void const *bytes, size_t len, int const *fds, size_t fd_count)
{
    union rights control;
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fd_count) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = (socklen_t)CMSG_SPACE(fd_count * sizeof *fds);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = (socklen_t)CMSG_LEN(fd_count * sizeof *fds);
        memcpy(CMSG_DATA(header), fds, fd_count * sizeof *fds);
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int close_here(void *fd)
{
    return close(*(int *)fd);
}

/* By a process that has the same descriptors: who serves a file (FUSE) decides
   how long that takes. */
static void close_elsewhere(int fd)
{
    _Alignas(16) unsigned char stack[4096];
    if (clone(&close_here, stack + sizeof stack, CLONE_FILES | SIGCHLD, &fd) < 0) close(fd);
}

void packet_close(int fd)
{
    struct linger const off = { .l_onoff = 0 };
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off) == 0)
        close(fd);
    else
        close_elsewhere(fd);
}

static void keep_descriptor(struct packet *packet, int fd)
{
    if (packet->fd_count < PACKET_FDS) {
        packet->fd[packet->fd_count++] = fd;
    } else {
        packet->truncated = 1;
        packet_close(fd);
    }
}

/* Any number may come, and of other kinds: who made a channel shares our end of
   it, and what is set there. */
static void take_descriptors(struct packet *packet, struct cmsghdr const *header)
{
    size_t const count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        if (header->cmsg_type == SCM_RIGHTS)
            keep_descriptor(packet, fd);
        else
            close(fd);
    }
}

static void take_control(struct packet *packet, struct cmsghdr const *header)
{
    if (header->cmsg_level != SOL_SOCKET) return;
    if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len == CMSG_LEN(sizeof packet->sender))
        memcpy(&packet->sender, CMSG_DATA(header), sizeof packet->sender);
    if (header->cmsg_type == SCM_RIGHTS || header->cmsg_type == SCM_PIDFD) take_descriptors(packet, header);
}

/* musl's macro mixes signs. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static struct cmsghdr *next_header(struct msghdr *message, struct cmsghdr *header)
{
    return CMSG_NXTHDR(message, header);
}
#pragma GCC diagnostic pop

int packet_receive(int socket, struct packet *packet)
{
    union {
        struct cmsghdr align;
        char bytes[sizeof(union rights) + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = { .iov_base = packet->bytes, .iov_len = sizeof packet->bytes };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    ssize_t const len = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    packet->fd_count = 0;
    packet->sender = (struct ucred){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
    if (len < 0) return -1;
    packet->len = (size_t)len;
    packet->truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = next_header(&message, header))
        take_control(packet, header);
    if (!len) packet_drop(packet); /* an empty packet, which counts as the end, may bring some too */
    return len != 0;
}

int packet_is_text(struct packet const *packet, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (packet->bytes[i] < ' ' || packet->bytes[i] > '~') return 0;
    return 1;
}

int packet_take(struct packet *packet, size_t i)
{
    if (i >= packet->fd_count) return -1;
    int const fd = packet->fd[i];
    packet->fd[i] = -1;
    return fd;
}

void packet_drop(struct packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++)
        if (packet->fd[i] >= 0) packet_close(packet->fd[i]);
    packet->fd_count = 0;
}
