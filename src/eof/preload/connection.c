/* ISC license. */

#include "eof/preload/connection.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eof/eof.h"
#include "eof/preload/generation.h"
#include "ktls/ktls.h"

#define KNOWN 1024     /* descriptors that are remembered */
#define MAX_SOCKETS 4  /* of connections that the process was started with */
#define MAX_INHERITED 256 /* a connection is on 0 and 1, or 6 and 7: low numbers */
#define KEPT_FD 600       /* and above: out of the way of prog's */
#define STREAM_FLAGS (MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL)

enum knowledge { UNKNOWN, OTHER, OURS };

static unsigned char known[KNOWN]; /* enum knowledge */

struct tls_socket {
    dev_t device;
    ino_t inode;
    unsigned char ended; /* close_notify has been sent */
    int kept;            /* a descriptor of our own; -1: none */
    struct ktls_secrets secrets;
};

static struct tls_socket sockets[MAX_SOCKETS];
static size_t socket_count;
static pid_t owner; /* the process that this memory belongs to */

/* A child of vfork(2) writes into its parent's memory, but has descriptors of its own:
   what it closes is still open in its parent. */
static int is_vfork_child(void)
{
    return getpid() != owner;
}

static struct tls_socket *find_socket(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode)) return NULL;
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i].inode == st.st_ino && sockets[i].device == st.st_dev) return sockets + i;
    return NULL;
}

/* Its children share the socket, and may end long before it. */
static int may_end(void)
{
    char const *pid = getenv(EOF_PID);
    return pid && strtol(pid, NULL, 10) == getpid();
}

/* Many programs close their standard output when they exit, by stdio, which
   nobody sees: this one is still there for close_notify. */
static int keep(int fd)
{
    return may_end() ? fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FD) : -1;
}

static void let_go(struct tls_socket *s)
{
    int const fd = s->kept;
    s->kept = -1;
    if (fd >= 0) close(fd);
}

/* A descriptor of ours in a child would keep the connection open. */
static void begin_child(void)
{
    owner = getpid();
    for (size_t i = 0; i < socket_count; i++) let_go(sockets + i);
}

static void add_socket(int fd)
{
    struct stat st;
    if (socket_count == MAX_SOCKETS || find_socket(fd) || fstat(fd, &st) < 0) return;
    struct tls_socket *s = sockets + socket_count++;
    *s = (struct tls_socket){ .device = st.st_dev, .inode = st.st_ino, .kept = keep(fd) };
    s->secrets.next = generation_available() ? &generation_next : NULL;
    s->secrets.ctx = s;
}

/* Only sockets that were there at the start: what prog makes of its own, with a
   TLS library that uses the kernel, is not touched. */
void connection_find(void)
{
    owner = getpid();
    pthread_atfork(NULL, NULL, &begin_child);
    for (int fd = 0; fd < MAX_INHERITED; fd++) {
        if (!ktls_is(fd, NULL)) continue;
        add_socket(fd);
        generation_use(fd);
    }
}

static enum knowledge look(int fd)
{
    return find_socket(fd) ? OURS : OTHER;
}

int connection_is(int fd)
{
    int const saved = errno;
    if (!socket_count || fd < 0) return 0;
    enum knowledge now = fd < KNOWN ? known[fd] : UNKNOWN;
    if (now == UNKNOWN) {
        now = look(fd);
        if (fd < KNOWN && !is_vfork_child()) known[fd] = (unsigned char)now;
        errno = saved;
    }
    return now == OURS;
}

void connection_forget(int fd)
{
    if (fd >= 0 && fd < KNOWN && known[fd] != UNKNOWN && !is_vfork_child()) known[fd] = UNKNOWN;
}

/* Errors of the stream, as prog knows them from TCP. */
static ssize_t as_stream_error(struct tls_socket const *s)
{
    if (errno == ENODATA) return 0; /* FIN without close_notify, as with ktls-relay -j */
    if (errno == ECONNABORTED && s->ended) return 0; /* the peer's answer to our end */
    if (errno == ECONNABORTED) errno = ECONNRESET;
    return -1;
}

ssize_t connection_recv(int fd, void *buf, size_t len, int flags)
{
    struct tls_socket *s = find_socket(fd);
    if (!s) { /* libc has closed it by a call that is not seen here, and the number is used again */
        connection_forget(fd);
        return flags ? recv(fd, buf, len, flags) : read(fd, buf, len);
    }
    ssize_t const got = ktls_recv(fd, buf, len, flags & STREAM_FLAGS, &s->secrets);
    return got < 0 ? as_stream_error(s) : got;
}

static void end(struct tls_socket *s, int fd)
{
    if (s->ended || !may_end()) return;
    s->ended = 1;
    ktls_close_notify(fd);
}

void connection_end(int fd)
{
    int const saved = errno;
    struct tls_socket *s = find_socket(fd);
    if (s) end(s, fd);
    errno = saved;
}

void connection_end_all(void)
{
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i].kept >= 0 && find_socket(sockets[i].kept) == sockets + i) end(sockets + i, sockets[i].kept);
}

/* Descriptors of the process that are the socket, without ours. */
static size_t count_descriptors(struct tls_socket const *s)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    if (!dir) return 2; /* unknown: the end of the process is early enough */
    for (struct dirent *entry; (entry = readdir(dir));) {
        int const fd = atoi(entry->d_name);
        count += *entry->d_name != '.' && fd != s->kept && find_socket(fd) == s;
    }
    closedir(dir);
    return count;
}

void connection_end_if_last(int fd)
{
    int const saved = errno;
    struct tls_socket *s = find_socket(fd);
    if (s && s->kept >= 0 && !is_vfork_child() && count_descriptors(s) == 1) {
        end(s, fd);
        let_go(s);
    }
    errno = saved;
}
