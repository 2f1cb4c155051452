/* ISC license. */
/* needs: ktls */

/* What ktls_recv and ktls_read make of everything that a peer can send. */

#include <fcntl.h>
#include <poll.h>

#include "tests/unit/ktls_pair.h"

#define TLS_1_2 KTLS_TLS_1_2
#define TLS_1_3 KTLS_TLS_1_3

static int can_rekey;

static struct pair open_pair(uint16_t version)
{
    return ktls_pair(version, KTLS_AES_128_GCM);
}

static char const *name_of(uint16_t version)
{
    return version == TLS_1_3 ? "TLS 1.3" : "TLS 1.2";
}

static void put(int fd, unsigned char type, void const *bytes, size_t len)
{
    if (ktls_send_record(fd, type, bytes, len) != (ssize_t)len) die("send");
}

static void say(int fd, char const *text)
{
    put(fd, KTLS_APPLICATION_DATA, text, strlen(text));
}

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* One call: exactly that text. */
static int hears(int fd, struct ktls_secrets *secrets, char const *text)
{
    char buf[64];
    ssize_t const got = ktls_recv(fd, buf, sizeof buf, 0, secrets);

    if (got < 0) diag("expected %s: %s", text, strerror(errno));
    return got == (ssize_t)strlen(text) && !memcmp(buf, text, strlen(text));
}

static int fails(int fd, struct ktls_secrets *secrets, int error)
{
    char buf[64];
    ssize_t const got = ktls_recv(fd, buf, sizeof buf, 0, secrets);

    if (got >= 0 || errno != error)
        diag("expected %s, got %zd, %s", strerror(error), got, got < 0 ? strerror(errno) : "no error");
    return got < 0 && errno == error;
}

/* Now, and again. */
static int stays(int fd, struct ktls_secrets *secrets, int error)
{
    return fails(fd, secrets, error) && fails(fd, secrets, error);
}

static int gets_record(int fd, unsigned char type, void const *bytes, size_t len)
{
    unsigned char got_type, buf[64];

    return ktls_recv_record(fd, &got_type, buf, sizeof buf, 0) == (ssize_t)len && got_type == type &&
           !memcmp(buf, bytes, len);
}

static void test_is(void)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys const keys = make_keys(TLS_1_3, KTLS_CHACHA20_POLY1305, 1);
    struct ktls_state state;
    int pipes[2];

    if (pipe(pipes)) die("pipe");
    ok(!ktls_is(pair.client, NULL), "a TCP socket is none");
    ok(!ktls_is(pipes[0], &state) && !state.version && !state.tx_cipher && !state.rx_cipher, "nor is a pipe");
    ok(!ktls_is(-1, NULL), "nor is no descriptor");
    ok(ktls_close_notify(pair.client) < 0 && errno == EINVAL, "without keys no close_notify: EINVAL");
    ok(ktls_install(pair.client, KTLS_TX, &keys) < 0 && errno == ENOPROTOOPT, "not attached: ENOPROTOOPT");
    ktls_attach(pair.client);
    ok(ktls_close_notify(pair.client) < 0 && errno == EINVAL, "attached: EINVAL");
    ok(!ktls_is(pair.client, &state) && !state.version, "nor one without keys");
    ktls_install(pair.client, KTLS_TX, &keys);
    ok(!ktls_is(pair.client, &state) && state.version == TLS_1_3 &&
           state.tx_cipher == KTLS_CHACHA20_POLY1305 && !state.rx_cipher,
       "nor one with keys in one direction, which are told");
    ktls_install(pair.client, KTLS_RX, &keys);
    ok(ktls_is(pair.client, &state) && state.rx_cipher == KTLS_CHACHA20_POLY1305, "with both it is");
    ok(ktls_is(pair.client, NULL), "and nobody needs to know more");
    close(pipes[0]);
    close(pipes[1]);
    close_pair(pair);
}

static void test_arguments(void)
{
    struct pair pair = open_pair(TLS_1_3);
    char buf[8];

    say(pair.client, "data");
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_OOB, NULL) < 0 && errno == EINVAL, "unknown flags: EINVAL");
    ok(ktls_read(pair.server, buf, 0) == 0, "no room: 0");
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_PEEK, NULL) == 4, "MSG_PEEK");
    ok(ktls_read(pair.server, buf, 1) == 1 && hears(pair.server, NULL, "ata"), "a record in two calls");
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_DONTWAIT, NULL) < 0 && errno == EAGAIN,
       "nothing there: EAGAIN");
    ok(ktls_alert(pair.server) < 0 && errno == ENOMSG, "no alert: ENOMSG");
    ok(ktls_read(-1, buf, 1) < 0 && errno == EBADF, "no descriptor: EBADF");
    close_pair(pair);
}

/* The reply of one that has read the alert but not taken it gets out, and FIN, not RST. */
static void test_close_notify(uint16_t version)
{
    struct pair pair = open_pair(version);
    char const *name = name_of(version);

    say(pair.client, "last words");
    ktls_close_notify(pair.client);
    ok(hears(pair.server, NULL, "last words"), "%s: data before close_notify", name);
    for (int i = 0; i < 3; i++) {
        char byte;
        ok(ktls_read(pair.server, &byte, 1) == 0, "%s: close_notify is 0", name);
    }
    ok(ktls_alert(pair.server) == 0, "%s: and the alert close_notify", name);
    say(pair.server, "reply");
    close(pair.server);
    ok(hears(pair.client, NULL, "reply"), "%s: the reply arrives", name);
    ok(stays(pair.client, NULL, ENODATA), "%s: then FIN without close_notify: ENODATA", name);
    close(pair.client);
}

static void test_close_in_one_burst(uint16_t version)
{
    struct pair pair = open_pair(version);
    struct pollfd arrived = {.fd = pair.server, .events = POLLRDHUP};
    char byte;

    say(pair.client, "all");
    ktls_close_notify(pair.client);
    shutdown(pair.client, SHUT_WR);
    poll(&arrived, 1, 10000);
    ok(hears(pair.server, NULL, "all") && ktls_read(pair.server, &byte, 1) == 0 &&
           ktls_read(pair.server, &byte, 1) == 0,
       "%s: data, close_notify and FIN", name_of(version));
    close_pair(pair);
}

static void test_waitall(uint16_t version)
{
    struct pair pair = open_pair(version);
    char buf[64];

    say(pair.client, "one");
    say(pair.client, "two");
    ktls_close_notify(pair.client);
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_WAITALL, NULL) == 6 &&
           ktls_recv(pair.server, buf, sizeof buf, MSG_WAITALL, NULL) == 0,
       "%s: MSG_WAITALL waits no longer than for close_notify", name_of(version));
    close_pair(pair);
}

static void test_reset(void)
{
    struct pair pair = open_pair(TLS_1_3);
    struct linger const reset = {.l_onoff = 1};

    setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(pair.client);
    ok(fails(pair.server, NULL, ECONNRESET), "RST: ECONNRESET");
    ok(fails(pair.server, NULL, ENODATA), "and then ENODATA");
    close(pair.server);
}

static void test_alerts(uint16_t version)
{
    char const *name = name_of(version);
    struct pair pair = open_pair(version);

    put(pair.client, KTLS_ALERT, version == TLS_1_3 ? "\2\132" : "\1\132", 2);
    say(pair.client, "data");
    ok(hears(pair.server, NULL, "data"), "%s: user_canceled is passed over", name);
    ktls_send_alert(pair.client, 40);
    ok(stays(pair.server, NULL, ECONNABORTED), "%s: a fatal alert: ECONNABORTED", name);
    ok(ktls_alert(pair.server) == 40, "%s: and its number", name);
    close_pair(pair);

    pair = open_pair(version);
    put(pair.client, KTLS_ALERT, "\1\50", 2);
    say(pair.client, "data");
    if (version == TLS_1_3)
        ok(stays(pair.server, NULL, ECONNABORTED), "%s: every other alert is fatal, whatever it says", name);
    else
        ok(hears(pair.server, NULL, "data"), "%s: a warning is passed over", name);
    close_pair(pair);

    pair = open_pair(version);
    ktls_send_alert(pair.client, 40);
    ok(gets_record(pair.server, KTLS_ALERT, "\2\50", 2), "%s: handshake_failure is sent as fatal", name);
    ktls_send_alert(pair.client, 90);
    ok(gets_record(pair.server, KTLS_ALERT, "\1\132", 2), "%s: user_canceled is sent as warning", name);
    close_pair(pair);
}

static void test_out_of_place(uint16_t version, unsigned char type, char const *bytes, size_t len,
                              char const *what)
{
    struct ktls_secrets secrets = {0};
    struct pair pair = open_pair(version);

    put(pair.client, type, bytes, len);
    say(pair.client, "data");
    ok(stays(pair.server, NULL, EPROTO) && stays(pair.server, &secrets, EPROTO), "%s: %s: EPROTO",
       name_of(version), what);
    close_pair(pair);
}

static void test_all_out_of_place(void)
{
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        test_out_of_place(version, KTLS_CHANGE_CIPHER_SPEC, "\1", 1, "change_cipher_spec");
        test_out_of_place(version, 99, "x", 1, "an unknown record");
        test_out_of_place(version, KTLS_ALERT, "\1", 1, "half an alert");
        test_out_of_place(version, KTLS_ALERT, "\1\0\0", 3, "an alert and more");
        test_out_of_place(version, KTLS_HANDSHAKE, "\13\0\0\0", 4, "a Certificate");
    }
    test_out_of_place(TLS_1_3, KTLS_HANDSHAKE, "\30\0\0\0", 4, "a KeyUpdate of no bytes");
    test_out_of_place(TLS_1_3, KTLS_HANDSHAKE, "\30\0\0\2\0\0", 6, "a KeyUpdate of two bytes");
    test_out_of_place(TLS_1_3, KTLS_HANDSHAKE, "\30\0\0\1\2", 5, "a KeyUpdate of an unknown request");
    test_out_of_place(TLS_1_3, KTLS_HANDSHAKE, "\30\0\0\1\0\4", 6, "a KeyUpdate and more");
    test_out_of_place(TLS_1_3, KTLS_HANDSHAKE, "\4\377\377\377", 4, "a ticket of 16 MiB");
    test_out_of_place(TLS_1_3, KTLS_HANDSHAKE, "\1\0\0\0", 4, "a ClientHello");
    test_out_of_place(TLS_1_2, KTLS_HANDSHAKE, "\4\0\0\0", 4, "a ticket");
    test_out_of_place(TLS_1_2, KTLS_HANDSHAKE, "\30\0\0\1\0", 5, "a KeyUpdate");
}

static void test_tickets(void)
{
    struct pair pair = open_pair(TLS_1_3);
    char buf[8];

    say(pair.client, "one");
    put(pair.client, KTLS_HANDSHAKE, "\4\0\0\1x\4\0\0\0", 9);
    put(pair.client, KTLS_HANDSHAKE, "\4\0\0\1y", 5);
    say(pair.client, "two");
    ok(hears(pair.server, NULL, "one") && hears(pair.server, NULL, "two"), "tickets are passed over");

    put(pair.client, KTLS_HANDSHAKE, "\4\0\0\1x", 5);
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_DONTWAIT, NULL) < 0 && errno == EAGAIN,
       "nothing behind a ticket: EAGAIN");
    for (int i = 0; i < 130; i++) put(pair.client, KTLS_HANDSHAKE, "\4\0\0\1x", 5);
    say(pair.client, "three");
    ok(fails(pair.server, NULL, EINTR) && fails(pair.server, NULL, EINTR) &&
           hears(pair.server, NULL, "three"),
       "nothing but tickets: EINTR from time to time");
    close_pair(pair);
}

static void test_split_message(void)
{
    struct ktls_secrets secrets = {0};
    struct pair pair = open_pair(TLS_1_3);

    set_nonblocking(pair.server);
    put(pair.client, KTLS_HANDSHAKE, "\4\0", 2);
    ok(stays(pair.server, NULL, EMSGSIZE), "half a header: EMSGSIZE without memory");
    ok(stays(pair.server, &secrets, EAGAIN), "EAGAIN with it");
    put(pair.client, KTLS_HANDSHAKE, "\0\2x", 3);
    ok(stays(pair.server, &secrets, EAGAIN), "half a body");
    put(pair.client, KTLS_HANDSHAKE, "y\4\0\0\0", 5);
    say(pair.client, "data");
    ok(hears(pair.server, &secrets, "data"), "the rest, another message, and data behind it");
    put(pair.client, KTLS_HANDSHAKE, "\4\0\0", 3);
    say(pair.client, "data");
    ok(stays(pair.server, &secrets, EPROTO), "data inside a message: EPROTO");
    close_pair(pair);

    pair = open_pair(TLS_1_3);
    secrets = (struct ktls_secrets){0};
    put(pair.client, KTLS_HANDSHAKE, "\4\0\0", 3);
    ktls_close_notify(pair.client);
    ok(stays(pair.server, &secrets, EPROTO), "an alert inside a message: EPROTO");
    close_pair(pair);
}

static void test_renegotiation(void)
{
    struct pair pair = open_pair(TLS_1_2);

    say(pair.client, "one");
    put(pair.client, KTLS_HANDSHAKE, "\1\0\0\3abc", 7);
    say(pair.client, "two");
    ok(hears(pair.server, NULL, "one") && hears(pair.server, NULL, "two"), "ClientHello is passed over");
    ok(gets_record(pair.client, KTLS_ALERT, "\1\144", 2), "and answered with no_renegotiation");
    put(pair.server, KTLS_HANDSHAKE, "\0\0\0\0", 4);
    say(pair.server, "three");
    ok(hears(pair.client, NULL, "three"), "HelloRequest is passed over");
    ok(gets_record(pair.server, KTLS_ALERT, "\1\144", 2), "and answered with no_renegotiation");
    close_pair(pair);
}

/* Bytes that the kernel would not send, past its keys: what comes next must
   have the sequence number behind them. */
static void test_empty_record(uint16_t version)
{
    /* AES-128-GCM, make_keys(version, cipher, 1) */
    static unsigned char const empty_1_2[29] = {
        0x17, 0x03, 0x03, 0x00, 0x18, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x48, 0xb5,
        0x35, 0xf8, 0x10, 0xfb, 0x33, 0xcb, 0xaf, 0xbf, 0x51, 0xef, 0xcc, 0x82, 0x46, 0xd5,
    };
    static unsigned char const empty_1_3[22] = {
        0x17, 0x03, 0x03, 0x00, 0x11, 0xcf, 0x0b, 0x87, 0x5c, 0x5e, 0x4e,
        0xd4, 0xad, 0xb9, 0x5a, 0xaf, 0x90, 0xb0, 0x93, 0x76, 0x6d, 0x13,
    };
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys keys = make_keys(version, KTLS_AES_128_GCM, 1);
    char const *name = name_of(version);
    char buf[8];

    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) die("install");
    if (version == TLS_1_3 ? write(pair.client, empty_1_3, sizeof empty_1_3) < 0
                           : write(pair.client, empty_1_2, sizeof empty_1_2) < 0)
        die("write");
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_DONTWAIT, NULL) < 0 && errno == EAGAIN,
       "%s: an empty record is not the end: EAGAIN", name);
    keys.seq++;
    ktls_install(pair.client, KTLS_TX, &keys);
    say(pair.client, "data");
    ok(hears(pair.server, NULL, "data"), "%s: data behind it", name);
    shutdown(pair.client, SHUT_WR);
    ok(stays(pair.server, NULL, ENODATA), "%s: and then FIN", name);
    close_pair(pair);

    pair = tcp_pair();
    keys.seq--;
    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) die("install");
    if (version == TLS_1_3 ? write(pair.client, empty_1_3, sizeof empty_1_3) < 0
                           : write(pair.client, empty_1_2, sizeof empty_1_2) < 0)
        die("write");
    keys.seq++;
    ktls_install(pair.client, KTLS_TX, &keys);
    say(pair.client, "data");
    shutdown(pair.client, SHUT_WR);
    struct pollfd arrived = {.fd = pair.server, .events = POLLRDHUP};
    poll(&arrived, 1, 10000);
    ok(hears(pair.server, NULL, "data") && stays(pair.server, NULL, ENODATA),
       "%s: an empty record, data and FIN at once", name);
    close_pair(pair);
}

static void test_no_record(uint16_t version)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys const keys = make_keys(version, KTLS_AES_128_GCM, 1);
    struct ktls_secrets secrets = {0};
    static char const text[] = "GET / HTTP/1.0\r\n\r\n";

    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) die("install");
    if (write(pair.client, text, sizeof text) < 0) die("write");
    ok(fails(pair.server, NULL, EBADMSG), "%s: bytes that are no record: EBADMSG", name_of(version));
    ok(stays(pair.server, NULL, ENODATA), "%s: and ENODATA without memory", name_of(version));
    close_pair(pair);

    pair = tcp_pair();
    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) die("install");
    if (write(pair.client, text, sizeof text) < 0) die("write");
    ok(stays(pair.server, &secrets, EBADMSG), "%s: EBADMSG with it", name_of(version));
    close_pair(pair);

    pair = tcp_pair();
    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) die("install");
    if (write(pair.client, "\27\3\3\0\40abcdefghijklmnopqrstuvwxyzabcdef", 37) < 0) die("write");
    ok(stays(pair.server, NULL, EBADMSG), "%s: a forged record: EBADMSG", name_of(version));
    close_pair(pair);
}

/* ---- KeyUpdate: generation n of a direction is make_keys(.., n) ---- */

struct generations {
    unsigned char seed[2];
};

static int next_keys(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    struct generations *generations = ctx;

    generations->seed[direction] = (unsigned char)(generations->seed[direction] + 2);
    *keys = make_keys(TLS_1_3, KTLS_AES_128_GCM, generations->seed[direction]);
    keys->seq = 0;
    return 0;
}

static int no_next_keys(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    (void)ctx;
    (void)direction;
    (void)keys;
    errno = EACCES;
    return -1;
}

static unsigned char const key_update[5] = {24, 0, 0, 1, 0};

static void test_key_update_without_secrets(void)
{
    struct ktls_secrets secrets = {.next = no_next_keys};
    struct pair pair = open_pair(TLS_1_3);

    say(pair.client, "one");
    put(pair.client, KTLS_HANDSHAKE, key_update, sizeof key_update);
    ok(hears(pair.server, NULL, "one"), "data before KeyUpdate");
    ok(stays(pair.server, NULL, EKEYEXPIRED), "KeyUpdate without secrets: EKEYEXPIRED");
    say(pair.server, "reply");
    ok(hears(pair.client, NULL, "reply"), "the other direction works");
    ok(stays(pair.server, &secrets, EACCES), "secrets that fail: their error");
    close_pair(pair);
}

static void test_key_update_impossible(void)
{
    struct generations server = {{2, 1}};
    struct ktls_secrets none = {0}, secrets = {.next = next_keys, .ctx = &server};
    struct pair tls12 = open_pair(TLS_1_2), tls13 = open_pair(TLS_1_3), plain = tcp_pair();
    char byte;

    ok(ktls_update_keys(tls13.server, &none, 0) < 0 && errno == EINVAL, "KeyUpdate without next keys: EINVAL");
    ok(ktls_update_keys(tls12.server, &secrets, 0) < 0 && errno == EINVAL, "in TLS 1.2: EINVAL");
    ok(ktls_update_keys(plain.server, &secrets, 0) < 0 && errno == EINVAL, "without keys: EINVAL");
    ok(recv(plain.client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "and nothing was sent");
    ok(!secrets.error && !none.error, "the connections go on");
    close_pair(tls12);
    close_pair(tls13);
    close_pair(plain);
}

static void test_key_update_refused(void)
{
    struct generations server = {{2, 1}};
    struct ktls_secrets secrets = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);
    char byte;

    put(pair.client, KTLS_HANDSHAKE, key_update, sizeof key_update);
    ok(stays(pair.server, &secrets, EKEYREJECTED), "a kernel without rekey: EKEYREJECTED");
    close_pair(pair);

    pair = open_pair(TLS_1_3);
    secrets.error = 0;
    ok(ktls_update_keys(pair.server, &secrets, 0) < 0 && errno == EKEYREJECTED, "our own: EKEYREJECTED");
    ok(gets_record(pair.client, KTLS_HANDSHAKE, key_update, sizeof key_update), "the peer has the KeyUpdate");
    send(pair.server, "x", 1, MSG_NOSIGNAL); /* whatever the kernel says */
    ok(recv(pair.client, &byte, 1, 0) == 0, "and nothing follows it under the old keys");
    close_pair(pair);
}

static void test_key_update(void)
{
    struct generations client = {{1, 2}}, server = {{2, 1}};
    struct ktls_secrets ours = {.next = next_keys, .ctx = &client};
    struct ktls_secrets theirs = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);

    say(pair.client, "one");
    ok(ktls_update_keys(pair.client, &ours, 0) == 0, "KeyUpdate");
    say(pair.client, "two");
    ok(hears(pair.server, &theirs, "one") && hears(pair.server, &theirs, "two"), "is followed");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply") && server.seed[KTLS_TX] == 2, "and not answered");

    ok(ktls_update_keys(pair.client, &ours, 1) == 0, "KeyUpdate that asks for the peer's");
    say(pair.client, "three");
    ok(hears(pair.server, &theirs, "three") && server.seed[KTLS_TX] == 4, "is followed and answered");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply") && client.seed[KTLS_RX] == 4, "which is followed");

    int good = 1;
    for (int i = 0; i < 100 && good; i++) {
        good = ktls_update_keys(pair.client, &ours, 1) == 0 && ktls_update_keys(pair.server, &theirs, 1) == 0;
        say(pair.client, "ping");
        say(pair.server, "pong");
        good = good && hears(pair.server, &theirs, "ping") && hears(pair.client, &ours, "pong");
    }
    ok(good, "a hundred times, asked from both sides");
    close_pair(pair);
}

/* Both sides write until nothing goes. */
static size_t fill(int fd)
{
    static char block[16384];
    size_t sent = 0;

    for (ssize_t n; (n = send(fd, block, sizeof block, MSG_DONTWAIT)) > 0;) sent += (size_t)n;
    return sent;
}

static size_t drain(int fd, struct ktls_secrets *secrets, size_t len)
{
    static char block[16384];
    size_t got = 0;

    for (ssize_t n; got < len && (n = ktls_recv(fd, block, sizeof block, 0, secrets)) > 0;) got += (size_t)n;
    return got;
}

static void test_late_answer(void)
{
    struct generations client = {{1, 2}}, server = {{2, 1}};
    struct ktls_secrets ours = {.next = next_keys, .ctx = &client};
    struct ktls_secrets theirs = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);
    char byte;

    ktls_update_keys(pair.client, &ours, 1);
    say(pair.client, "data");
    size_t const sent = fill(pair.server);
    ok(hears(pair.server, &theirs, "data"), "a peer that reads nothing asks: its data is received");
    ok(theirs.answer_due && server.seed[KTLS_TX] == 2, "and the answer waits");
    ok(drain(pair.client, &ours, sent) == sent, "until the peer reads");
    struct pollfd writable = {.fd = pair.server, .events = POLLOUT};
    poll(&writable, 1, 10000);
    ok(ktls_recv(pair.server, &byte, 1, MSG_DONTWAIT, &theirs) < 0 && errno == EAGAIN && !theirs.answer_due,
       "then it is given");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply") && client.seed[KTLS_RX] == 4, "and followed");

    ktls_update_keys(pair.client, &ours, 1);
    say(pair.client, "data");
    shutdown(pair.server, SHUT_WR);
    ok(hears(pair.server, &theirs, "data") && hears((say(pair.client, "on"), pair.server), &theirs, "on"),
       "one who has ended its stream need not answer");
    close_pair(pair);
}

int main(void)
{
    struct ktls_capabilities found;

    if (ktls_probe(TLS_1_3, &found)) die("probe");
    can_rekey = found.rekey;
    diag("rekey %s, zero-copy %s, no padding %s", can_rekey ? "yes" : "no",
         found.zerocopy_sendfile ? "yes" : "no", found.expect_no_pad ? "yes" : "no");
    test_is();
    test_arguments();
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        test_close_notify(version);
        test_close_in_one_burst(version);
        test_waitall(version);
        test_alerts(version);
        test_empty_record(version);
        test_no_record(version);
    }
    test_reset();
    test_all_out_of_place();
    test_tickets();
    test_split_message();
    test_renegotiation();
    test_key_update_without_secrets();
    test_key_update_impossible();
    if (can_rekey) {
        test_key_update();
        test_late_answer();
    } else {
        test_key_update_refused();
    }
    return done_testing();
}
