/* ISC license. */

/*
 * The same with a handshake of its own, by libktls-tls: a program that has made
 * the keys can follow a peer that changes them, for as long as the connection
 * lasts (TLS 1.3, Linux 6.14).
 *
 *     cc -o echo-rekey echo-rekey.c $(pkg-config --cflags --libs libktls-tls)
 *     tcpserver 0 443 ./echo-rekey certificate.pem key.pem
 */

#include <errno.h>
#include <ktls/ktls.h>
#include <stdio.h>
#include <string.h>
#include <tls/tls.h>
#include <unistd.h>

static int fail(char const *what, char const *why)
{
    fprintf(stderr, "echo-rekey: fatal: %s: %s\n", what, why);
    return 1;
}

/* What ktls_recv asks for when the peer has sent a KeyUpdate. */
static int next_keys(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    struct tls_session *session = ctx;
    int const tx = direction == KTLS_TX;

    crypto_next_keys(session->suite, tx ? session->tx_secret : session->rx_secret, keys);
    return 0;
}

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

static int echo(struct tls_session *session)
{
    struct ktls_secrets secrets = {.next = next_keys, .ctx = session};
    char buf[16384];
    ssize_t got;

    while ((got = ktls_recv(0, buf, sizeof buf, 0, &secrets)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("read", strerror(errno));
        if (!write_all(0, buf, (size_t)got)) return fail("write", strerror(errno));
    }
    return ktls_close_notify(0) < 0 ? fail("close_notify", strerror(errno)) : 0;
}

static int handshake(struct x509_credential const *credential, struct tls_session *session)
{
    struct tls_fd_transport fds = {.fdr = 0, .fdw = 0, .deadline = tls_deadline_after(30000)};
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    struct tls_config config;
    struct tls_error error;
    char why[256];

    tls_config_init(&config);
    config.credential[0] = credential;
    if (tls_server_handshake(&config, &transport, session, &error)) return 1;
    tls_error_text(&error, why, sizeof why);
    fail("handshake", why);
    return 0;
}

int main(int argc, char **argv)
{
    struct x509_credential credential;
    struct tls_session session;
    char const *culprit = "";

    if (argc != 3) return fail("usage", "echo-rekey certificate key");
    /* Before the handshake: a client that closes early makes it impossible later. */
    if (ktls_attach(0) < 0) return fail("kernel TLS", strerror(errno));
    if (x509_credential_load(&credential, argv[1], argv[2], &culprit)) return fail("cannot load", culprit);
    int const done = handshake(&credential, &session);
    x509_credential_free(&credential);
    if (!done) return 1;
    int result = 1;
    if (ktls_install(0, KTLS_TX, &session.tx) == 0 && ktls_install(0, KTLS_RX, &session.rx) == 0)
        result = echo(&session);
    else
        fail("keys", strerror(errno));
    explicit_bzero(&session, sizeof session);
    return result;
}
