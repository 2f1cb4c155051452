/* ISC license. */

/* The server hands out tickets: after a handshake of TLS 1.3 (RFC 8446, 4.6.1), and in one of TLS 1.2 (RFC
   5077, 3.3). Our client asks for none in 1.2: its hello is changed, and it reads neither the extension of
   ServerHello nor NewSessionTicket, which are in its transcript all the same. Uses $KTLS_PKI. */

#include "edited_hello.h"
#include "tls/v13/v13.h"

#define DAY 86400u

static struct tls_ticket_keys ticket_keys = { .count = 1, .key = { { 1, 2, 3 } } };

/* ---- TLS 1.3 ---- */

static struct {
    unsigned char bytes[512], type;
    struct span message;
    unsigned char psk[CRYPTO_MAX_HASH];
} given;

static int read_from(struct tls_transport const *transport, unsigned char *to, size_t len)
{
    while (len) {
        ssize_t const r = transport->read(transport->ctx, to, len);
        if (r <= 0) return 0;
        to += r;
        len -= (size_t)r;
    }
    return 1;
}

/* 0: the connection ended. */
static int read_protected(struct handshake *hs, struct tls_transport const *transport)
{
    unsigned char *fragment;
    if (!read_from(transport, given.bytes, TLS_RECORD_HEADER)) return 0;
    size_t const len = (size_t)given.bytes[3] << 8 | given.bytes[4];
    unsigned char *const sealed = given.bytes + TLS_RECORD_HEADER;
    if (len > sizeof given.bytes - TLS_RECORD_HEADER || !read_from(transport, sealed, len)) return 0;
    long const n = crypto_open_record(&hs->rx, given.bytes, sealed, len, &given.type, &fragment);
    given.message = (struct span){ fragment, n < 0 ? 0 : (size_t)n };
    return n >= 0;
}

static int run_reading_client(struct side *side, struct tls_transport const *transport)
{
    static unsigned char const nonce = 0;
    struct handshake *hs = tls_handshake_new(&side->config, transport, &side->session, &side->error);
    if (!hs) abort();
    int const done = tls_client_send_hello(hs) && tls_client_after_hello(hs);
    if (done) {
        tls_handshake_fill_session(hs);
        tls_schedule_resumption(hs, &nonce, sizeof nonce, given.psk);
        if (!read_protected(hs, transport)) given.message.len = 0;
    }
    tls_handshake_free(hs);
    return done;
}

/* The end of the server's side of the connection is the end of what the client waits for. */
static int run_ending_server(struct side *side, struct tls_transport const *transport)
{
    int const done = tls_server_handshake(&side->config, transport, &side->session, &side->error);
    shutdown(side->fd, SHUT_WR);
    return done;
}

/* ---- TLS 1.2 ---- */

static struct {
    struct tls_transport below;
    struct handshake *hs;
    unsigned char record[2 * TLS_RECORD_HEADER + TLS_MAX_FRAGMENT + 256];
    size_t at, end;
    size_t hello_end; /* of a record with a changed ServerHello in front */
    unsigned char hello[256]; /* as it was sent */
    size_t hello_len;
    unsigned int promises; /* session_ticket in ServerHello */
    unsigned char ticket[256]; /* the whole message */
    size_t len;
    unsigned int count;
    unsigned char master[TLS_MAX_SECRET];
} taker;

static int read_record(void)
{
    if (!read_from(&taker.below, taker.record, TLS_RECORD_HEADER)) return 0;
    size_t const len = (size_t)taker.record[3] << 8 | taker.record[4];
    if (TLS_RECORD_HEADER + len > sizeof taker.record) return 0;
    taker.at = 0;
    taker.end = TLS_RECORD_HEADER + len;
    return read_from(&taker.below, taker.record + TLS_RECORD_HEADER, len);
}

static int is_ticket(void)
{
    return taker.record[0] == KTLS_HANDSHAKE && taker.record[TLS_RECORD_HEADER] == TLS_NEW_SESSION_TICKET;
}

static void put_header(unsigned char *to, size_t len)
{
    to[0] = KTLS_HANDSHAKE;
    to[1] = to[2] = 3;
    to[3] = (unsigned char)(len >> 8);
    to[4] = (unsigned char)len;
}

/* Gives ServerHello a record of its own, without session_ticket. */
static void split_hello(void)
{
    static unsigned char const promise[] = { 0, 35, 0, 0 };
    unsigned char *const hello = taker.record + TLS_RECORD_HEADER;
    size_t const len = 4u + (size_t)(hello[2] << 8 | hello[3]), rest = taker.end - TLS_RECORD_HEADER - len;
    if (len > sizeof taker.hello) abort();
    memcpy(taker.hello, hello, len);
    taker.hello_len = len;
    size_t const block = 4u + 2 + 32 + 1 + hello[38] + 3;
    unsigned char *const found = memmem(hello + block, len - block, promise, sizeof promise);
    size_t const cut = found ? sizeof promise : 0;
    taker.promises += found != NULL;
    if (found) memmove(found, found + cut, (size_t)(hello + len - found) - cut);
    hello[3] = (unsigned char)(hello[3] - cut);
    hello[block + 1] = (unsigned char)(hello[block + 1] - cut);
    taker.hello_end = TLS_RECORD_HEADER + len - cut;
    memmove(hello + len - cut + TLS_RECORD_HEADER, hello + len, rest);
    put_header(taker.record, len - cut);
    put_header(taker.record + taker.hello_end, rest);
    taker.end = taker.hello_end + TLS_RECORD_HEADER + rest;
}

static void restore_transcript(void)
{
    crypto_transcript_init(&taker.hs->transcript);
    crypto_transcript_add(&taker.hs->transcript, taker.hs->hello, taker.hs->hello_len);
    crypto_transcript_add(&taker.hs->transcript, taker.hello, taker.hello_len);
    taker.hello_end = 0;
}

static void take_ticket(void)
{
    taker.len = taker.end - TLS_RECORD_HEADER;
    if (taker.len > sizeof taker.ticket) abort();
    memcpy(taker.ticket, taker.record + TLS_RECORD_HEADER, taker.len);
    crypto_transcript_add(&taker.hs->transcript, taker.ticket, taker.len);
    taker.at = taker.end;
    taker.count++;
}

static ssize_t read_without_ticket(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    while (taker.at == taker.end) {
        if (!read_record()) return 0;
        if (is_ticket()) take_ticket();
        else if (taker.record[0] == KTLS_HANDSHAKE && taker.record[TLS_RECORD_HEADER] == TLS_SERVER_HELLO) split_hello();
    }
    if (taker.hello_end && taker.at == taker.hello_end) restore_transcript();
    size_t const end = taker.hello_end ? taker.hello_end : taker.end;
    if (len > end - taker.at) len = end - taker.at;
    memcpy(buf, taker.record + taker.at, len);
    taker.at += len;
    return (ssize_t)len;
}

static ssize_t write_on(void *ctx, void const *buf, size_t len)
{
    (void)ctx;
    return taker.below.write(taker.below.ctx, buf, len);
}

/* session_ticket in the place of ec_point_formats, with a ticket of two bytes that opens with no key. */
static void ask_for_ticket(struct handshake *hs)
{
    static unsigned char const formats[] = { 0, 11, 0, 2, 1, 0 };
    size_t at = block_at(hs);
    while (memcmp(hs->stage.p + at, formats, sizeof formats)) at++;
    hs->stage.p[at + 1] = 35;
    replace_hello(hs, hs->stage.len);
}

static int run_taking_client(struct side *side, struct tls_transport const *transport)
{
    struct tls_transport const filter = { read_without_ticket, write_on, NULL };
    memset(&taker, 0, sizeof taker);
    taker.below = *transport;
    taker.hs = tls_handshake_new(&side->config, &filter, &side->session, &side->error);
    if (!taker.hs || !tls_write_client_hello(taker.hs, (struct span){ 0 })) abort();
    ask_for_ticket(taker.hs);
    int const done = tls_flush_flight(taker.hs) && tls_client_after_hello(taker.hs);
    memcpy(taker.master, taker.hs->secret.master, sizeof taker.hs->secret.master);
    if (done) tls_handshake_fill_session(taker.hs);
    tls_handshake_free(taker.hs);
    return done;
}

/* ---- both ---- */

static void begin(void)
{
    loopback_reset();
    only_version(&client.config, TLS_1_2);
    client.run = run_taking_client;
    server.config.ticket_keys = &ticket_keys;
}

/* What a server with these keys finds in it. */
static int opens(struct span sealed, struct ticket *ticket)
{
    struct tls_session session;
    struct tls_error error;
    struct handshake *hs =
        tls_handshake_new(&server.config, &(struct tls_transport){ NULL, NULL, NULL }, &session, &error);
    hs->suite = server.session.suite;
    hs->credential = server.config.credential[0];
    snprintf(session.server_name, sizeof session.server_name, "localhost");
    int const opened = tls_ticket_open(hs, sealed, ticket);
    tls_handshake_free(hs);
    return opened;
}

static void begin13(void)
{
    loopback_reset();
    memset(&given, 0, sizeof given);
    only_version(&client.config, TLS_1_3);
    client.config.ask_tickets = 1;
    client.run = run_reading_client;
    server.run = run_ending_server;
    server.config.ticket_keys = &ticket_keys;
}

static void ticket_of_13(void)
{
    struct ticket ticket = { .suite = NULL };
    begin13();
    loopback_run();
    if (!both_done("1.3, a client that wants a ticket")) return;
    struct reader r = tls_reader_on(given.message);
    unsigned int const type = tls_read8(&r);
    struct reader body = tls_reader_on(tls_read_vector24(&r));
    ok(given.type == KTLS_HANDSHAKE && type == TLS_NEW_SESSION_TICKET && tls_read_to_end(&r),
       "NewSessionTicket, alone in its record");
    unsigned int const high = tls_read16(&body), lifetime = high << 16 | tls_read16(&body);
    tls_read_bytes(&body, 4); /* ticket_age_add */
    struct span const nonce = tls_read_vector8(&body), sealed = tls_read_vector16(&body);
    struct span const extensions = tls_read_vector16(&body);
    ok(lifetime == DAY && nonce.len == 1 && !extensions.len && tls_read_to_end(&body), "good for a day");
    ok(opens(sealed, &ticket) && ticket.suite == client.session.suite, "it opens, to the suite");
    is_mem(ticket.secret, given.psk, tls_ticket_secret_size(ticket.suite), "and the PSK");
}

static void no_ticket_of_13(void)
{
    begin13();
    client.config.ask_tickets = 0;
    loopback_run();
    if (both_done("1.3, a client that wants none")) ok(!given.message.len, "no ticket");
    begin13();
    server.config.ticket_keys = NULL;
    loopback_run();
    if (both_done("1.3, a server without keys")) ok(!given.message.len, "no ticket");
    begin13();
    server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
    loopback_run();
    if (both_done("1.3, a server that asks for certificates")) ok(!given.message.len, "no ticket");
}

static void ticket_in_full_handshake(void)
{
    struct ticket ticket = { .suite = NULL };
    begin();
    loopback_run();
    if (!both_done("1.2, a client that wants a ticket")) return;
    ok(taker.promises == 1 && taker.count == 1, "session_ticket in ServerHello, and one NewSessionTicket");
    struct reader r = tls_reader_on((struct span){ taker.ticket, taker.len });
    unsigned int const type = tls_read8(&r);
    struct reader body = tls_reader_on(tls_read_vector24(&r));
    ok(type == TLS_NEW_SESSION_TICKET && tls_read_to_end(&r), "alone in its record");
    unsigned int const high = tls_read16(&body), lifetime = high << 16 | tls_read16(&body);
    struct span const sealed = tls_read_vector16(&body);
    ok(lifetime == DAY && tls_read_to_end(&body), "good for a day");
    ok(opens(sealed, &ticket) && ticket.suite == client.session.suite, "it opens, to the suite");
    is_mem(ticket.secret, taker.master, tls_ticket_secret_size(ticket.suite), "and the master secret");
}

static void no_ticket(void)
{
    begin();
    server.config.ticket_keys = NULL;
    loopback_run();
    if (both_done("1.2, a server without keys")) ok(!taker.promises && !taker.count, "no ticket");
    begin();
    server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
    loopback_run();
    if (both_done("1.2, a server that asks for certificates")) ok(!taker.promises && !taker.count, "no ticket");
}

int main(void)
{
    loopback_reset();
    ticket_of_13();
    no_ticket_of_13();
    ticket_in_full_handshake();
    no_ticket();
    return done_testing();
}
