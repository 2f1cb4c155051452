/* ISC license. */

/*
 * Makes the corpora of the handshake targets and of the relay: seeds DIR. Both
 * sides of a handshake run in one process with the targets' own randomness, and
 * what each receives becomes an input. Run it again (tests/fuzz/run --seeds) when
 * the bytes we send change. Seeds with other names were put together by hand.
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

/* ---- the relay ---- */

#define LITERAL(text) text, sizeof text - 1

/* As tests/fuzz/relay.c reads them: flags, then steps. */
static struct {
    char const *name, *bytes;
    size_t len;
} const relay_seeds[] = {
    { "data", LITERAL("\0\0\x17\0\4data\2\0\0\5reply\0\x15\0\2\1\0") },
    { "data-12", LITERAL("\x13\0\x17\0\4data\2\0\0\5reply\0\x15\0\2\1\0") },
    { "data-chacha", LITERAL("\x12\0\x17\0\4data\2\0\0\5reply\0\x15\0\2\1\0") },
    { "fin-enforced", LITERAL("\x20\0\x17\0\4data\2\0\0\5reply") },
    { "key-update", LITERAL("\0\0\x16\0\5\x18\0\0\1\1\3\0\0\0\0\x17\0\4data\2\0\0\5reply") },
    { "key-update-2", LITERAL("\0\0\x16\0\5\x18\0\0\1\2") },
    { "ticket", LITERAL("\x08\0\x16\0\x12\4\0\0\x0e\0\0\0\0\0\0\0\0\0\0\1t\0\0\0\x17\0\4data") },
    { "ticket-to-server", LITERAL("\0\0\x16\0\4\4\0\0\x0e") },
    { "hello-request", LITERAL("\x0b\0\x16\0\4\0\0\0\0\0\x17\0\4data") },
    { "renegotiation", LITERAL("\3\0\x16\0\5\1\0\0\1h\0\x17\0\4data") },
    { "fatal-alert", LITERAL("\0\0\x15\0\2\2\x28") },
    { "empty-data", LITERAL("\0\0\x17\0\0\0\x17\0\4data") },
    { "empty-alert", LITERAL("\0\0\x15\0\0") },
    { "forged", LITERAL("\0\1\0\0\x26\x17\3\3\0\x21" "0123456789abcdef0123456789abcdef0") },
    { "too-long", LITERAL("\0\1\0\0\5\x17\3\3\x48\1") },
    { "outer-type", LITERAL("\0\1\0\0\5\x18\3\3\0\x20") },
    { "record-version", LITERAL("\0\1\0\0\5\x17\3\1\0\x20") },
    { "half-a-record", LITERAL("\0\1\0\0\7\x17\3\3\0\x20xx") },
    { "no-type", LITERAL("\0\0\0\0\0") },
    { "padded", LITERAL("\0\4\x17\0\4\1" "ata") },
    { "padded-too-long", LITERAL("\0\4\x17\0\4\xcd" "ata") },
    { "prog-reads-no-more", LITERAL("\0\5\0\0\0\0\x17\0\4data") },
    { "our-key-updates", LITERAL("\x40\2\0\0\1a\2\0\0\1b\2\0\0\1c") },
    { "no-fin", LITERAL("\x80\0\x17\0\4data\2\0\0\5reply") },
};

static void save_relay_seeds(char const *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/relay", dir);
    mkdir(path, 0777);
    for (size_t i = 0; i < sizeof relay_seeds / sizeof *relay_seeds; i++) {
        snprintf(path, sizeof path, "%s/relay/%s", dir, relay_seeds[i].name);
        FILE *file = fopen(path, "wb");
        if (!file) exit(111);
        fwrite(relay_seeds[i].bytes, 1, relay_seeds[i].len, file);
        if (fclose(file)) exit(111);
    }
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
    save_relay_seeds(argv[1]);
    return 0;
}
