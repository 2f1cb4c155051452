/* ISC license. */

/*
 * A relay in a child of its own, with the peer and the prog in the hands of the
 * test. Keys are made up: no handshake is needed.
 */

#ifndef RELAY_WIRE_H
#define RELAY_WIRE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/relay.h"
#include "tap.h"
#include "tls/tls.h"

#define MILLION 1000000
#define FRAGMENT 16384
#define LIMIT_MS 600000 /* what hangs is ended then */

struct options {
    unsigned char farewell, enforce, client, over_tcp, over_pipes;
    unsigned char prog_has_a_socket, without_secrets, zeros_from_peer;
    unsigned int idle_ms, linger_ms, silence_ms;
    int send_buffer;
    uint64_t max_records;
    void (*before)(int net_write, int argument); /* in the relay's process, before it starts; NULL: nothing */
    int before_argument;
};

/* One relayed connection; tx and rx are the peer's. */
struct wire {
    int to_relay, from_relay; /* the peer */
    int in, out;              /* prog's input and output */
    int report_fd;
    pid_t pid;
    struct relay_keys keys;
    struct crypto_suite const *suite;
    struct relay_report report;
};

static unsigned char million[MILLION], buffer[MILLION + 1];

/* Is the relay's side of the connection a kTLS socket? Where the test runs in a
   kernel that was chosen for its TLS, see tests/README. */
static inline int in_kernel(void)
{
    char const *const kernel = getenv("KTLS_KERNEL");
    return kernel && *kernel;
}

static inline void make_keys(struct relay_keys *keys, struct crypto_suite const *suite, int client)
{
    memset(keys, 0, sizeof *keys);
    keys->magic = RELAY_KEYS_MAGIC;
    keys->suite = suite->id;
    keys->role = client ? KTLS_CLIENT : KTLS_SERVER;
    keys->tx.version = keys->rx.version = suite->version;
    keys->tx.cipher = keys->rx.cipher = (uint16_t)suite->cipher;
    memset(keys->tx_secret, 1, sizeof keys->tx_secret);
    memset(keys->rx_secret, 2, sizeof keys->rx_secret);
    memset(keys->tx.key, 3, crypto_key_size(suite->cipher));
    memset(keys->rx.key, 4, crypto_key_size(suite->cipher));
    memset(keys->tx.iv, 5, crypto_iv_size(suite->cipher, suite->version));
    memset(keys->rx.iv, 6, crypto_iv_size(suite->cipher, suite->version));
    keys->tx.seq = 7;
    keys->rx.seq = 8;
}

static inline void mirror(struct relay_keys *peer, struct relay_keys const *keys)
{
    *peer = *keys;
    peer->tx = keys->rx;
    peer->rx = keys->tx;
    memcpy(peer->tx_secret, keys->rx_secret, sizeof peer->tx_secret);
    memcpy(peer->rx_secret, keys->tx_secret, sizeof peer->rx_secret);
}

static inline void tcp_pair(int pair[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int const listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&address, len);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&address, &len);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(pair[0], (struct sockaddr *)&address, len) < 0) skip_all("no loopback network");
    pair[1] = accept(listener, NULL, NULL);
    setsockopt(pair[1], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    close(listener);
}

/* As a handshake leaves it. */
static inline void give_to_kernel(struct relay_keys *keys, int fd, int without_secrets)
{
    if (ktls_attach(fd) < 0 || ktls_install(fd, KTLS_TX, &keys->tx) < 0
        || ktls_install(fd, KTLS_RX, &keys->rx) < 0)
        give_up("the kernel does not take keys");
    keys->in_kernel = 1;
    if (without_secrets) keys->suite = 0;
}

static inline void start(struct wire *w, struct crypto_suite const *suite, struct options options)
{
    int net_in[2], net_out[2], in[2], out[2], report[2];
    struct relay_keys keys;
    make_keys(&keys, suite, options.client);
    mirror(&w->keys, &keys);
    w->suite = suite;
    if (options.over_tcp || in_kernel())
        tcp_pair(net_in);
    else
        socketpair(AF_UNIX, SOCK_STREAM, 0, net_in);
    memcpy(net_out, net_in, sizeof net_in);
    if (options.over_pipes && (pipe(net_in) < 0 || pipe(net_out) < 0)) abort();
    if (options.send_buffer)
        setsockopt(net_in[0], SOL_SOCKET, SO_SNDBUF, &options.send_buffer, sizeof options.send_buffer);
    if (in_kernel()) give_to_kernel(&keys, net_in[0], options.without_secrets);
    if (pipe(report) < 0) abort();
    if (options.prog_has_a_socket) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, in) < 0) abort();
        setsockopt(in[1], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int)); /* soon full */
        out[0] = dup(in[1]);
        out[1] = dup(in[0]);
    } else if (pipe(in) < 0 || pipe(out) < 0) {
        abort();
    }
    /* index 0 is read: the peer writes net_in[1], reads net_out[0] */
    w->pid = fork();
    if (!w->pid) {
        int const net_write = options.over_pipes ? net_out[1] : net_in[0];
        int const net_read = options.zeros_from_peer ? open("/dev/zero", O_RDONLY) : net_in[0];
        struct relay_config const config = {
            .net_read = net_read, .net_write = net_write, .to_prog = in[1], .from_prog = out[0],
            .farewell = options.farewell, .enforce_close_notify = options.enforce,
            .idle_ms = options.idle_ms, .linger_ms = options.linger_ms, .silence_ms = options.silence_ms, .max_records = options.max_records,
        };
        signal(SIGPIPE, SIG_IGN);
        fcntl(in[1], F_SETFL, O_NONBLOCK);
        fcntl(out[0], F_SETFL, O_NONBLOCK);
        close(in[0]);
        close(out[1]);
        close(net_in[1]);
        if (options.over_pipes) close(net_out[0]);
        if (options.before) options.before(net_write, options.before_argument);
        relay_start(&config, &keys, &w->report);
        relay_run();
        _exit(write(report[1], &w->report, sizeof w->report) < 0);
    }
    close(in[1]);
    close(out[0]);
    close(report[1]);
    close(net_in[0]);
    if (options.over_pipes) close(net_out[1]);
    w->to_relay = net_in[1];
    w->from_relay = options.over_pipes ? net_out[0] : net_in[1];
    w->in = in[0];
    w->out = out[1];
    w->report_fd = report[0];
}

static inline void end(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

/* Once the relay's process is over, or about to be. */
static inline void leave(struct wire *w)
{
    waitpid(w->pid, NULL, 0);
    if (w->from_relay != w->to_relay) end(&w->from_relay);
    end(&w->to_relay);
    end(&w->in);
    end(&w->out);
    end(&w->report_fd);
}

static inline void check_report(struct wire *w, int code, char const *text, char const *name)
{
    memset(&w->report, 0xff, sizeof w->report);
    ssize_t const r = read(w->report_fd, &w->report, sizeof w->report);
    ok(r == sizeof w->report && w->report.code == code && (!code || strstr(w->report.text, text)),
       "%s: code %d %s", name, code, text);
    if (w->report.code != code) diag("got %d %s", w->report.code, r > 0 ? w->report.text : "");
    leave(w);
}

static inline int write_all(int fd, void const *data, size_t len)
{
    unsigned char const *p = data;
    for (size_t done = 0; done < len;) {
        ssize_t const r = write(fd, p + done, len - done);
        if (r <= 0) return 0;
        done += (size_t)r;
    }
    return 1;
}

static inline size_t read_until(int fd, void *data, size_t len)
{
    unsigned char *p = data;
    size_t done = 0;
    while (done < len) {
        ssize_t const r = read(fd, p + done, len - done);
        if (r <= 0) break;
        done += (size_t)r;
    }
    return done;
}

/* ---- the peer ---- */

static inline void send_record(struct wire *w, unsigned char type, void const *data, size_t len)
{
    unsigned char record[FRAGMENT + 64];
    write_all(w->to_relay, record, crypto_seal_record(&w->keys.tx, type, data, len, record));
}

static inline void send_data(struct wire *w, char const *text)
{
    send_record(w, KTLS_APPLICATION_DATA, text, strlen(text));
}

/* -1: the end of the stream; -2: a record that is none. */
static inline long receive(struct wire *w, unsigned char *type, unsigned char **fragment)
{
    static unsigned char record[5 + FRAGMENT + 2048];
    if (read_until(w->from_relay, record, 5) != 5) return -1;
    size_t const len = (size_t)record[3] << 8 | record[4];
    if (len > sizeof record - 5 || read_until(w->from_relay, record + 5, len) != len) return -2;
    long const n = crypto_open_record(&w->keys.rx, record, record + 5, len, type, fragment);
    return n < 0 ? -2 : n;
}

static inline int receives(struct wire *w, unsigned char type, void const *data, size_t len)
{
    unsigned char got_type, *got;
    long const n = receive(w, &got_type, &got);
    if (n >= 0 && got_type == type && (size_t)n == len && !memcmp(got, data, len)) return 1;
    diag("received %ld bytes, type %d: %02x", n, n < 0 ? 0 : got_type, n > 0 ? got[0] : 0);
    return 0;
}

static inline int receives_alert(struct wire *w, unsigned char level, unsigned char description)
{
    unsigned char const alert[2] = { level, description };
    return receives(w, KTLS_ALERT, alert, 2);
}

static inline int receives_end(struct wire *w)
{
    unsigned char type, *fragment;
    return receive(w, &type, &fragment) == -1;
}

/* All data up to the end of the stream; *notified: close_notify came before it. */
static inline size_t receive_all(struct wire *w, unsigned char *data, size_t max, int *notified)
{
    size_t done = 0;
    unsigned char type, *fragment;
    *notified = 0;
    for (;;) {
        long const n = receive(w, &type, &fragment);
        if (n < 0) return done;
        if (type == KTLS_ALERT && n == 2) *notified = fragment[1] == 0;
        if (type != KTLS_APPLICATION_DATA || (size_t)n > max - done) continue;
        memcpy(data + done, fragment, (size_t)n);
        done += (size_t)n;
    }
}

static inline void close_notify(struct wire *w)
{
    send_record(w, KTLS_ALERT, "\1\0", 2);
}

static inline int prog_reads(struct wire *w, char const *text)
{
    size_t const len = strlen(text);
    return read_until(w->in, buffer, len) == len && !memcmp(buffer, text, len);
}

static inline int prog_reads_end(struct wire *w)
{
    return read_until(w->in, buffer, 1) == 0;
}

/* Whatever it was: the right alert, then the end, for both sides. */
static inline void check_refusal(struct wire *w, unsigned char alert, char const *name)
{
    ok(receives_alert(w, 2, alert) && receives_end(w), "%s: %s", name, tls_alert_name(alert));
    ok(prog_reads_end(w), "%s: prog's end of file", name);
    if (w->from_relay == w->to_relay) shutdown(w->to_relay, SHUT_RDWR);
    check_report(w, 98, tls_alert_name(alert), name);
}

#endif
