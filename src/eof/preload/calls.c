/* ISC license. */

/*
 * The calls of libc that a program reads and ends a stream with, for a program
 * that holds a kernel TLS socket and knows nothing of it: close_notify is the end
 * of the stream, tickets and KeyUpdate are not seen, and the program's own end is
 * a close_notify. ktls-eof(1) preloads this.
 *
 * Only calls through the dynamic linker come here: what libc calls itself, like
 * stdio's reads, does not.
 */

/* With it libc's headers define the functions that are replaced here. */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "eof/preload/connection.h"

#define EXPORTED __attribute__((visibility("default")))

static struct {
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*readv)(int, struct iovec const *, int);
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
    ssize_t (*recvmsg)(int, struct msghdr *, int);
    int (*shutdown)(int, int);
    int (*close)(int);
    int (*dup)(int);
    int (*dup2)(int, int);
    int (*dup3)(int, int, int);
    int (*fcntl)(int, int, ...);
    int (*fcntl64)(int, int, ...);
} libc;

/* dlsym gives a pointer to data, which ISO C does not convert to a function's. */
#define FIND(name) (*(void **)&libc.name = dlsym(RTLD_NEXT, #name))

static void find_libc(void)
{
    FIND(read), FIND(readv), FIND(recv), FIND(recvfrom), FIND(recvmsg);
    FIND(shutdown), FIND(close), FIND(dup), FIND(dup2), FIND(dup3), FIND(fcntl), FIND(fcntl64);
}

/* Libktls receives and sends by the same calls. Not allocated on first use, and
   volatile: signal handlers read, too, and a child of vfork has its parent's. */
static _Thread_local volatile int inside __attribute__((tls_model("initial-exec")));

static void __attribute__((constructor)) begin(void)
{
    int const saved = errno;
    find_libc();
    inside = 1;
    connection_find();
    inside = 0;
    errno = saved;
}

static int is_ours(int fd)
{
    if (!libc.close) find_libc(); /* another library's constructor may have been first */
    return !inside && connection_is(fd);
}

static ssize_t receive(int fd, void *buf, size_t len, int flags)
{
    inside = 1;
    ssize_t const got = connection_recv(fd, buf, len, flags);
    inside = 0;
    return got;
}

/* What stdio still holds comes before close_notify. */
static void __attribute__((destructor)) finish(void)
{
    fflush(NULL);
    inside = 1;
    connection_end_all();
}

/* ---- reading ---- */

EXPORTED ssize_t read(int fd, void *buf, size_t len)
{
    return is_ours(fd) ? receive(fd, buf, len, 0) : libc.read(fd, buf, len);
}

EXPORTED ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    return is_ours(fd) ? receive(fd, buf, len, flags) : libc.recv(fd, buf, len, flags);
}

EXPORTED ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *from_len)
{
    if (!is_ours(fd)) return libc.recvfrom(fd, buf, len, flags, from, from_len);
    if (from_len) *from_len = 0; /* as TCP does */
    return receive(fd, buf, len, flags);
}

/* Into the first buffer that has room: a stream may always give less. */
static ssize_t receive_vector(int fd, struct iovec const *iov, size_t count, int flags)
{
    for (size_t i = 0; i < count; i++)
        if (iov[i].iov_len) return receive(fd, iov[i].iov_base, iov[i].iov_len, flags);
    return 0;
}

EXPORTED ssize_t readv(int fd, struct iovec const *iov, int count)
{
    if (count < 0 || !is_ours(fd)) return libc.readv(fd, iov, count);
    return receive_vector(fd, iov, (size_t)count, 0);
}

/* New descriptors may have come. */
static ssize_t receive_elsewhere(int fd, struct msghdr *message, int flags)
{
    ssize_t const got = libc.recvmsg(fd, message, flags);
    if (got < 0) return got;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        int const *fds = (int const *)(void const *)CMSG_DATA(c);
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds; i++) connection_forget(fds[i]);
    }
    return got;
}

EXPORTED ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (!is_ours(fd)) return receive_elsewhere(fd, message, flags);
    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = 0;
    return receive_vector(fd, message->msg_iov, (size_t)message->msg_iovlen, flags);
}

#ifdef __GLIBC__

/* With _FORTIFY_SOURCE, where the compiler knows the size of the buffer. */

extern _Noreturn void __chk_fail(void);
extern ssize_t __read_chk(int fd, void *buf, size_t len, size_t size);
extern ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
extern ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *from,
                              socklen_t *from_len);

EXPORTED ssize_t __read_chk(int fd, void *buf, size_t len, size_t size)
{
    if (len > size) __chk_fail();
    return read(fd, buf, len);
}

EXPORTED ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
    if (len > size) __chk_fail();
    return recv(fd, buf, len, flags);
}

EXPORTED ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *from,
                                socklen_t *from_len)
{
    if (len > size) __chk_fail();
    return recvfrom(fd, buf, len, flags, from, from_len);
}

#endif

/* ---- ending ---- */

EXPORTED int shutdown(int fd, int how)
{
    if (how != SHUT_RD && is_ours(fd)) connection_end(fd);
    return libc.shutdown(fd, how);
}

EXPORTED int close(int fd)
{
    if (is_ours(fd)) connection_end_if_last(fd);
    connection_forget(fd);
    return libc.close(fd);
}

/* The shells' way out: what stdio holds is not written. */
EXPORTED _Noreturn void _exit(int code)
{
    inside = 1;
    connection_end_all();
    inside = 0; /* the parent of a child of vfork goes on with this */
    for (;;) syscall(SYS_exit_group, code);
}

EXPORTED _Noreturn void _Exit(int code)
{
    _exit(code);
}

/* ---- other numbers for the same socket ---- */

static int renewed(int fd)
{
    connection_forget(fd);
    return fd;
}

EXPORTED int dup(int fd)
{
    is_ours(fd);
    return renewed(libc.dup(fd));
}

/* to is closed. */
static void replace(int from, int to)
{
    if (from != to && is_ours(to) && !is_ours(from)) connection_end_if_last(to);
}

EXPORTED int dup2(int from, int to)
{
    replace(from, to);
    return renewed(libc.dup2(from, to));
}

EXPORTED int dup3(int from, int to, int flags)
{
    replace(from, to);
    return renewed(libc.dup3(from, to, flags));
}

/* Every command has at most one argument, no longer than a pointer. */
static int control(int (*call)(int, int, ...), int fd, int command, void *argument)
{
    int const result = call(fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? renewed(result) : result;
}

#define ARGUMENT(command, argument) \
    va_list list; \
    va_start(list, command); \
    void *const argument = va_arg(list, void *); \
    va_end(list)

EXPORTED int fcntl(int fd, int command, ...)
{
    ARGUMENT(command, argument);
    is_ours(fd);
    return control(libc.fcntl, fd, command, argument);
}

#ifdef __GLIBC__

EXPORTED int fcntl64(int fd, int command, ...)
{
    ARGUMENT(command, argument);
    is_ours(fd);
    return control(libc.fcntl64, fd, command, argument);
}

#endif
