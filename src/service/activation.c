/* ISC license. */

/* Sockets that whoever started us has opened: LISTEN_FDS of them, from 3 on,
   named in LISTEN_FDNAMES, for the process LISTEN_PID. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "service/broker.h"
#include "program/program.h"

#define FIRST 3
#define MAX_NAME 255

static struct {
    int fd;
    char name[MAX_NAME + 1];
} sockets[ACTIVATION_MAX];

static size_t count;

static int is_listener(int fd)
{
    int listens = 0, type = 0;
    socklen_t len = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0) return 0;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && listens && type == SOCK_STREAM;
}

static void take_socket(int fd, char const *name, size_t name_len)
{
    char number[INT_FMT];
    number[int_fmt(number, fd)] = 0;
    if (!is_listener(fd)) strerr_dief(EXIT_USAGE, "LISTEN_FDS: not a listening stream socket: ", number);
    if (coe(fd) < 0 || ndelay_on(fd) < 0) strerr_diefsys(EXIT_SYSTEM, "LISTEN_FDS");
    if (name_len > MAX_NAME) strerr_dief(EXIT_USAGE, "LISTEN_FDNAMES: a name is too long");
    sockets[count].fd = fd;
    memcpy(sockets[count].name, name_len ? name : number, name_len ? name_len : strlen(number));
    count++;
}

/* Those of another process are none of our business. */
static int are_ours(void)
{
    char const *pid = getenv("LISTEN_PID");
    unsigned int number;
    return pid && getenv("LISTEN_FDS") && uint0_scan(pid, &number) && number == (unsigned int)getpid();
}

void activation_take(void)
{
    unsigned int wanted;
    if (!are_ours()) return;
    if (!uint0_scan(getenv("LISTEN_FDS"), &wanted) || wanted > ACTIVATION_MAX)
        strerr_dief(EXIT_USAGE, "LISTEN_FDS: not a number up to 64: ", getenv("LISTEN_FDS"));
    char const *names = getenv("LISTEN_FDNAMES");
    for (unsigned int i = 0; i < wanted; i++) {
        size_t const len = names ? strcspn(names, ":") : 0;
        take_socket(FIRST + (int)i, names, len);
        if (names) names += len + (names[len] == ':');
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

size_t activation_list(int fds[ACTIVATION_MAX])
{
    for (size_t i = 0; i < count; i++) fds[i] = sockets[i].fd;
    return count;
}

int activation_find(char const *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(sockets[i].name, name)) return fcntl(sockets[i].fd, F_DUPFD_CLOEXEC, 0);
    errno = ENOENT;
    return -1;
}
