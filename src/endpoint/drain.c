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
#include <string.h>
#include <sys/socket.h>

#include "endpoint/endpoint.h"
#include "ktls/after.h"

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
    struct endpoint_connection const *connection;
    struct after_message message;
    int two_rtt_ms;
    int records;             /* taken */
    int left_ms;             /* of our patience */
    int slices;              /* waited, in all */
    uint64_t bytes_received; /* when we looked last */
    unsigned char has_begun;  /* the server sends something */
    unsigned char is_partial; /* readable without a whole record: older kernels say so */
    unsigned char failed;
    struct program_error *error;
};

/* The first reason counts. */
static int fail_drain(struct drain *drain, char const *what, char const *detail)
{
    if (!drain->failed) program_fail(drain->error, EXIT_TLS, "waiting for tickets: %s%s", what, detail);
    drain->failed = drain->error->is_about_peer = 1;
    return 0;
}

/* The same, and the peer is told. */
static int refuse_record(struct drain *drain, enum tls_alert alert, char const *what, char const *detail)
{
    ktls_send_alert(drain->connection->fdw, (unsigned char)alert);
    return fail_drain(drain, what, detail);
}

static int fail_read(struct drain *drain)
{
    switch (errno) {
    case EBADMSG: return refuse_record(drain, TLS_BAD_RECORD_MAC, "a record that does not authenticate", "");
    case EMSGSIZE: return refuse_record(drain, TLS_RECORD_OVERFLOW, "a record that is too long", "");
    case EINVAL: return refuse_record(drain, TLS_PROTOCOL_VERSION, "bytes that are not a TLS record", "");
    default: return fail_drain(drain, strerror(errno), "");
    }
}

/* Since the last thing that happened: our Finished has to get there, the
   tickets back here. */
static int patience_ms(struct drain const *drain)
{
    if (after_is_open(&drain->message)) return HALF_TICKET_MS;
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

static int is_drain_late(struct drain const *drain)
{
    int64_t const deadline = drain->connection->deadline;
    return drain->slices >= MAX_SLICES || (deadline && tls_deadline_after(1) > deadline);
}

/* Too late for more. A server that has sent nothing has no tickets; of one that
   is sending, the rest would reach prog. */
static int end_in_time(struct drain *drain)
{
    return drain->has_begun || drain->records ? fail_drain(drain, "timed out", "") : 0;
}

static void note_slice(struct drain *drain)
{
    int const more = has_received_more(drain);
    if (more) drain->has_begun = 1;
    drain->left_ms = more ? patience_ms(drain) : drain->left_ms - SLICE_MS;
    drain->slices++;
}

/* 0: nothing came in time. Time is taken in slices: however long the machine
   held us and the network up, one slice is lost. */
static int wait_for_record(struct drain *drain)
{
    struct pollfd p = { .fd = drain->connection->fdr, .events = POLLIN };
    while (drain->left_ms > 0) {
        if (is_drain_late(drain)) return end_in_time(drain);
        acknowledge(drain);
        int const r = poll(&p, !drain->is_partial, SLICE_MS);
        if (r < 0 && errno != EINTR) return fail_read(drain);
        if (r <= 0) note_slice(drain);
        if (r > 0 || drain->is_partial) {
            drain->is_partial = 1;
            return 1;
        }
    }
    return 0;
}

/* 0: nothing is there. The record stays where it is. */
static int next_type(struct drain *drain, unsigned char *type, int *empty)
{
    unsigned char byte;
    drain->left_ms = patience_ms(drain);
    drain->is_partial = 0;
    for (;;) {
        ssize_t const r = ktls_recv_record(drain->connection->fdr, type, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        *empty = !r;
        if (r >= 0) return 1;
        if (errno == EINTR) continue;
        /* It took the middle of a ticket for a KeyUpdate. */
        if (errno == EKEYEXPIRED && ktls_reinstall(drain->connection->fdr, KTLS_RX) == 0) continue;
        if (errno != EAGAIN) return fail_read(drain);
        if (!wait_for_record(drain)) return 0;
    }
}

/* -1: it could not be taken. */
static ssize_t read_record(struct drain *drain, unsigned char *type, unsigned char *buf, size_t max)
{
    for (;;) {
        ssize_t const r = ktls_recv_record(drain->connection->fdr, type, buf, max, 0);
        if (r >= 0) return r;
        if (errno == EINTR) continue;
        fail_read(drain);
        return -1;
    }
}

/* prog's first read will be the end of the stream, be there a FIN or not. */
static int end_stream(struct drain *drain)
{
    shutdown(drain->connection->fdr, SHUT_RD);
    return 0;
}

/* 1: the next may be one to take, too. 0: no, or it was wrong. */
static int take_ticket(struct drain *drain)
{
    unsigned char type, record[16384];
    ssize_t const len = read_record(drain, &type, record, sizeof record);
    if (len < 0) return 0;

    struct after_verdict const verdict =
        ktls_after_handshake(&drain->message, TLS_1_3, KTLS_CLIENT, type, record, (size_t)len);
    switch (verdict.event) {
    case AFTER_CLOSED: return end_stream(drain);
    case AFTER_ABORTED: return fail_drain(drain, "received alert ", tls_alert_name(verdict.alert));
    case AFTER_ERROR: return refuse_record(drain, verdict.alert, "the server sent ", verdict.reason);
    case AFTER_KEY_UPDATE:
        return refuse_record(drain, TLS_INTERNAL_ERROR,
                             "the server changes its keys, which a bare socket cannot follow", "");
    default: break;
    }
    return 1;
}

static int check_whole(struct drain *drain)
{
    return !after_is_open(&drain->message)
           || refuse_record(drain, TLS_UNEXPECTED_MESSAGE, "the server sent only a part of a ticket", "");
}

/* To prog an empty record would look like the end of the stream. */
static int is_for_prog(unsigned char type, int empty)
{
    return type == END_OF_STREAM || (type == KTLS_APPLICATION_DATA && !empty);
}

int endpoint_drain_tickets(struct endpoint_connection const *connection, unsigned int rtt_ms,
                           struct program_error *error)
{
    struct drain drain = { .connection = connection, .error = error };
    unsigned char type = END_OF_STREAM;
    int empty;
    drain.two_rtt_ms = rtt_ms < MAX_WAIT_MS ? (int)(2 * rtt_ms) : MAX_WAIT_MS;
    has_received_more(&drain);
    while (!drain.failed && next_type(&drain, &type, &empty) && !is_for_prog(type, empty) && take_ticket(&drain))
        if (++drain.records == MAX_RECORDS) fail_drain(&drain, "too many records without data", "");
    if (!drain.failed) check_whole(&drain);
    if (drain.failed) endpoint_cut(connection);
    return !drain.failed;
}
