/* ISC license. */

/*
 * Makes the corpus of the handshake targets: seeds DIR. Both sides run in one
 * process with the targets' own randomness, and what each receives becomes an
 * input. Run it again (tests/fuzz/run --seeds) when the bytes we send change.
 */

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

struct side {
    int fd, flags;
    handshake_function *handshake;
    void (*configure)(struct tls_config *, int, struct counter *);
    char const *target;
    int done;
    size_t heard;
    unsigned char bytes[1 << 16];
};

static ssize_t tee_read(void *ctx, void *buf, size_t len)
{
    struct side *side = ctx;
    ssize_t const n = read(side->fd, buf, len);
    if (n > 0 && side->heard + (size_t)n <= sizeof side->bytes) {
        memcpy(side->bytes + side->heard, buf, (size_t)n);
        side->heard += (size_t)n;
    }
    return n;
}

static ssize_t plain_write(void *ctx, void const *buf, size_t len)
{
    struct side *side = ctx;
    return send(side->fd, buf, len, MSG_NOSIGNAL);
}

static void *run_side(void *arg)
{
    struct side *side = arg;
    struct tls_transport const transport = { .read = tee_read, .write = plain_write, .ctx = side };
    struct tls_config config;
    struct tls_session session;
    struct tls_error error;
    struct counter counter;
    side->configure(&config, side->flags, &counter);
    side->done = side->handshake(&config, &transport, &session, &error);
    shutdown(side->fd, SHUT_WR);
    return NULL;
}

static void save(struct side const *side, char const *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, side->target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/recorded-%02x", dir, side->target, (unsigned int)side->flags);
    FILE *file = fopen(path, "wb");
    if (!file) exit(111);
    fputc(side->flags, file);
    fwrite(side->bytes, 1, side->heard, file);
    if (fclose(file)) exit(111);
}

static void record(int flags, char const *dir)
{
    static struct side client, server;
    pthread_t thread;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    client =
        (struct side){ fds[0], flags, tls_client_handshake, client_config, "client_handshake", 0, 0, { 0 } };
    server =
        (struct side){ fds[1], flags, tls_server_handshake, server_config, "server_handshake", 0, 0, { 0 } };
    if (pthread_create(&thread, NULL, run_side, &server)) exit(111);
    run_side(&client);
    pthread_join(thread, NULL);
    close(fds[0]);
    close(fds[1]);
    if (!client.done || !server.done) {
        fprintf(stderr, "seeds: handshake %02x failed\n", (unsigned int)flags);
        exit(1);
    }
    save(&client, dir);
    save(&server, dir);
}

int main(int argc, char **argv)
{
    static int const configurations[] = { ONLY_13,           ONLY_12,
                                          ONLY_13 | AUTH,    ONLY_12 | AUTH,
                                          ONLY_13 | LENIENT, ONLY_12 | LENIENT,
                                          LENIENT | ONLY_13 | AUTH | REQUIRED | ALPN | RSA_KEY,
                                          LENIENT | ONLY_12 | AUTH | REQUIRED | ALPN | RSA_KEY };
    if (argc != 2) return 100;
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++)
        record(configurations[i], argv[1]);
    return 0;
}
