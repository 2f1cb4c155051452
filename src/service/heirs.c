/* ISC license. */

/*
 * A Unix socket without a name, which whoever inherits a descriptor of it can
 * connect to, as /proc/self/fd/N. The descriptor is opened with O_PATH: it
 * cannot be read, shut down or listened to, so that no heir can take it away
 * from the others, as shutdown(2) of KTLS_FD can.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/broker.h"

#define BACKLOG 128

/* Others may write to the folder, so what was opened may be something else. */
static int is_our_socket(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

static int open_socket(char const *path)
{
    int const fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || is_our_socket(fd)) return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

static int bind_for_all(int listener, struct sockaddr_un const *address)
{
    mode_t const mask = umask(0111);
    int const bound = bind(listener, (struct sockaddr const *)address, sizeof *address);
    umask(mask);
    return bound;
}

/* It listens when the name has been removed, so that nobody connects by the name. */
static int bind_without_name(int listener, char const *folder)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.ktls-init.%d", folder, (int)getpid());
    if (bind_for_all(listener, &address) < 0) return -1;
    int const fd = open_socket(address.sun_path);
    int const is_unnamed = unlink(address.sun_path) == 0;
    if (fd < 0 || (is_unnamed && listen(listener, BACKLOG) == 0)) return fd;
    close(fd);
    return -1;
}

static int listen_below(int *listener, char const *folder)
{
    *listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*listener < 0) return -1;
    int const fd = ktls_packet_ask_sender(*listener) ? bind_without_name(*listener, folder) : -1;
    if (fd >= 0) return fd;
    close(*listener);
    *listener = -1;
    return -1;
}

int heirs_listen(int *listener)
{
    static char const *const folders[] = { "/dev/shm", "/run", "/tmp", "/var/tmp", "." };
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < sizeof folders / sizeof *folders; i++)
        fd = listen_below(listener, folders[i]);
    return fd;
}
