/* ISC license. */

#include "service/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "program/program.h"

#define FIRST 3

static int is_listener(int fd)
{
    int listens = 0, type = 0;
    socklen_t len = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0) return 0;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && listens && type == SOCK_STREAM;
}

static void take_passed_socket(struct activation *activation, int fd, char const *name, size_t name_len)
{
    char number[INT_FMT];
    number[int_fmt(number, fd)] = 0;
    if (!is_listener(fd)) strerr_dief(EXIT_USAGE, "LISTEN_FDS: not a listening stream socket: ", number);
    if (coe(fd) < 0 || ndelay_on(fd) < 0) strerr_diefsys(EXIT_SYSTEM, "LISTEN_FDS");
    if (name_len > ACTIVATION_MAX_NAME) strerr_dief(EXIT_USAGE, "LISTEN_FDNAMES: a name is too long");
    activation->fd[activation->count] = fd;
    memcpy(activation->name[activation->count], name_len ? name : number, name_len ? name_len : strlen(number));
    activation->count++;
}

/* Sockets for another process are not ours to take. */
static int are_ours(void)
{
    char const *pid = getenv("LISTEN_PID");
    unsigned int number;
    return pid && getenv("LISTEN_FDS") && uint0_scan(pid, &number) && number == (unsigned int)getpid();
}

void activation_take(struct activation *activation)
{
    unsigned int wanted;
    if (!are_ours()) return;
    if (!uint0_scan(getenv("LISTEN_FDS"), &wanted) || wanted > ACTIVATION_MAX)
        strerr_dief(EXIT_USAGE, "LISTEN_FDS: not a number up to 64: ", getenv("LISTEN_FDS"));
    char const *names = getenv("LISTEN_FDNAMES");
    for (unsigned int i = 0; i < wanted; i++) {
        size_t const len = names ? strcspn(names, ":") : 0;
        take_passed_socket(activation, FIRST + (int)i, names, len);
        if (names) names += len + (names[len] == ':');
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

int activation_find(struct activation const *activation, char const *name)
{
    for (size_t i = 0; i < activation->count; i++)
        if (!strcmp(activation->name[i], name)) return fcntl(activation->fd[i], F_DUPFD_CLOEXEC, 0);
    errno = ENOENT;
    return -1;
}
