/* ISC license. */

/* keyupdate FILE UPDATES: a TLS 1.3 client on the socket that is descriptor 0.
   It sends FILE with so many KeyUpdates, spread evenly, each of which asks for
   one of the peer's, and then close_notify; at the same time it writes the data
   that it receives to descriptor 1, and at the end the number of KeyUpdates
   received to descriptor 3. Verifies nobody. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls/tls.h"

#define FRAGMENT 16384
#define ROOM (5 + FRAGMENT + 256)

static struct tls_session session;
static unsigned char record[ROOM];

static _Noreturn void die(char const *what)
{
    perror(what);
    exit(1);
}

static int shake_hands(void)
{
    struct tls_fd_transport fds = { .fdr = 0, .fdw = 0, .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    struct tls_config config;
    struct tls_error error;
    char text[256];
    tls_config_init(&config);
    config.min_version = TLS_1_3;
    if (tls_client_handshake(&config, &transport, &session, &error)) return 1;
    tls_error_text(&error, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 0;
}

static void write_all(int fd, unsigned char const *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t const r = write(fd, data + done, len - done);
        if (r <= 0) die("write");
        done += (size_t)r;
    }
}

static void send_record(unsigned char type, void const *data, size_t len)
{
    write_all(0, record, crypto_seal_record(&session.tx, type, data, len, record));
}

static void send_key_update(void)
{
    static unsigned char const update_requested[5] = { 24, 0, 0, 1, 1 };
    send_record(KTLS_HANDSHAKE, update_requested, sizeof update_requested);
    crypto_next_keys(session.suite, session.tx_secret, &session.tx);
}

static void send_file(char const *path, size_t updates)
{
    struct stat st;
    int const fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0) die(path);
    size_t const len = (size_t)st.st_size, step = len / updates + 1;
    unsigned char const *data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) die("mmap");
    for (size_t at = 0, n; at < len; at += n) {
        if (at % step == 0) send_key_update();
        n = step - at % step;
        if (n > FRAGMENT) n = FRAGMENT;
        if (n > len - at) n = len - at;
        send_record(KTLS_APPLICATION_DATA, data + at, n);
    }
    send_record(KTLS_ALERT, "\1\0", 2);
}

static int read_all(unsigned char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t const r = read(0, data + done, len - done);
        if (r <= 0) return 0;
        done += (size_t)r;
    }
    return 1;
}

/* 0: the end. */
static int receive(unsigned int *updates)
{
    unsigned char type, *fragment;
    if (!read_all(record, 5)) return 0;
    size_t const len = (size_t)record[3] << 8 | record[4];
    if (len > sizeof record - 5 || !read_all(record + 5, len)) die("record");
    long const n = crypto_open_record(&session.rx, record, record + 5, len, &type, &fragment);
    if (n < 0) die("open");
    if (type == KTLS_APPLICATION_DATA) {
        write_all(1, fragment, (size_t)n);
    } else if (type == KTLS_HANDSHAKE && n == 5 && fragment[0] == 24) {
        crypto_next_keys(session.suite, session.rx_secret, &session.rx);
        ++*updates;
    }
    return 1;
}

int main(int argc, char **argv)
{
    unsigned int updates = 0;
    int status;
    if (argc != 3) return 100;
    if (!shake_hands()) return 98;
    pid_t const sender = fork();
    if (!sender) {
        send_file(argv[1], (size_t)atol(argv[2]));
        _exit(0);
    }
    while (receive(&updates)) continue;
    dprintf(3, "%u\n", updates);
    return waitpid(sender, &status, 0) == sender && !status ? 0 : 1;
}
