/* ISC license. */

/*
 * Receives data only. Other records are peeked at, and read only when they do not end
 * the connection: so the next call finds the end of the stream and most errors again,
 * even when secrets is NULL.
 */

#include "ktls/ktls.h"

#include <errno.h>
#include <string.h>

#include "ktls/after.h"
#include "ktls/kernel.h"
#include "ktls/key_update.h"

#define MAX_RECORDS 64 /* without data in one call */
#define FLAGS (MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL)

/* Results of the functions below; a positive result is an errno. */
enum { GO_ON = 0, END_OF_STREAM = -1 };

_Static_assert(sizeof(struct after_message) <= sizeof((struct ktls_secrets *)0)->message,
               "the state of an incomplete message fits into struct ktls_secrets");

struct record {
    unsigned char type;
    size_t len;
    unsigned char bytes[TLS_MAX_FRAGMENT];
};

static int look(int fd, struct record *record)
{
    ssize_t const len =
        ktls_recv_record(fd, &record->type, record->bytes, sizeof record->bytes, MSG_PEEK | MSG_DONTWAIT);

    if (len < 0) return errno;
    record->len = (size_t)len;
    return GO_ON;
}

static int take(int fd, struct record *record)
{
    ssize_t const len =
        ktls_recv_record(fd, &record->type, record->bytes, sizeof record->bytes, MSG_DONTWAIT);

    return len < 0 ? errno : GO_ON;
}

/* Records the error that ends the connection, and the alert for the peer. */
static int fail(struct ktls_secrets *secrets, enum tls_alert alert, int error)
{
    if (secrets) secrets->alert = (unsigned char)alert;
    return error;
}

/* Does not wait for a peer that reads nothing: it gets its answer later. */
static int answer_key_update(int fd, struct ktls_secrets *secrets)
{
    int const error = ktls_send_key_update(fd, secrets, 0, MSG_DONTWAIT);

    if (error == EAGAIN) return GO_ON;
    secrets->answer_due = 0;
    if (error == EPIPE) return GO_ON; /* our stream has ended and needs no new keys */
    return error ? fail(secrets, TLS_INTERNAL_ERROR, error) : GO_ON;
}

static int follow_key_update(int fd, struct ktls_secrets *secrets, unsigned char requested)
{
    int const error = ktls_install_next(fd, KTLS_RX, secrets);

    if (error) return fail(secrets, TLS_INTERNAL_ERROR, error);
    if (requested) secrets->answer_due = 1;
    return GO_ON;
}

static int decline_renegotiation(int fd)
{
    static unsigned char const alert[2] = {TLS_WARNING, TLS_NO_RENEGOTIATION};

    ktls_send_record_flags(fd, KTLS_ALERT, alert, sizeof alert, MSG_DONTWAIT);
    return GO_ON;
}

/* 1 when the kernel waits for keys without a complete KeyUpdate, because it judges by the
   first byte of a handshake record. When the current keys cannot be installed again, the
   next call fails with EKEYEXPIRED. */
static int kernel_sees_key_update(struct record const *record, struct after_verdict const *verdict)
{
    return record->type == KTLS_HANDSHAKE && record->bytes[0] == TLS_KEY_UPDATE &&
           verdict->event != AFTER_KEY_UPDATE;
}

/* Reads a record that does not end the connection from the socket. */
static int take_judged(int fd, struct record *record, struct after_verdict const *verdict,
                       struct after_message const *message, struct ktls_secrets *secrets)
{
    if (!secrets && after_is_open(message)) return EMSGSIZE;
    if (verdict->event == AFTER_KEY_UPDATE && !(secrets && secrets->next))
        return fail(secrets, TLS_INTERNAL_ERROR, EKEYEXPIRED);
    int const error = take(fd, record);
    if (error) return error;

    if (kernel_sees_key_update(record, verdict)) ktls_reinstall(fd, KTLS_RX);
    if (secrets) memcpy(secrets->message, message, sizeof *message);
    if (verdict->event == AFTER_KEY_UPDATE) return follow_key_update(fd, secrets, verdict->update_requested);
    return verdict->event == AFTER_RENEGOTIATION ? decline_renegotiation(fd) : GO_ON;
}

static struct after_message message_of(struct ktls_secrets const *secrets)
{
    struct after_message message = {.have = 0};

    if (secrets) memcpy(&message, secrets->message, sizeof message);
    return message;
}

static int take_control(int fd, struct ktls_secrets *secrets)
{
    struct after_message message = message_of(secrets);
    struct record record;
    struct ktls_state state;
    int const error = look(fd, &record);

    if (error) return error;
    ktls_is(fd, &state);
    struct after_verdict const verdict =
        ktls_after_handshake(&message, state.version, secrets ? (enum ktls_role)secrets->role : KTLS_EITHER,
                             record.type, record.bytes, record.len);
    switch (verdict.event) {
    case AFTER_DATA: return GO_ON;
    case AFTER_CLOSED: return END_OF_STREAM;
    case AFTER_ABORTED: return ECONNABORTED;
    case AFTER_ERROR: return fail(secrets, verdict.alert, EPROTO);
    default: return take_judged(fd, &record, &verdict, &message, secrets);
    }
}

/* recv(2) has returned 0 because of FIN or an empty record. */
static int look_for_fin(int fd)
{
    unsigned char type, byte;
    ssize_t const len = ktls_recv_record(fd, &type, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);

    return len == 0 && type == 0 ? ENODATA : GO_ON;
}

/* The kernel reports this error once. Without the shutdown the next call would wait forever. */
static int end_at_no_record(int fd, struct ktls_secrets *secrets, enum tls_alert alert, int error)
{
    shutdown(fd, SHUT_RD);
    return fail(secrets, alert, error);
}

static int recv_error(int fd, struct ktls_secrets *secrets)
{
    switch (errno) {
    case EIO: return take_control(fd, secrets);
    case EBADMSG: return fail(secrets, TLS_BAD_RECORD_MAC, EBADMSG);
    case EINVAL: return end_at_no_record(fd, secrets, TLS_PROTOCOL_VERSION, EBADMSG);
    case EMSGSIZE: return end_at_no_record(fd, secrets, TLS_RECORD_OVERFLOW, EOVERFLOW);
    default: return errno;
    }
}

static int is_inside_message(struct ktls_secrets const *secrets)
{
    struct after_message const message = message_of(secrets);

    return after_is_open(&message);
}

/* Returns GO_ON with *got 0 after a record without data. */
static int recv_once(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets, ssize_t *got)
{
    *got = recv(fd, buf, len, flags);
    if (*got > 0) return is_inside_message(secrets) ? fail(secrets, TLS_UNEXPECTED_MESSAGE, EPROTO) : GO_ON;
    return *got < 0 ? recv_error(fd, secrets) : look_for_fin(fd);
}

static int is_final(int error)
{
    return error != EAGAIN && error != EINTR && error != EINVAL && error != ENOMEM;
}

static int recv_data(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets, ssize_t *got)
{
    int error = GO_ON;

    for (int i = 0; !error && *got <= 0 && i < MAX_RECORDS; i++)
        error = recv_once(fd, buf, len, flags, secrets, got);
    return error || *got > 0 ? error : EINTR;
}

static int may_still_send(int error)
{
    return !is_final(error) || error == END_OF_STREAM || error == ENODATA || error == GO_ON;
}

ssize_t ktls_recv(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets)
{
    int error = flags & ~FLAGS ? EINVAL : secrets ? secrets->error : GO_ON;
    ssize_t got = 0;

    if (!error && !len) return 0;
    if (!error) {
        error = recv_data(fd, buf, len, flags, secrets, &got);
        /* One answer to all requests, before the caller can send data (RFC 8446, 4.6.3). */
        int const unanswered = secrets && secrets->answer_due && may_still_send(error);
        int const failure = unanswered ? answer_key_update(fd, secrets) : GO_ON;
        if (failure) secrets->error = failure;
    }
    if (!error) return got;
    if (error == END_OF_STREAM) return 0;
    if (secrets && is_final(error)) secrets->error = error;
    errno = error;
    return -1;
}

ssize_t ktls_read(int fd, void *buf, size_t len)
{
    return ktls_recv(fd, buf, len, 0, NULL);
}
