/* ISC license. */
/* runs: every kernel */

#include <fcntl.h>
#include <poll.h>

#include "tests/unit/ktls_pair.h"

static int read_all(int fd, void *buf, size_t len)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = read(fd, (char *)buf + got, len - got);
        if (n <= 0) return 0;
        got += (size_t)n;
    }
    return 1;
}

static int carries(int from, int to, char const *text)
{
    char buf[64];
    size_t len = strlen(text);

    return write(from, text, len) == (ssize_t)len && read_all(to, buf, len) && !memcmp(buf, text, len);
}

static int carries_record(int from, int to, unsigned char type, void const *data, size_t len)
{
    static unsigned char buf[16384 + 1];
    unsigned char got_type = 0;

    if (ktls_send_record(from, type, data, len) != (ssize_t)len) return 0;
    ssize_t got = ktls_recv_record(to, &got_type, buf, sizeof buf, 0);
    return got == (ssize_t)len && got_type == type && !memcmp(buf, data, len);
}

/* What is on the wire, seen by a peer without keys. */
static void test_wire(uint16_t version, uint16_t cipher, char const *name)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys keys = make_keys(version, cipher, 1);
    unsigned char wire[64];
    int gcm12 = version == KTLS_TLS_1_2 && cipher != KTLS_CHACHA20_POLY1305;
    size_t len = 5u + (gcm12 ? 8u : 0u) + 5u + (version == KTLS_TLS_1_3 ? 1u : 0u) + 16u;

    ok(ktls_attach(pair.client) == 0 && ktls_install(pair.client, KTLS_TX, &keys) == 0 &&
           write(pair.client, "hello", 5) == 5 && read_all(pair.server, wire, len),
       "%s: a record goes out", name);
    unsigned char const header[5] = {23, 3, 3, 0, (unsigned char)(len - 5)};
    is_mem(wire, header, 5, "%s: record header", name);
    ok(!memmem(wire, len, "hello", 5), "%s: no plaintext in it", name);
    if (gcm12) is_mem(wire + 5, "\1\2\3\4\5\6\7\11", 8, "%s: explicit nonce is the sequence number", name);
    close_pair(pair);
}

static void test_records(uint16_t version, uint16_t cipher, char const *name)
{
    struct pair pair = ktls_pair(version, cipher);
    static unsigned char big[16384];
    unsigned char type = 0;
    char buf[8];

    for (size_t i = 0; i < sizeof big; i++) big[i] = (unsigned char)(i * 31 >> 3);
    ok(carries(pair.client, pair.server, "question") && carries(pair.server, pair.client, "answer"),
       "%s: data both ways", name);
    ok(carries_record(pair.client, pair.server, KTLS_APPLICATION_DATA, "x", 1), "%s: one byte of data", name);
    ok(carries_record(pair.server, pair.client, KTLS_APPLICATION_DATA, big, sizeof big), "%s: a full record",
       name);
    ok(carries_record(pair.server, pair.client, KTLS_HANDSHAKE, "\4\0\0\0", 4), "%s: a handshake record",
       name);
    ok(carries(pair.server, pair.client, "more"), "%s: data goes on behind it", name);
    ok(ktls_send_record(pair.client, KTLS_APPLICATION_DATA, big, sizeof big + 1) < 0 && errno == EINVAL,
       "%s: a record too long is EINVAL", name);
    ok(ktls_send_record(pair.client, KTLS_APPLICATION_DATA, big, 0) < 0 && errno == EINVAL,
       "%s: an empty record is EINVAL", name);
    errno = 0;
    ok(ktls_recv_record(pair.server, &type, buf, sizeof buf, MSG_DONTWAIT) < 0 && errno == EAGAIN,
       "%s: nothing there is EAGAIN", name);
    close_pair(pair);
}

static void test_close_notify(uint16_t version, uint16_t cipher, char const *name)
{
    struct pair pair = ktls_pair(version, cipher);
    unsigned char type = 0, peeked = 0, alert[2] = {255, 255};

    ok(carries(pair.client, pair.server, "last") && ktls_close_notify(pair.client) == 0, "%s: close_notify",
       name);
    ok(read(pair.server, alert, 1) < 0 && errno == EIO, "%s: plain read is EIO", name);
    ok(ktls_recv_record(pair.server, &peeked, alert, sizeof alert, MSG_PEEK) == 2 && peeked == KTLS_ALERT,
       "%s: can be peeked at", name);
    ok(ktls_recv_record(pair.server, &type, alert, sizeof alert, 0) == 2 && type == KTLS_ALERT,
       "%s: received as an alert", name);
    is_mem(alert, "\1\0", 2, "%s: warning, close_notify", name);
    ok(carries(pair.server, pair.client, "reply"), "%s: the other direction stays open", name);
    shutdown(pair.client, SHUT_WR);
    ok(ktls_recv_record(pair.server, &type, alert, 2, 0) == 0 && type == 0,
       "%s: then FIN", name);
    close_pair(pair);
}

static void test_forged(uint16_t version, uint16_t cipher, char const *name)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys ours = make_keys(version, cipher, 1), theirs = make_keys(version, cipher, 2);
    unsigned char type = 0;
    char buf[8];

    if (!attach_pair(pair) || ktls_install(pair.client, KTLS_TX, &ours) ||
        ktls_install(pair.server, KTLS_RX, &theirs))
        give_up("install");
    ok(write(pair.client, "hello", 5) == 5 && ktls_recv_record(pair.server, &type, buf, sizeof buf, 0) < 0 &&
           errno == EBADMSG,
       "%s: a record under another key is EBADMSG", name);
    close_pair(pair);
}

/* Records that came before the keys, and a FIN behind them. */
static void test_early(uint16_t version, uint16_t cipher, char const *name)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys up = make_keys(version, cipher, 1), down = make_keys(version, cipher, 2);
    struct pollfd arrived = {.fd = pair.server, .events = POLLRDHUP};
    unsigned char type = 0;
    char buf[8];

    if (!attach_pair(pair) || ktls_install(pair.client, KTLS_TX, &up) ||
        ktls_install(pair.client, KTLS_RX, &down))
        give_up("install");
    if (write(pair.client, "early", 5) != 5 || shutdown(pair.client, SHUT_WR)) give_up("write");
    poll(&arrived, 1, 600000);
    ok(ktls_install(pair.server, KTLS_RX, &up) == 0 && ktls_install(pair.server, KTLS_TX, &down) == 0,
       "%s: keys after data and FIN", name);
    ok(read_all(pair.server, buf, 5) && !memcmp(buf, "early", 5), "%s: the data is there", name);
    ok(ktls_recv_record(pair.server, &type, buf, sizeof buf, 0) == 0, "%s: and its end", name);
    ok(carries(pair.server, pair.client, "reply"), "%s: and the reply gets out", name);
    close_pair(pair);
}

static void test_rekey(uint16_t version, uint16_t cipher, int can, char const *name)
{
    static unsigned char const key_update[5] = {24, 0, 0, 1, 0};
    struct pair pair = ktls_pair(version, cipher);
    struct ktls_traffic_keys next = make_keys(version, cipher, 3);
    char buf[8];

    next.seq = 0;
    if (!can) {
        ok(ktls_install(pair.client, KTLS_TX, &next) < 0 && errno == EBUSY, "%s: new TX keys are EBUSY",
           name);
        ok(ktls_install(pair.server, KTLS_RX, &next) < 0 && errno == EBUSY, "%s: new RX keys are EBUSY",
           name);
        ok(carries(pair.client, pair.server, "still"), "%s: the old keys stay", name);
        close_pair(pair);
        return;
    }
    ok(carries_record(pair.client, pair.server, KTLS_HANDSHAKE, key_update, 5), "%s: KeyUpdate", name);
    ok(ktls_install(pair.client, KTLS_TX, &next) == 0, "%s: new TX keys", name);
    ok(write(pair.client, "hello", 5) == 5 && read(pair.server, buf, 5) < 0 && errno == EKEYEXPIRED,
       "%s: no reading without the new keys", name);
    ok(ktls_install(pair.server, KTLS_RX, &next) == 0, "%s: new RX keys", name);
    ok(read_all(pair.server, buf, 5) && !memcmp(buf, "hello", 5), "%s: what was sent under them", name);
    ok(carries(pair.client, pair.server, "on") && carries(pair.server, pair.client, "and on"),
       "%s: both directions go on", name);
    close_pair(pair);
}

static void test_attach(void)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys keys = make_keys(KTLS_TLS_1_3, KTLS_AES_128_GCM, 1);
    struct pollfd arrived = {.fd = pair.client, .events = POLLRDHUP};
    int unconnected = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    int pipes[2], local[2];

    if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, local)) give_up("pipe");
    ok(ktls_install(pair.client, KTLS_TX, &keys) < 0, "no keys without the ULP");
    ok(ktls_attach(pair.client) == 0, "attach");
    ok(ktls_attach(pair.client) == 0, "attach again");
    ok(carries(pair.client, pair.server, "plain") && carries(pair.server, pair.client, "text"),
       "bytes pass unchanged until keys are there");
    shutdown(pair.server, SHUT_WR);
    poll(&arrived, 1, 600000);
    ok(ktls_attach(pair.client) == 0, "attached before FIN, it stays so");
    shutdown(pair.client, SHUT_WR);
    ok(ktls_attach(pair.server) < 0 && errno == ENOTCONN, "after FIN: ENOTCONN");
    ok(ktls_attach(unconnected) < 0 && errno == ENOTCONN, "not connected: ENOTCONN");
    ok(ktls_attach(pipes[0]) < 0 && errno == ENOTSOCK, "a pipe: ENOTSOCK");
    ok(ktls_attach(udp) < 0 && (errno == ENOPROTOOPT || errno == EOPNOTSUPP), "UDP: not a TCP socket");
    ok(ktls_attach(local[0]) < 0 && errno == EOPNOTSUPP, "a Unix socket: EOPNOTSUPP");
    ok(ktls_attach(-1) < 0 && errno == EBADF, "no descriptor: EBADF");
    close_pair(pair);
}

static void test_bad_keys(void)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys version = make_keys(0x0302, KTLS_AES_128_GCM, 1);
    struct ktls_traffic_keys cipher = make_keys(KTLS_TLS_1_3, 53, 1);

    if (!attach_pair(pair)) give_up("attach");
    ok(ktls_install(pair.client, KTLS_TX, &version) < 0 && errno == EINVAL, "unknown version: EINVAL");
    ok(ktls_install(pair.client, KTLS_RX, &cipher) < 0 && errno == EINVAL, "unknown cipher: EINVAL");
    close_pair(pair);
}

static int lowest_free_fd(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static struct ktls_capabilities test_probe(uint16_t version, char const *name)
{
    struct ktls_capabilities found = {0};
    int before = lowest_free_fd();

    ok(ktls_probe(version, &found) == 0, "%s: probe", name);
    ok(lowest_free_fd() == before, "%s: probe leaves no descriptor", name);
    ok(found.aes_128_gcm && found.aes_256_gcm && found.chacha20_poly1305, "%s: every cipher is there", name);
    ok(found.zerocopy_sendfile, "%s: zero-copy sendfile", name);
    ok(found.expect_no_pad == (version == KTLS_TLS_1_3), "%s: no padding is for TLS 1.3", name);
    diag("%s: rekey %s", name, found.rekey ? "yes" : "no");
    return found;
}

static void test_cipher(uint16_t version, uint16_t cipher, char const *cipher_name, int rekey)
{
    char name[64];

    snprintf(name, sizeof name, "TLS 1.%d %s", version == KTLS_TLS_1_3 ? 3 : 2, cipher_name);
    test_wire(version, cipher, name);
    test_records(version, cipher, name);
    test_close_notify(version, cipher, name);
    test_forged(version, cipher, name);
    test_early(version, cipher, name);
    test_rekey(version, cipher, rekey, name);
}

int main(void)
{
    test_attach();
    test_bad_keys();
    struct ktls_capabilities tls12 = test_probe(KTLS_TLS_1_2, "TLS 1.2");
    struct ktls_capabilities tls13 = test_probe(KTLS_TLS_1_3, "TLS 1.3");
    struct ktls_capabilities none;
    ok(!tls12.rekey, "TLS 1.2 has no rekey");
    ok(ktls_probe(0x0301, &none) < 0 && errno == EINVAL, "probe of an unknown version: EINVAL");
    for (uint16_t version = KTLS_TLS_1_2; version <= KTLS_TLS_1_3; version++) {
        int rekey = version == KTLS_TLS_1_3 && tls13.rekey;
        test_cipher(version, KTLS_AES_128_GCM, "AES-128-GCM", rekey);
        test_cipher(version, KTLS_AES_256_GCM, "AES-256-GCM", rekey);
        test_cipher(version, KTLS_CHACHA20_POLY1305, "ChaCha20-Poly1305", rekey);
    }
    return done_testing();
}
