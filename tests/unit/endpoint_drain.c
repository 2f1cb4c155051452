/* ISC license. */
/* runs: every kernel */

/* What becomes of everything that a TLS 1.3 server can send before its first
   data, when prog is to have the socket itself. */

#include <signal.h>
#include <sys/wait.h>

#include "crypto/crypto.h"
#include "endpoint/endpoint.h"
#include "tests/unit/ktls_talk.h"
#include "tests/unit/ticket.h"

#define PATIENT 0
#define MAX_WHY 128

static int drain(int fd, unsigned int ms, char why[MAX_WHY])
{
    static char const prefix[] = "waiting for tickets: ";
    struct program_error error;
    struct endpoint_connection const connection = {.fdr = fd, .fdw = fd, .deadline = tls_deadline_after(ms)};

    *why = 0;
    if (endpoint_drain_tickets(&connection, 0, &error)) return 1;
    if (strncmp(error.text, prefix, sizeof prefix - 1)) return 0;
    snprintf(why, MAX_WHY, "%.*s", MAX_WHY - 1, error.text + sizeof prefix - 1);
    return 0;
}

/* The pair's client is the client. */
static void passes(struct pair pair, char const *what)
{
    char why[MAX_WHY], buf[8] = "";

    say(pair.server, "data");
    ok(drain(pair.client, PATIENT, why) && recv(pair.client, buf, sizeof buf, 0) == 4 && !memcmp(buf, "data", 4),
       "%s: prog reads the data behind it", what);
    if (*why) diag("%s", why);
    close_pair(pair);
}

static void is_refused(struct pair pair, unsigned char alert, char const *wanted, char const *what)
{
    unsigned char const sent[2] = {2, alert};
    char why[MAX_WHY];

    ok(!drain(pair.client, PATIENT, why) && strstr(why, wanted), "%s is refused: %s", what, wanted);
    if (!strstr(why, wanted)) diag("%s", why);
    if (alert) ok(gets_record(pair.server, KTLS_ALERT, sent, 2), "%s: the server gets alert %d", what, alert);
    send(pair.client, "x", 1, MSG_NOSIGNAL); /* which the kernel takes */
    ok(stays(pair.server, NULL, ENODATA), "%s: nothing else reaches the server", what);
    close_pair(pair);
}

static void refuses(unsigned char type, void const *bytes, size_t len, unsigned char alert, char const *wanted,
                    char const *what)
{
    struct pair pair = open_pair(TLS_1_3);

    put(pair.server, type, bytes, len);
    is_refused(pair, alert, wanted, what);
}

static void test_taken(void)
{
    unsigned char tickets[2 * 40];
    struct pair pair = open_pair(TLS_1_3);
    char why[MAX_WHY];

    ok(drain(pair.client, PATIENT, why), "a server that sends nothing");
    passes(pair, "nothing");

    make_ticket(tickets, 40);
    make_ticket(tickets + 40, 40);
    tickets[20] = TLS_KEY_UPDATE;
    pair = open_pair(TLS_1_3);
    put(pair.server, KTLS_HANDSHAKE, tickets, sizeof tickets);
    put(pair.server, KTLS_HANDSHAKE, tickets, 40);
    passes(pair, "three tickets in two records");

    pair = open_pair(TLS_1_3);
    put(pair.server, KTLS_HANDSHAKE, tickets, 20);
    put(pair.server, KTLS_HANDSHAKE, tickets + 20, 20);
    passes(pair, "a ticket in two records, the second of which begins like a KeyUpdate");

    pair = open_pair(TLS_1_3);
    put(pair.server, KTLS_ALERT, "\1\132", 2);
    put(pair.server, KTLS_HANDSHAKE, tickets, 40);
    passes(pair, "user_canceled and a ticket");
}

static void test_end_of_stream(void)
{
    unsigned char ticket[40];
    struct pair pair = open_pair(TLS_1_3);
    char why[MAX_WHY], byte;

    make_ticket(ticket, sizeof ticket);
    put(pair.server, KTLS_HANDSHAKE, ticket, sizeof ticket);
    ktls_close_notify(pair.server);
    ok(drain(pair.client, PATIENT, why) && recv(pair.client, &byte, 1, 0) == 0, "close_notify is the end for prog");
    say(pair.client, "reply");
    ok(hears(pair.server, NULL, "reply"), "which can still write");
    close_pair(pair);
}

static void test_refused(void)
{
    unsigned char ticket[40];

    make_ticket(ticket, sizeof ticket);
    ticket[14]++;
    refuses(KTLS_HANDSHAKE, ticket, sizeof ticket, TLS_DECODE_ERROR, "a malformed NewSessionTicket",
            "a malformed ticket");
    make_ticket(ticket, sizeof ticket);
    ticket[4] = 1;
    refuses(KTLS_HANDSHAKE, ticket, sizeof ticket, TLS_ILLEGAL_PARAMETER, "lifetime", "a ticket for 194 days");
    refuses(KTLS_HANDSHAKE, "\13\0\0\0", 4, TLS_UNEXPECTED_MESSAGE, "an unexpected handshake message", "a Certificate");
    refuses(KTLS_HANDSHAKE, "\30\0\0\1\0", 5, TLS_INTERNAL_ERROR, "changes its keys", "a KeyUpdate");
    refuses(KTLS_ALERT, "\1", 1, TLS_DECODE_ERROR, "an alert of a wrong length", "half an alert");
    refuses(KTLS_ALERT, "\3\0", 2, TLS_ILLEGAL_PARAMETER, "unknown level", "an alert of level 3");
    refuses(KTLS_ALERT, "\1\50", 2, 0, "received alert handshake_failure", "a fatal alert");
    refuses(KTLS_CHANGE_CIPHER_SPEC, "\1", 1, TLS_UNEXPECTED_MESSAGE, "unexpected type", "ChangeCipherSpec");

    struct pair pair = open_pair(TLS_1_3);
    make_ticket(ticket, sizeof ticket);
    put(pair.server, KTLS_HANDSHAKE, ticket, 20);
    say(pair.server, "data");
    is_refused(pair, TLS_UNEXPECTED_MESSAGE, "only a part of a ticket", "data inside a ticket");
}

/* A connection whose server's side has its keys in user space. */
static struct pair half_open_pair(struct ktls_traffic_keys *server_tx)
{
    struct ktls_traffic_keys const up = make_keys(TLS_1_3, KTLS_AES_128_GCM, 1);
    struct pair pair = tcp_pair();

    *server_tx = make_keys(TLS_1_3, KTLS_AES_128_GCM, 2);
    if (!attach_pair(pair) || ktls_install(pair.client, KTLS_TX, &up) ||
        ktls_install(pair.client, KTLS_RX, server_tx) || ktls_install(pair.server, KTLS_RX, &up))
        give_up("install");
    return pair;
}

static void drip_bytes(struct pair pair, struct ktls_traffic_keys *tx)
{
    static unsigned char ticket[16000], record[16384 + 256];

    make_ticket(ticket, sizeof ticket);
    size_t const len = crypto_seal_record(tx, KTLS_HANDSHAKE, ticket, sizeof ticket, record);
    for (size_t i = 0; i < len && send(pair.server, record + i, 1, MSG_NOSIGNAL) == 1; i++) usleep(5000);
    pause();
}

static void drip_tickets(struct pair pair, struct ktls_traffic_keys *tx)
{
    unsigned char ticket[40], record[128];

    make_ticket(ticket, sizeof ticket);
    for (;;) {
        size_t const len = crypto_seal_record(tx, KTLS_HANDSHAKE, ticket, sizeof ticket, record);
        if (send(pair.server, record, len, MSG_NOSIGNAL) < 0) pause();
        usleep(15000);
    }
}

/* The deadline of the handshake is that of its tickets, too. */
static void test_dripping(void (*drip)(struct pair pair, struct ktls_traffic_keys *tx), char const *what)
{
    struct ktls_traffic_keys tx;
    struct pair pair = half_open_pair(&tx);
    char why[MAX_WHY];
    pid_t const server = fork();

    if (!server) drip(pair, &tx);
    ok(!drain(pair.client, 500, why) && !strcmp(why, "timed out"), "%s: the deadline ends it", what);
    if (*why) diag("%s", why);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    close_pair(pair);
}

/* With a server that sends nothing the deadline is no failure. */
static void test_early_deadline(void)
{
    struct pair pair = open_pair(TLS_1_3);
    char why[MAX_WHY];

    ok(drain(pair.client, 1, why), "a deadline before our patience ends, and nothing has come");
    passes(pair, "a deadline");
}

/* Where a part of a record stays the only one, the kernel may call the socket readable. */
static void test_part_of_a_record(void)
{
    struct ktls_traffic_keys tx;
    struct pair pair = half_open_pair(&tx);
    char why[MAX_WHY];

    if (send(pair.server, "\27\3\3\1\0part", 9, 0) != 9) give_up("send");
    ok(drain(pair.client, PATIENT, why), "a part of a record is not waited for without end");
    close_pair(pair);
}

static void test_forged(void)
{
    struct pair pair = half_open_pair(&(struct ktls_traffic_keys){0});

    if (send(pair.server, "\27\3\3\0\40abcdefghijklmnopqrstuvwxyzabcdef", 37, 0) != 37) give_up("send");
    is_refused(pair, TLS_BAD_RECORD_MAC, "does not authenticate", "a forged record");
    pair = half_open_pair(&(struct ktls_traffic_keys){0});
    if (send(pair.server, "\27\3\3\110\1abcdefghijklmnopqrstuvwxyzabcdef", 37, 0) != 37) give_up("send");
    is_refused(pair, TLS_RECORD_OVERFLOW, "too long", "an over-long record");
}

int main(void)
{
    alarm(1500);
    test_taken();
    test_end_of_stream();
    test_refused();
    test_forged();
    test_dripping(drip_bytes, "a ticket byte by byte");
    test_dripping(drip_tickets, "ticket by ticket");
    test_early_deadline();
    test_part_of_a_record();
    return done_testing();
}
