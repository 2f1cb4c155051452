/* ISC license. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/stack.h"

#define STACK_TO_GIVE_BACK 65536
#define OWN_FRAME 512

int relay_is_ready(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    if (poll(&p, 1, 0) > 0) return 1;
    errno = EAGAIN;
    return 0;
}

/* O_NONBLOCK belongs to the open file, which other processes may share. So sockets get
   MSG_DONTWAIT with each call, and any other file no larger request than it can serve. */
ssize_t relay_read(int fd, void *buf, size_t len)
{
    ssize_t const r = recv(fd, buf, len, MSG_DONTWAIT);
    if (r >= 0 || errno != ENOTSOCK) return r;
    return relay_is_ready(fd, POLLIN) ? read(fd, buf, len) : -1;
}

ssize_t relay_write(int fd, void const *buf, size_t len)
{
    ssize_t const r = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (r >= 0 || errno != ENOTSOCK) return r;
    return relay_is_ready(fd, POLLOUT) ? write(fd, buf, len < PIPE_BUF ? len : PIPE_BUF) : -1;
}

int relay_would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void relay_give_back(unsigned char *buffer, size_t size)
{
    crypto_wipe(buffer, size);
    madvise(buffer, (size + 4095) / 4096 * 4096, MADV_DONTNEED);
}

/* The unused stack below this frame contains key schedules of the ciphers, which are wiped with it. */
void relay_give_back_stack(void)
{
    char here;
    uintptr_t const end = ((uintptr_t)&here - OWN_FRAME) & ~(uintptr_t)4095;
    madvise((void *)(end - STACK_TO_GIVE_BACK), STACK_TO_GIVE_BACK, MADV_DONTNEED);
}
