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

static int close_here(void *fd)
{
    return close(*(int *)fd);
}

/* A process that shares our descriptors closes it: for a file, the file system
   (FUSE) decides how long that takes. */
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

/* Any number may come, and of other kinds: whoever made a channel shares our end
   of it and can set options there. */
static void take_message_descriptors(struct packet *packet, struct cmsghdr const *header)
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

static void take_control_message(struct packet *packet, struct cmsghdr const *header)
{
    if (header->cmsg_level != SOL_SOCKET) return;
    if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len == CMSG_LEN(sizeof packet->sender))
        memcpy(&packet->sender, CMSG_DATA(header), sizeof packet->sender);
    if (header->cmsg_type == SCM_RIGHTS || header->cmsg_type == SCM_PIDFD) take_message_descriptors(packet, header);
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
        char bytes[CMSG_SPACE(PACKET_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
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
        take_control_message(packet, header);
    if (!len) packet_drop(packet); /* an empty packet counts as the end, but may bring descriptors too */
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
