/* ISC license. */

/*
 * A TLS 1.3 server may send tickets as soon as it has our Finished, and many
 * do unasked. To a plain read they are errors, so they are taken away before
 * prog sees the socket. The kernel shows the type of the next record.
 */

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"
#include "ktls/messages.h"

/* Beyond two round trips: what a busy server needs to make its first ticket,
   and between two of them. */
#define FIRST_TICKET_MS 100
#define NEXT_TICKET_MS 20
#define MAX_WAIT_MS 500
#define HALF_TICKET_MS 5000 /* for the rest of one that has begun */
#define SLICE_MS 10
#define MAX_SLICES 3000
#define MAX_RECORDS 256
#define END_OF_STREAM 0 /* among the types of ktls_recv_record */

struct drain {
    struct chain_connection const *connection;
    struct message_reader message;
    int two_rtt_ms;
    int records;             /* taken */
    int slices;              /* waited, in all */
    uint64_t bytes_received; /* when we looked last */
    unsigned char failed;
    char *why;
};

/* The first reason counts. */
static int fail(struct drain *drain, char const *what, char const *detail)
{
    if (!drain->failed) snprintf(drain->why, CHAIN_DRAIN_WHY, "%s%s", what, detail);
    drain->failed = 1;
    return 0;
}

static int fail_system(struct drain *drain)
{
    int const is_tls = errno == EBADMSG || errno == EINVAL || errno == EMSGSIZE;
    return fail(drain, is_tls ? "a record that does not authenticate" : strerror(errno), "");
}

/* Since the last thing that happened: our Finished has to get there, the
   tickets back here. */
static int patience_ms(struct drain const *drain)
{
    if (message_is_open(&drain->message)) return HALF_TICKET_MS;
    int const ms = drain->two_rtt_ms + (drain->records ? NEXT_TICKET_MS : FIRST_TICKET_MS);
    return ms < MAX_WAIT_MS ? ms : MAX_WAIT_MS;
}

/* A server that writes ticket by ticket may hold the second back until it has
   our acknowledgement of the first (RFC 896): do not delay that. */
static void acknowledge(struct drain const *drain)
{
    int const on = 1;
    setsockopt(drain->connection->fdr, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* A piece of a record cannot be read yet, but it has happened. */
static int has_received_more(struct drain *drain)
{
    struct tcp_info info = { .tcpi_bytes_received = 0 };
    socklen_t len = sizeof info;
    if (getsockopt(drain->connection->fdr, IPPROTO_TCP, TCP_INFO, &info, &len) < 0) return 0;
    if (info.tcpi_bytes_received == drain->bytes_received) return 0;
    drain->bytes_received = info.tcpi_bytes_received;
    return 1;
}

/* 0: nothing came in time. Time is taken in slices: however long the machine
   held us and the network up, one slice is lost. */
static int wait_for_record(struct drain *drain)
{
    struct pollfd p = { .fd = drain->connection->fdr, .events = POLLIN };
    int const patience = patience_ms(drain);
    for (int left = patience; left > 0 && drain->slices < MAX_SLICES; drain->slices++) {
        acknowledge(drain);
        int const r = poll(&p, 1, SLICE_MS);
        if (r > 0) return 1;
        if (r < 0 && errno != EINTR) return fail_system(drain);
        left = has_received_more(drain) ? patience : left - SLICE_MS;
    }
    return 0;
}

/* 0: nothing is there. The record stays where it is. */
static int next_type(struct drain *drain, unsigned char *type, int *empty)
{
    unsigned char byte;
    for (;;) {
        ssize_t const r = ktls_recv_record(drain->connection->fdr, type, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        *empty = !r;
        if (r >= 0) return 1;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return fail_system(drain);
        if (!wait_for_record(drain)) return 0;
    }
}

/* Its length; 0 also when it could not be taken. */
static size_t take_record(struct drain *drain, unsigned char *buf, size_t max)
{
    unsigned char type;
    for (;;) {
        ssize_t const r = ktls_recv_record(drain->connection->fdr, &type, buf, max, 0);
        if (r >= 0) return (size_t)r;
        if (errno != EINTR) return (size_t)fail_system(drain);
    }
}

static int check_message(struct drain *drain)
{
    struct message_reader const *message = &drain->message;
    if (message->header[0] == KEY_UPDATE)
        return fail(drain, "the server changes its keys, which a bare socket cannot follow", "");
    if (message->header[0] != NEW_SESSION_TICKET || message->len > MAX_TICKET_MESSAGE)
        return fail(drain, "the server sent an unexpected handshake message", "");
    return 1;
}

static int take_handshake(struct drain *drain)
{
    unsigned char record[16384];
    unsigned char const *bytes = record;
    size_t len = take_record(drain, record, sizeof record);
    if (!len) return fail(drain, "the server sent an empty handshake record", "");
    for (;;) {
        enum message_event const event = message_next(&drain->message, &bytes, &len);
        if (event == MESSAGE_MORE) return 1;
        if (event == MESSAGE_BEGUN && !check_message(drain)) return 0;
    }
}

/* prog's first read will be the end of the stream, be there a FIN or not. */
static int take_alert(struct drain *drain)
{
    unsigned char alert[2];
    if (take_record(drain, alert, sizeof alert) != 2)
        return fail(drain, "the server sent a malformed alert", "");
    if (alert[1] != TLS_CLOSE_NOTIFY) return fail(drain, "received alert ", tls_alert_name(alert[1]));
    shutdown(drain->connection->fdr, SHUT_RD);
    return 1;
}

/* To prog an empty record would look like the end of the stream. */
static int take_empty_record(struct drain *drain)
{
    unsigned char nothing;
    take_record(drain, &nothing, 0);
    return !drain->failed;
}

static int check_whole(struct drain *drain)
{
    return !message_is_open(&drain->message) || fail(drain, "the server sent half a ticket", "");
}

/* 1: the next may be one to take, too. 0: no, or it was wrong. */
static int take(struct drain *drain, unsigned char type, int empty)
{
    if (type == KTLS_HANDSHAKE) return take_handshake(drain);
    if (!check_whole(drain)) return 0;
    if (type == KTLS_APPLICATION_DATA && empty) return take_empty_record(drain);
    if (type == KTLS_APPLICATION_DATA || type == END_OF_STREAM) return 0;
    if (type == KTLS_ALERT) take_alert(drain);
    else fail(drain, "the server sent a record of an unexpected type", "");
    return 0;
}

int chain_drain_tickets(struct chain_connection const *connection, unsigned int rtt_ms,
                        char why[CHAIN_DRAIN_WHY])
{
    struct drain drain = { .connection = connection, .why = why };
    unsigned char type;
    int empty;
    drain.two_rtt_ms = rtt_ms < MAX_WAIT_MS ? (int)(2 * rtt_ms) : MAX_WAIT_MS;
    while (!drain.failed && next_type(&drain, &type, &empty) && take(&drain, type, empty))
        if (++drain.records == MAX_RECORDS) fail(&drain, "the server sends no end of them", "");
    check_whole(&drain);
    if (drain.failed) chain_cut_connection(connection);
    return !drain.failed;
}

void chain_drain_or_die(struct chain_input const *input, struct chain_connection const *connection,
                        unsigned int rtt_ms)
{
    char why[CHAIN_DRAIN_WHY];
    if (chain_is_apart(input))
        chain_drain_apart(input, connection, rtt_ms);
    else if (!chain_drain_tickets(connection, rtt_ms, why)) strerr_dief(EXIT_TLS, "waiting for tickets: ", why);
}
