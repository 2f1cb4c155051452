/* ISC license. */
/* runs: every kernel */

/* What ktls_recv and ktls_read make of everything that a peer can send. */

#include "tests/unit/ktls_talk.h"
#include "tests/unit/ticket.h"

static void test_is(void)
{
    struct pair pair = tcp_pair();
    struct ktls_traffic_keys const keys = make_keys(TLS_1_3, KTLS_CHACHA20_POLY1305, 1);
    struct ktls_state state;
    int pipes[2];

    if (pipe(pipes)) give_up("pipe");
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
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_OOB, NULL) < 0 && errno == EINVAL,
       "unknown flags: EINVAL");
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
    poll(&arrived, 1, 600000);
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
    ok(ktls_alert(pair.server) < 0 && errno == ENOMSG, "%s: %s: is no alert", name_of(version), what);
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
    unsigned char tickets[20 + SHORTEST_TICKET];
    char buf[8];

    make_ticket(tickets, 20);
    make_ticket(tickets + 20, SHORTEST_TICKET);
    say(pair.client, "one");
    put(pair.client, KTLS_HANDSHAKE, tickets, sizeof tickets);
    put(pair.client, KTLS_HANDSHAKE, tickets, 20);
    say(pair.client, "two");
    ok(hears(pair.server, NULL, "one") && hears(pair.server, NULL, "two"), "tickets are passed over");

    put(pair.client, KTLS_HANDSHAKE, tickets, 20);
    ok(ktls_recv(pair.server, buf, sizeof buf, MSG_DONTWAIT, NULL) < 0 && errno == EAGAIN,
       "nothing behind a ticket: EAGAIN");
    for (int i = 0; i < 130; i++) put(pair.client, KTLS_HANDSHAKE, tickets, 20);
    say(pair.client, "three");
    ok(fails(pair.server, NULL, EINTR) && fails(pair.server, NULL, EINTR) &&
           hears(pair.server, NULL, "three"),
       "nothing but tickets: EINTR from time to time");
    close_pair(pair);
}

static void test_role(void)
{
    struct ktls_secrets server = {.role = KTLS_SERVER}, client = {.role = KTLS_CLIENT};
    struct pair pair = open_pair(TLS_1_3);
    unsigned char ticket[SHORTEST_TICKET];

    make_ticket(ticket, sizeof ticket);
    put(pair.client, KTLS_HANDSHAKE, ticket, sizeof ticket);
    ok(stays(pair.server, &server, EPROTO) && server.alert == TLS_UNEXPECTED_MESSAGE,
       "a ticket to a server: EPROTO, unexpected_message");
    put(pair.server, KTLS_HANDSHAKE, ticket, sizeof ticket);
    say(pair.server, "data");
    ok(hears(pair.client, &client, "data"), "a ticket to a client is passed over");
    close_pair(pair);
}

/* Where ktls_recv has ended a connection, the alert that it names arrives. */
static void test_alert_to_send(unsigned char type, void const *bytes, size_t len, unsigned char alert)
{
    unsigned char const wanted[2] = {2, alert};
    struct ktls_secrets secrets = {0};
    struct pair pair = open_pair(TLS_1_3);

    put(pair.client, type, bytes, len);
    ok(stays(pair.server, &secrets, EPROTO) && secrets.alert == alert, "the error deserves alert %d", alert);
    ok(ktls_send_alert(pair.server, secrets.alert) == 0 && gets_record(pair.client, KTLS_ALERT, wanted, 2),
       "and the alert %d arrives", alert);
    close_pair(pair);
}

static void test_alerts_to_send(void)
{
    unsigned char ticket[SHORTEST_TICKET];

    make_ticket(ticket, sizeof ticket);
    ticket[14] = 2;
    test_alert_to_send(KTLS_HANDSHAKE, ticket, sizeof ticket, TLS_DECODE_ERROR);
    make_ticket(ticket, sizeof ticket);
    ticket[4] = 1;
    test_alert_to_send(KTLS_HANDSHAKE, ticket, sizeof ticket, TLS_ILLEGAL_PARAMETER);
    test_alert_to_send(KTLS_ALERT, "\3\0", 2, TLS_ILLEGAL_PARAMETER);
    test_alert_to_send(KTLS_ALERT, "\1", 1, TLS_DECODE_ERROR);
    test_alert_to_send(KTLS_CHANGE_CIPHER_SPEC, "\1", 1, TLS_UNEXPECTED_MESSAGE);
}

static void test_split_message(void)
{
    struct ktls_secrets secrets = {0};
    struct pair pair = open_pair(TLS_1_3);
    unsigned char ticket[28];

    make_ticket(ticket, sizeof ticket);
    ticket[20] = TLS_KEY_UPDATE;
    set_nonblocking(pair.server);
    put(pair.client, KTLS_HANDSHAKE, ticket, 2);
    ok(stays(pair.server, NULL, EMSGSIZE), "half a header: EMSGSIZE without memory");
    ok(stays(pair.server, &secrets, EAGAIN), "EAGAIN with it");
    put(pair.client, KTLS_HANDSHAKE, ticket + 2, 3);
    ok(stays(pair.server, &secrets, EAGAIN), "half a body");
    unsigned char rest[23 + SHORTEST_TICKET];
    memcpy(rest, ticket + 5, 23);
    make_ticket(rest + 23, SHORTEST_TICKET);
    put(pair.client, KTLS_HANDSHAKE, rest, sizeof rest);
    say(pair.client, "data");
    ok(hears(pair.server, &secrets, "data"), "the rest, another message, and data behind it");
    put(pair.client, KTLS_HANDSHAKE, ticket, 20);
    put(pair.client, KTLS_HANDSHAKE, ticket + 20, 8);
    say(pair.client, "data");
    ok(hears(pair.server, &secrets, "data"), "a part that begins like a KeyUpdate");
    put(pair.client, KTLS_HANDSHAKE, ticket, 3);
    say(pair.client, "data");
    ok(stays(pair.server, &secrets, EPROTO), "data inside a message: EPROTO");
    close_pair(pair);

    pair = open_pair(TLS_1_3);
    secrets = (struct ktls_secrets){0};
    put(pair.client, KTLS_HANDSHAKE, ticket, 3);
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

    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) give_up("install");
    if (version == TLS_1_3 ? write(pair.client, empty_1_3, sizeof empty_1_3) < 0
                           : write(pair.client, empty_1_2, sizeof empty_1_2) < 0)
        give_up("write");
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
    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) give_up("install");
    if (version == TLS_1_3 ? write(pair.client, empty_1_3, sizeof empty_1_3) < 0
                           : write(pair.client, empty_1_2, sizeof empty_1_2) < 0)
        give_up("write");
    keys.seq++;
    ktls_install(pair.client, KTLS_TX, &keys);
    say(pair.client, "data");
    shutdown(pair.client, SHUT_WR);
    struct pollfd arrived = {.fd = pair.server, .events = POLLRDHUP};
    poll(&arrived, 1, 600000);
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

    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) give_up("install");
    if (write(pair.client, text, sizeof text) < 0) give_up("write");
    ok(fails(pair.server, NULL, EBADMSG), "%s: bytes that are no record: EBADMSG", name_of(version));
    ok(stays(pair.server, NULL, ENODATA), "%s: and ENODATA without memory", name_of(version));
    close_pair(pair);

    pair = tcp_pair();
    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) give_up("install");
    if (write(pair.client, text, sizeof text) < 0) give_up("write");
    ok(stays(pair.server, &secrets, EBADMSG), "%s: EBADMSG with it", name_of(version));
    close_pair(pair);

    pair = tcp_pair();
    if (!attach_pair(pair) || ktls_install(pair.server, KTLS_RX, &keys)) give_up("install");
    if (write(pair.client, "\27\3\3\0\40abcdefghijklmnopqrstuvwxyzabcdef", 37) < 0) give_up("write");
    ok(stays(pair.server, NULL, EBADMSG), "%s: a forged record: EBADMSG", name_of(version));
    close_pair(pair);
}

/* Of a forged and of an over-long record the peer is told, although the kernel
   makes a socket that has refused a record fail to send. */
static void test_refused_record(uint16_t version, char const *bytes, size_t len, int error, unsigned char alert)
{
    unsigned char const wanted[2] = {2, alert};

    for (int with_memory = 0; with_memory < 2; with_memory++) {
        struct ktls_secrets secrets = {0};
        struct ktls_secrets *memory = with_memory ? &secrets : NULL;
        struct ktls_traffic_keys keys = make_keys(version, KTLS_AES_128_GCM, 1);
        struct pair forger = tcp_pair();

        if (!attach_pair(forger) || ktls_install(forger.server, KTLS_RX, &keys)) give_up("install");
        keys = make_keys(version, KTLS_AES_128_GCM, 2);
        if (ktls_install(forger.server, KTLS_TX, &keys) || ktls_install(forger.client, KTLS_RX, &keys))
            give_up("install");
        if (write(forger.client, bytes, len) < 0) give_up("write");
        ok(fails(forger.server, memory, error), "%s: a refused record: %s", name_of(version), strerror(error));
        ok(!memory || secrets.alert == alert, "%s: deserves alert %d", name_of(version), alert);
        int const sent = ktls_send_alert(forger.server, alert) == 0;
        ok(sent, "%s: and the alert can be sent", name_of(version));
        ok(sent && gets_record(forger.client, KTLS_ALERT, wanted, 2), "%s: it arrives", name_of(version));
        close_pair(forger);
    }
}

static void test_refused_records(uint16_t version)
{
    test_refused_record(version, "\27\3\3\0\40abcdefghijklmnopqrstuvwxyzabcdef", 37, EBADMSG, TLS_BAD_RECORD_MAC);
    test_refused_record(version, "\27\3\3\110\1abcdefghijklmnopqrstuvwxyzabcdef", 37, EOVERFLOW,
                        TLS_RECORD_OVERFLOW);
}

int main(void)
{
    test_is();
    test_arguments();
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        test_close_notify(version);
        test_close_in_one_burst(version);
        test_waitall(version);
        test_alerts(version);
        test_empty_record(version);
        test_no_record(version);
        test_refused_records(version);
    }
    test_reset();
    test_all_out_of_place();
    test_tickets();
    test_role();
    test_alerts_to_send();
    test_split_message();
    test_renegotiation();
    return done_testing();
}
