/* ISC license. */
/* runs: host */
/* runs: every kernel */

/* What the relay makes of every end of either side, and of every record. */

#include <poll.h>

#include "relay_wire.h"
#include "ticket.h"

static void both_ways(struct crypto_suite const *suite, struct options options, char const *name)
{
    static size_t const sizes[] = { 1, 2, 15, 16, 17, 1000, FRAGMENT };
    struct wire w;
    int right = 1, notified;
    start(&w, suite, options);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        send_record(&w, KTLS_APPLICATION_DATA, million, sizes[i]);
        send_record(&w, KTLS_APPLICATION_DATA, million, 0);
        right &= read_until(w.in, buffer, sizes[i]) == sizes[i] && !memcmp(buffer, million, sizes[i]);
        right &= write_all(w.out, million, sizes[i]);
        for (size_t got = 0; got < sizes[i];) {
            unsigned char type, *fragment;
            long const n = receive(&w, &type, &fragment);
            right &= n > 0 && type == KTLS_APPLICATION_DATA && !memcmp(fragment, million + got, (size_t)n);
            if (n <= 0) break;
            got += (size_t)n;
        }
    }
    ok(right, "%s %s: data both ways", suite->name, name);
    close_notify(&w);
    ok(prog_reads_end(&w), "%s %s: close_notify is prog's end of file", suite->name, name);
    write_all(w.out, "last words", 10);
    shutdown(w.out, SHUT_WR); /* of a socket that prog reads too */
    end(&w.out);
    ok(receive_all(&w, buffer, MILLION, &notified) == 10 && notified,
       "%s %s: what prog writes after that arrives, and then the end", suite->name, name);
    check_report(&w, 0, "", name);
}

static void write_in_background(struct wire *w)
{
    if (fork()) return;
    signal(SIGPIPE, SIG_IGN);
    close(w->in);
    for (size_t i = 0; i < MILLION; i += 10000) send_record(w, KTLS_APPLICATION_DATA, million + i, 10000);
    close_notify(w);
    _exit(0);
}

static void prog_stops_reading(struct crypto_suite const *suite)
{
    struct wire w;
    int notified;
    start(&w, suite, (struct options){ .farewell = RELAY_FAREWELL_ALWAYS });
    write_in_background(&w);
    end(&w.in);
    if (!fork()) _exit(!write_all(w.out, million, MILLION));
    end(&w.out);
    size_t const got = receive_all(&w, buffer, MILLION, &notified);
    ok(got == MILLION && !memcmp(buffer, million, MILLION) && notified,
       "%s: the output of a prog that reads nothing arrives", suite->name);
    check_report(&w, 0, "", "prog stops reading");
}

static void slow_prog(struct crypto_suite const *suite)
{
    struct wire w;
    start(&w, suite, (struct options){ .enforce = 1, .farewell = RELAY_FAREWELL_NEVER });
    write_in_background(&w);
    usleep(50000);
    size_t const got = read_until(w.in, buffer, MILLION + 1);
    ok(got == MILLION && !memcmp(buffer, million, MILLION), "%s: a slow prog gets all, and the end",
       suite->name);
    end(&w.out);
    ok(receives_alert(&w, 1, TLS_CLOSE_NOTIFY) && receives_end(&w), "%s: close_notify is answered",
       suite->name);
    check_report(&w, 0, "", "slow prog");
}

static void ends_of_the_peer(struct crypto_suite const *suite)
{
    for (unsigned char enforce = 0; enforce < 2; enforce++) {
        struct wire w;
        start(&w, suite, (struct options){ .enforce = enforce });
        send_data(&w, "data");
        shutdown(w.to_relay, SHUT_WR);
        ok(prog_reads(&w, "data") && prog_reads_end(&w), "%s: FIN is prog's end of file", suite->name);
        write_all(w.out, "reply", 5);
        ok(receives(&w, KTLS_APPLICATION_DATA, "reply", 5), "%s: prog can still reply", suite->name);
        end(&w.out);
        check_report(&w, enforce ? 98 : 0, enforce ? "without close_notify" : "", "FIN without close_notify");
    }
    struct wire w;
    start(&w, suite, (struct options){ .enforce = 0 });
    send_data(&w, "data");
    write_all(w.to_relay, "\x17\3\3\0\x40half", 9);
    shutdown(w.to_relay, SHUT_WR);
    ok(prog_reads(&w, "data") && prog_reads_end(&w), "%s: a truncated record is not delivered", suite->name);
    end(&w.out);
    check_report(&w, 98, "middle of a record", "truncated record");
}

static void reset(struct crypto_suite const *suite)
{
    struct linger const hard = { .l_onoff = 1 };
    struct wire w;
    start(&w, suite, (struct options){ .over_tcp = 1 });
    send_data(&w, "data");
    int const got = prog_reads(&w, "data");
    setsockopt(w.to_relay, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    end(&w.to_relay);
    w.from_relay = -1;
    ok(got && prog_reads_end(&w), "%s: a reset is prog's end of file", suite->name);
    check_report(&w, 98, "reset", "reset");
}

static void refuses(struct crypto_suite const *suite, int client, unsigned char type, void const *data,
                    size_t len, unsigned char alert, char const *name)
{
    struct wire w;
    start(&w, suite, (struct options){ .client = (unsigned char)client });
    send_record(&w, type, data, len);
    check_refusal(&w, alert, name);
}

static void refuses_bytes(struct crypto_suite const *suite, void const *bytes, size_t len,
                          unsigned char alert, char const *name)
{
    struct wire w;
    start(&w, suite, (struct options){ .client = 0 });
    write_all(w.to_relay, bytes, len);
    check_refusal(&w, alert, name);
}

#define BODY "0123456789abcdef0123456789abcdef0123456789abcdef"

static void refusals(struct crypto_suite const *suite)
{
    unsigned char forged[64];
    struct relay_keys keys, peer;
    make_keys(&keys, suite, 0);
    mirror(&peer, &keys);
    size_t const len = crypto_seal_record(&peer.tx, KTLS_APPLICATION_DATA, "forged", 6, forged);
    forged[len - 1] ^= 1;
    refuses_bytes(suite, forged, len, TLS_BAD_RECORD_MAC, "a forged record");
    refuses_bytes(suite, "\x17\3\3\0\1x" BODY, 54, TLS_BAD_RECORD_MAC, "a record shorter than its tag");
    refuses_bytes(suite, "\x17\3\3\x48\1" BODY, 53, TLS_RECORD_OVERFLOW, "a record that is too long");
    /* The kernel leaves the type to the authentication. */
    refuses_bytes(suite, "\x18\3\3\0\x30" BODY, 53,
                  in_kernel() ? TLS_BAD_RECORD_MAC : TLS_UNEXPECTED_MESSAGE, "an unknown outer type");
    refuses_bytes(suite, "\x17\3\1\0\x30" BODY, 53, TLS_PROTOCOL_VERSION, "another record version");
    refuses(suite, 0, KTLS_HANDSHAKE, "", 0, TLS_UNEXPECTED_MESSAGE, "an empty handshake record");
    refuses(suite, 0, KTLS_CHANGE_CIPHER_SPEC, "\1", 1, TLS_UNEXPECTED_MESSAGE, "a late ChangeCipherSpec");
    refuses(suite, 0, KTLS_ALERT, "", 0, TLS_UNEXPECTED_MESSAGE, "an empty alert record");
    refuses(suite, 0, KTLS_ALERT, "\1\0\0", 3, TLS_DECODE_ERROR, "an alert of three bytes");
    refuses(suite, 0, KTLS_ALERT, "\3\0", 2, TLS_ILLEGAL_PARAMETER, "an alert of level 3");
    refuses(suite, 1, KTLS_HANDSHAKE, "\2\0\0\0", 4, TLS_UNEXPECTED_MESSAGE, "a late ServerHello");
}

/* Nothing follows, so that a relay that takes the record ends. */
static void refuses_last_bytes(struct crypto_suite const *suite, void const *bytes, size_t len,
                               unsigned char alert, char const *name)
{
    struct wire w;
    start(&w, suite, (struct options){ .client = 0 });
    write_all(w.to_relay, bytes, len);
    shutdown(w.to_relay, SHUT_WR);
    end(&w.out);
    check_refusal(&w, alert, name);
}

/* The length that a record's header may say (RFC 8446, 5.2; RFC 5246, 6.2.3), and a byte
   more, which is refused before it is there. The kernel's limit is its own. */
static void lengths_in_headers(struct crypto_suite const *suite)
{
    size_t const limit = FRAGMENT + (suite->version == TLS_1_3 ? 256u : 2048u);
    static unsigned char record[5 + FRAGMENT + 2048];
    memcpy(record, "\x17\3\3", 3);
    record[3] = (unsigned char)((limit + 1) >> 8), record[4] = (unsigned char)(limit + 1);
    refuses_bytes(suite, record, 53, TLS_RECORD_OVERFLOW, "a length above the limit");
    if (in_kernel()) return;
    record[3] = (unsigned char)(limit >> 8), record[4] = (unsigned char)limit;
    refuses_last_bytes(suite, record, 5 + limit, TLS_BAD_RECORD_MAC, "a length at the limit");
}

/* What is in a record counts, not only its length on the wire: a byte more than
   the limit, and in TLS 1.3 padding that makes it longer than that. */
static void long_records(struct crypto_suite const *suite)
{
    static unsigned char sealed[5 + FRAGMENT + 300], content[FRAGMENT + 2];
    struct relay_keys keys, peer;
    make_keys(&keys, suite, 0);
    mirror(&peer, &keys);
    size_t const len = crypto_seal_record(&peer.tx, KTLS_APPLICATION_DATA, content, FRAGMENT + 1, sealed);
    refuses_last_bytes(suite, sealed, len, TLS_RECORD_OVERFLOW, "a byte more than a record may have");
    if (suite->version != TLS_1_3) return;
    mirror(&peer, &keys);
    memset(content, 0, sizeof content);
    content[0] = 'x';
    content[1] = KTLS_APPLICATION_DATA;
    size_t const padded = crypto_seal_record(&peer.tx, 0, content, FRAGMENT + 1, sealed);
    refuses_last_bytes(suite, sealed, padded, TLS_RECORD_OVERFLOW, "one byte, and padding beyond the limit");
}

/* All in the connection before the relay looks. */
static void data_before_a_refusal(struct crypto_suite const *suite, struct options options)
{
    struct wire w;
    start(&w, suite, options);
    send_data(&w, "first");
    int const started = prog_reads(&w, "first");
    kill(w.pid, SIGSTOP);
    waitpid(w.pid, NULL, WUNTRACED);
    send_data(&w, "data");
    send_record(&w, KTLS_ALERT, "\3\0", 2);
    kill(w.pid, SIGCONT);
    ok(started && prog_reads(&w, "data"), "%s: what came before a refused record is delivered%s", suite->name,
       options.prog_has_a_socket ? ", to prog's socket" : "");
    check_refusal(&w, TLS_ILLEGAL_PARAMETER, "a refusal behind data");
}

/* Segments end where they like, and what comes next is short. */
static void record_in_parts(struct crypto_suite const *suite)
{
    unsigned char const warning[2] = { 1, TLS_USER_CANCELED };
    unsigned char record[64];
    struct wire w;
    start(&w, suite, (struct options){ .over_tcp = 1 });
    send_data(&w, "first");
    int const started = prog_reads(&w, "first");
    size_t const len = crypto_seal_record(&w.keys.tx, KTLS_ALERT, warning, sizeof warning, record);
    write_all(w.to_relay, record, len - 1);
    usleep(50000);
    write_all(w.to_relay, record + len - 1, 1);
    usleep(50000);
    send_data(&w, "x");
    ok(started && prog_reads(&w, "x"), "%s: data behind a warning in two parts", suite->name);
    close_notify(&w);
    end(&w.out);
    check_report(&w, 0, "", "a warning in two parts");
}

/* Faster than the relay reads. */
static void endless_peer(struct crypto_suite const *suite)
{
    struct wire w;
    start(&w, suite, (struct options){ .zeros_from_peer = 1 });
    ok(receives_alert(&w, 2, TLS_UNEXPECTED_MESSAGE) && receives_end(&w), "%s: no end of zeros", suite->name);
    struct pollfd report = { .fd = w.report_fd, .events = POLLIN };
    if (!poll(&report, 1, LIMIT_MS)) kill(w.pid, SIGKILL);
    check_report(&w, 98, "unexpected_message", "a peer that talks on after a refusal");
}

/* As many writes as a pipe has places, each in a place of its own. */
static void full_pipe(struct crypto_suite const *suite)
{
    enum { PLACES = 16, SIZE = 100 };
    struct wire w;
    size_t got = 0;
    start(&w, suite, (struct options){ .client = 0 });
    send_data(&w, "first");
    int right = prog_reads(&w, "first") && fcntl(w.out, F_SETFL, O_DIRECT) == 0;
    kill(w.pid, SIGSTOP);
    waitpid(w.pid, NULL, WUNTRACED);
    for (size_t i = 0; i < PLACES; i++) right &= write_all(w.out, million + i * SIZE, SIZE);
    kill(w.pid, SIGCONT);
    while (right && got < PLACES * SIZE) {
        unsigned char type, *fragment;
        long const n = receive(&w, &type, &fragment);
        right = n > 0 && type == KTLS_APPLICATION_DATA && !memcmp(fragment, million + got, (size_t)n);
        got += right ? (size_t)n : 0;
    }
    ok(right, "%s: nothing of a full pipe stays behind until there is more", suite->name);
    end(&w.out);
    shutdown(w.to_relay, SHUT_WR);
    check_report(&w, 0, "", "a full pipe");
}

/* An error is a minor one when nothing is left to send and nobody is there to deliver to. */
static void minor_errors(struct crypto_suite const *suite)
{
    for (int reads = 0; reads < 2; reads++) {
        struct wire w;
        start(&w, suite, (struct options){ .farewell = RELAY_FAREWELL_ALWAYS });
        if (!reads) end(&w.in);
        end(&w.out);
        ok(receives_alert(&w, 1, TLS_CLOSE_NOTIFY) && receives_end(&w), "%s: the end of prog's output", suite->name);
        write_all(w.to_relay, "\x17\3\3\0\x40half", 9);
        shutdown(w.to_relay, SHUT_WR);
        check_report(&w, 98, "middle of a record", "a truncated record after the end of prog's output");
        ok(w.report.minor == !reads, "%s: it is %sminor, as prog %s", suite->name, reads ? "not " : "",
           reads ? "reads" : "is gone");
    }
}

static void fatal_alert(struct crypto_suite const *suite)
{
    struct wire w;
    start(&w, suite, (struct options){ .client = 1 });
    send_data(&w, "data");
    send_record(&w, KTLS_ALERT, "\2\x28", 2);
    ok(prog_reads(&w, "data") && prog_reads_end(&w), "%s: after a fatal alert prog has what came before",
       suite->name);
    ok(receives_end(&w), "%s: a fatal alert is not answered", suite->name);
    check_report(&w, 98, "received alert handshake_failure", "fatal alert");
    ok(!w.report.minor, "it is not a minor one");
}

static void peer_stops_reading(struct crypto_suite const *suite)
{
    struct wire w;
    start(&w, suite, (struct options){ .over_tcp = 1 });
    close_notify(&w);
    end(&w.to_relay);
    w.from_relay = -1;
    ok(prog_reads_end(&w), "%s: end of file from a peer that is gone", suite->name);
    while (write(w.out, million, 10000) > 0) continue;
    ok(errno == EPIPE, "%s: prog cannot write to it for ever", suite->name);
    check_report(&w, 98, "writing to the network", "peer stops reading");
    ok(w.report.minor, "it is a minor one");
}

static void key_updates(struct crypto_suite const *suite)
{
    static unsigned char const answer[5] = { 24, 0, 0, 1, 0 };
    struct wire w;
    int right = 1;
    if (in_kernel() && !ktls_can_rekey((uint16_t)suite->cipher)) {
        refuses(suite, 0, KTLS_HANDSHAKE, "\30\0\0\1\0", 5, TLS_INTERNAL_ERROR, "KeyUpdate on an old kernel");
        return;
    }
    start(&w, suite, (struct options){ .client = 1 });
    for (int i = 0; i < 100; i++) {
        unsigned char const request[5] = { 24, 0, 0, 1, (unsigned char)(i % 3 == 0) };
        if (i % 2) {
            send_record(&w, KTLS_HANDSHAKE, request, 2);
            send_record(&w, KTLS_HANDSHAKE, request + 2, 3);
        } else {
            send_record(&w, KTLS_HANDSHAKE, request, 5);
        }
        crypto_next_keys(suite, w.keys.tx_secret, &w.keys.tx);
        send_data(&w, "after");
        right &= prog_reads(&w, "after") && write_all(w.out, "reply", 5);
        if (request[4]) {
            right &= receives(&w, KTLS_HANDSHAKE, answer, 5);
            crypto_next_keys(suite, w.keys.rx_secret, &w.keys.rx);
        }
        right &= receives(&w, KTLS_APPLICATION_DATA, "reply", 5);
    }
    ok(right, "%s: 100 KeyUpdates", suite->name);
    for (int i = 0; i < 10; i++) {
        send_record(&w, KTLS_HANDSHAKE, "\30\0\0\1\1", 5);
        crypto_next_keys(suite, w.keys.tx_secret, &w.keys.tx);
        send_data(&w, "more");
        right &= prog_reads(&w, "more");
    }
    right &= write_all(w.out, "reply", 5) && receives(&w, KTLS_HANDSHAKE, answer, 5);
    crypto_next_keys(suite, w.keys.rx_secret, &w.keys.rx);
    ok(right && receives(&w, KTLS_APPLICATION_DATA, "reply", 5),
       "%s: ten requests while we are silent get one answer", suite->name);
    end(&w.out);
    close_notify(&w);
    check_report(&w, 0, "", "KeyUpdates");
    refuses(suite, 0, KTLS_HANDSHAKE, "\30\0\0\1\2", 5, TLS_ILLEGAL_PARAMETER, "KeyUpdate 2");
    refuses(suite, 0, KTLS_HANDSHAKE, "\30\0\0\2\0\0", 6, TLS_DECODE_ERROR, "KeyUpdate of two bytes");
    refuses(suite, 0, KTLS_HANDSHAKE, "\30\0\0\0", 4, TLS_DECODE_ERROR, "KeyUpdate of no byte");
    refuses(suite, 0, KTLS_HANDSHAKE, "\30\0\0\1\0\30", 6, TLS_UNEXPECTED_MESSAGE, "bytes behind KeyUpdate");
}

/* RFC 8446, 5.5: before a key is worn out. */
static void own_key_updates(struct crypto_suite const *suite)
{
    static unsigned char const update[5] = { 24, 0, 0, 1, 0 };
    unsigned int updates = 0;
    size_t got = 0;
    struct wire w;
    start(&w, suite, (struct options){ .max_records = 100 });
    if (!fork()) _exit(!write_all(w.out, million, MILLION) || !write_all(w.out, million, MILLION));
    for (unsigned char type, *fragment; got < 2 * MILLION;) {
        long const n = receive(&w, &type, &fragment);
        if (n < 0) break;
        if (type == KTLS_HANDSHAKE && n == 5 && !memcmp(fragment, update, 5)) {
            crypto_next_keys(suite, w.keys.rx_secret, &w.keys.rx);
            updates++;
        } else if (type == KTLS_APPLICATION_DATA) {
            for (long i = 0; i < n; i++, got++)
                if (fragment[i] != million[got % MILLION]) got = 3 * MILLION;
        }
    }
    ok(got == 2 * MILLION && updates, "%s: %u KeyUpdates of our own", suite->name, updates);
    end(&w.out);
    close_notify(&w);
    check_report(&w, 0, "", "our own KeyUpdates");
}

static void without_secrets(struct crypto_suite const *suite)
{
    struct wire w;
    start(&w, suite, (struct options){ .without_secrets = 1 });
    send_data(&w, "data");
    ok(prog_reads(&w, "data") && write_all(w.out, "reply", 5) && receives(&w, KTLS_APPLICATION_DATA, "reply", 5),
       "%s: a kTLS socket of unknown origin", suite->name);
    send_record(&w, KTLS_HANDSHAKE, "\30\0\0\1\0", 5);
    check_refusal(&w, TLS_INTERNAL_ERROR, "KeyUpdate, and no secrets");
}

static void tickets(struct crypto_suite const *suite)
{
    unsigned char two[2 * 104], ticket[SHORTEST_TICKET];
    struct wire w;
    make_ticket(two, 104);
    make_ticket(two + 104, 104);
    start(&w, suite, (struct options){ .client = 1 });
    send_record(&w, KTLS_HANDSHAKE, two, sizeof two);
    send_record(&w, KTLS_HANDSHAKE, two, 2);
    send_record(&w, KTLS_HANDSHAKE, two + 2, 52);
    send_record(&w, KTLS_HANDSHAKE, two + 54, 50);
    send_record(&w, KTLS_ALERT, "\1\x5a", 2);
    send_data(&w, "data");
    ok(prog_reads(&w, "data"), "%s: tickets are passed over, whole and in pieces", suite->name);
    send_record(&w, KTLS_HANDSHAKE, two, 50);
    send_data(&w, "data");
    check_refusal(&w, TLS_UNEXPECTED_MESSAGE, "data in the middle of a ticket");
    refuses(suite, 0, KTLS_HANDSHAKE, two, 104, TLS_UNEXPECTED_MESSAGE, "a ticket from a client");
    refuses(suite, 1, KTLS_HANDSHAKE, "\4\2\2\1", 4, TLS_DECODE_ERROR, "a ticket that is too long");
    make_ticket(ticket, sizeof ticket);
    ticket[14] = 2;
    refuses(suite, 1, KTLS_HANDSHAKE, ticket, sizeof ticket, TLS_DECODE_ERROR, "a malformed ticket");
    make_ticket(ticket, sizeof ticket);
    ticket[4] = 1;
    refuses(suite, 1, KTLS_HANDSHAKE, ticket, sizeof ticket, TLS_ILLEGAL_PARAMETER, "a ticket for 194 days");
}

static void renegotiation(struct crypto_suite const *suite)
{
    for (int client = 0; client < 2; client++) {
        unsigned char hello[104] = { (unsigned char)!client, 0, 0, client ? 0 : 100 };
        struct wire w;
        start(&w, suite, (struct options){ .client = (unsigned char)client });
        send_record(&w, KTLS_HANDSHAKE, hello, client ? 4 : 104);
        ok(receives_alert(&w, 1, TLS_NO_RENEGOTIATION), "%s: no renegotiation", suite->name);
        send_record(&w, KTLS_ALERT, "\1\x64", 2);
        send_data(&w, "data");
        ok(prog_reads(&w, "data"), "%s: and the connection goes on", suite->name);
        close_notify(&w);
        end(&w.out);
        check_report(&w, 0, "", "renegotiation");
    }
}

int main(void)
{
    struct crypto_suite const *tls13 = crypto_suite_by_id(0x1301), *tls12 = crypto_suite_by_id(0xc02b);
    struct crypto_suite const *const one_of_each[] = { tls13, tls12, crypto_suite_by_id(0x1303) };
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < MILLION; i++) million[i] = (unsigned char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < CRYPTO_SUITES; i++) {
        struct crypto_suite const *suite = &crypto_suites[i];
        both_ways(suite, (struct options){ .farewell = (unsigned char)(i % 3) }, "socket");
        if (!in_kernel()) both_ways(suite, (struct options){ .farewell = (unsigned char)(i % 3), .over_pipes = 1 }, "pipes");
        both_ways(suite, (struct options){ .farewell = (unsigned char)(i % 3), .prog_has_a_socket = 1 }, "prog's socket");
    }
    for (size_t i = 0; i < 3; i++) {
        prog_stops_reading(one_of_each[i]);
        slow_prog(one_of_each[i]);
        ends_of_the_peer(one_of_each[i]);
        reset(one_of_each[i]);
        refusals(one_of_each[i]);
        long_records(one_of_each[i]);
        lengths_in_headers(one_of_each[i]);
        data_before_a_refusal(one_of_each[i], (struct options){ .client = 0 });
        data_before_a_refusal(one_of_each[i], (struct options){ .prog_has_a_socket = 1 });
        record_in_parts(one_of_each[i]);
        full_pipe(one_of_each[i]);
        fatal_alert(one_of_each[i]);
        minor_errors(one_of_each[i]);
        peer_stops_reading(one_of_each[i]);
    }
    key_updates(tls13);
    key_updates(crypto_suite_by_id(0x1302));
    tickets(tls13);
    renegotiation(tls12);
    if (!in_kernel()) endless_peer(tls13);
    if (!in_kernel() || ktls_can_rekey((uint16_t)tls13->cipher)) own_key_updates(tls13);
    if (in_kernel()) without_secrets(tls13);
    return done_testing();
}
