/* ISC license. */

#include "ktls/ktls.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "ktls/kernel.h"

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(unsigned char))];
};

ssize_t ktls_recv_record(int fd, unsigned char *type, void *buf, size_t len, int flags)
{
    union control control;
    struct iovec iov = {.iov_base = buf, .iov_len = len};
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t received = recvmsg(fd, &message, flags);
    if (received < 0) return -1;

    /* At the end of the stream the kernel reports no type. */
    *type = received ? KTLS_APPLICATION_DATA : 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_TLS && header->cmsg_type == TLS_GET_RECORD_TYPE)
        *type = *(unsigned char *)CMSG_DATA(header);
    return received;
}

ssize_t ktls_send_record_flags(int fd, unsigned char type, void const *buf, size_t len, int flags)
{
    /* The kernel sends nothing for an empty record. */
    if (!len || len > TLS_MAX_FRAGMENT) {
        errno = EINVAL;
        return -1;
    }
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_TLS;
    header->cmsg_type = TLS_SET_RECORD_TYPE;
    header->cmsg_len = CMSG_LEN(sizeof type);
    *(unsigned char *)CMSG_DATA(header) = type;
    return sendmsg(fd, &message, MSG_NOSIGNAL | flags);
}

ssize_t ktls_send_record(int fd, unsigned char type, void const *buf, size_t len)
{
    return ktls_send_record_flags(fd, type, buf, len, 0);
}
