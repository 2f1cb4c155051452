/* ISC license. */

/*
 * Sends back what it receives, over a connection whose records the kernel
 * protects:
 *
 *     cc -o echo echo.c $(pkg-config --cflags --libs libktls)
 *     tcpserver 0 443 ktls-tlsd -m kernel ./echo
 *
 * Writing needs nothing special. Reading with ktls_read gives what read(2)
 * cannot: a close_notify is the end, a ticket is nothing, a stream that was cut
 * is not one that has ended.
 */

#include <errno.h>
#include <ktls/ktls.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_all(int fd, char const *buf, size_t len)
{
    while (len) {
        ssize_t const written = write(fd, buf, len);
        if (written < 0 && errno != EINTR) return 0;
        if (written < 0) continue;
        buf += written;
        len -= (size_t)written;
    }
    return 1;
}

static int fail(char const *what)
{
    int const error = errno, alert = ktls_alert(0);

    fprintf(stderr, "echo: fatal: %s: %s", what, strerror(error));
    if (error == ECONNABORTED && alert >= 0) fprintf(stderr, " (alert %d)", alert);
    fputc('\n', stderr);
    return 1;
}

int main(void)
{
    char buf[16384];
    ssize_t got;

    if (!ktls_is(0, NULL)) {
        fprintf(stderr, "echo: fatal: standard input is not a connection with kernel TLS\n");
        return 100;
    }
    while ((got = ktls_read(0, buf, sizeof buf)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("read");
        if (!write_all(1, buf, (size_t)got)) return fail("write");
    }
    return ktls_close_notify(1) < 0 ? fail("close_notify") : 0;
}
