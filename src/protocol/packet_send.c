/* ISC license. */

#include "protocol/packet.h"

#include <stdint.h>
#include <string.h>

int ktls_packet_pair(int pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
}

int ktls_packet_ask_sender(int socket)
{
    int const on = 1;
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
}

int ktls_packet_send(int socket, void const *bytes, size_t len, int const *fds, size_t fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PACKET_FDS * sizeof(int))];
    } control;
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
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}
