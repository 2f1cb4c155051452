/* ISC license. */

/* Transports on descriptors: sockets and pipes, blocking or not, slow ones, and the end after an alert. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "tls/tls.h"

#define BULK (1u << 20)

static unsigned char bulk[BULK];

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *drain_slowly(void *arg)
{
    static unsigned char buf[1 << 16];
    int const fd = *(int *)arg;
    size_t total = 0, wrong = 0;
    usleep(20000);
    for (;;) {
        ssize_t const n = read(fd, buf, sizeof buf);
        if (n <= 0) break;
        for (ssize_t i = 0; i < n; i++) wrong += buf[i] != bulk[total + (size_t)i];
        total += (size_t)n;
    }
    return (void *)(uintptr_t)(wrong ? 0 : total);
}

static void writes_everything(int fds[2], int flags, char const *what)
{
    pthread_t thread;
    void *got;
    struct tls_fd_transport on = { .fdr = -1, .fdw = fds[1], .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&on);

    if (fcntl(fds[1], F_SETFL, flags) < 0) exit(111);
    if (pthread_create(&thread, NULL, drain_slowly, &fds[0])) exit(111);
    ssize_t const n = transport.write(transport.ctx, bulk, BULK);
    ok((fcntl(fds[1], F_GETFL) & O_NONBLOCK) == (flags & O_NONBLOCK),
       "%s: flags are left alone", what);
    close(fds[1]);
    pthread_join(thread, &got);
    ok(n == BULK && (uintptr_t)got == BULK, "%s: all of %u bytes", what, BULK);
    close(fds[0]);
}

static void writing(void)
{
    int fds[2];
    for (int i = 0; i < 4; i++) {
        static char const *const names[] = { "socket", "socket, O_NONBLOCK", "pipe", "pipe, O_NONBLOCK" };
        if (i < 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds)) exit(111);
        writes_everything(fds, O_RDWR | (i & 1 ? O_NONBLOCK : 0), names[i]);
    }
}

static void reading(int non_blocking)
{
    int fds[2];
    unsigned char buf[16];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    if (non_blocking) fcntl(fds[0], F_SETFL, O_NONBLOCK);
    struct tls_fd_transport on = { .fdr = fds[0], .fdw = fds[0], .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&on);

    if (write(fds[1], "abcdef", 6) != 6) exit(111);
    ok(transport.read(transport.ctx, buf, 4) == 4 && !memcmp(buf, "abcd", 4), "no more than asked for");
    ok(transport.read(transport.ctx, buf, sizeof buf) == 2, "what is there");
    int64_t const begin = now_ms();
    on.deadline = tls_deadline_after(100);
    ok(transport.read(transport.ctx, buf, sizeof buf) == -1 && errno == ETIMEDOUT, "a deadline");
    ok(now_ms() - begin >= 99, "when its time has come");
    ok(transport.read(transport.ctx, buf, sizeof buf) == -1 && errno == ETIMEDOUT, "it stays passed");
    if (write(fds[1], "x", 1) != 1) exit(111);
    close(fds[1]);
    on.deadline = 0;
    ok(transport.read(transport.ctx, buf, sizeof buf) == 1, "the last byte");
    ok(transport.read(transport.ctx, buf, sizeof buf) == 0, "the end");
    close(fds[0]);
}

static void ignore_signal(int number)
{
    (void)number;
}

static void *send_signals(void *arg)
{
    for (int i = 0; i < 5; i++) {
        usleep(10000);
        pthread_kill(*(pthread_t *)arg, SIGUSR1);
    }
    return NULL;
}

static void interrupted(void)
{
    struct sigaction const action = { .sa_handler = ignore_signal };
    pthread_t self = pthread_self(), thread;
    unsigned char byte;
    int fds[2];

    sigaction(SIGUSR1, &action, NULL);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    int64_t const begin = now_ms();
    struct tls_fd_transport on = { .fdr = fds[0], .fdw = fds[0], .deadline = tls_deadline_after(200) };
    struct tls_transport const transport = tls_transport_on_fds(&on);
    if (pthread_create(&thread, NULL, send_signals, &self)) exit(111);
    ok(transport.read(transport.ctx, &byte, 1) == -1 && errno == ETIMEDOUT, "signals do not end a read");
    int const waited = (int)(now_ms() - begin);
    ok(waited >= 199, "nor shorten it: %d ms", waited);
    pthread_join(thread, NULL);
    close(fds[0]);
    close(fds[1]);
}

static void broken(void)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    close(fds[1]);
    struct tls_fd_transport on = { .fdr = fds[0], .fdw = fds[0], .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&on);
    ok(transport.write(transport.ctx, "x", 1) == -1 && errno == EPIPE,
       "a socket without a reader: EPIPE, no signal");
    close(fds[0]);
    on = (struct tls_fd_transport){ .fdr = 1000, .fdw = 1000, .deadline = tls_deadline_after(600000) };
    unsigned char byte;
    ok(transport.read(transport.ctx, &byte, 1) == -1 && errno == EBADF, "no descriptor");
}

/* Gives the milliseconds that it takes. */
static int linger_for_a_peer_that_closes(void)
{
    int fds[2];
    unsigned char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    struct tls_fd_transport const on = { .fdr = fds[0], .fdw = fds[0], .deadline = 0 };
    if (write(fds[1], bulk, 10000) != 10000) exit(111);
    shutdown(fds[1], SHUT_WR);
    int64_t const begin = now_ms();
    tls_transport_linger(&on);
    int const took = (int)(now_ms() - begin);
    ok(recv(fds[0], &byte, 1, MSG_DONTWAIT) == 0, "all it sent was dropped");
    ok(recv(fds[1], &byte, 1, MSG_DONTWAIT) == 0, "it sees the end");
    close(fds[0]);
    close(fds[1]);
    return took;
}

static void lingers(void)
{
    int fds[2], took = linger_for_a_peer_that_closes();
    /* on a slow machine it may take long all the same, but not again and again */
    for (int i = 0; i < 20 && took >= 900; i++) took = linger_for_a_peer_that_closes();
    ok(took < 900, "a peer that closes is not waited for: %d ms", took);

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    struct tls_fd_transport const silent = { .fdr = fds[0], .fdw = fds[0], .deadline = 0 };
    tls_transport_linger(&silent);
    ok(1, "a peer that stays is not waited for for ever");
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    for (size_t i = 0; i < sizeof bulk; i++) bulk[i] = (unsigned char)(i * 7 + (i >> 8));
    ok(tls_deadline_after(0) == 0, "no time is no deadline");
    int64_t const deadline = tls_deadline_after(1000), now = now_ms();
    ok(deadline > now && deadline <= now + 1001, "a deadline");
    writing();
    reading(0);
    reading(1);
    interrupted();
    broken();
    lingers();
    return done_testing();
}
