/* ISC license. */

/*
 * Data only. What else the peer sends is looked at while it is still in the
 * socket, and taken when it needs no further attention: so the end of the stream
 * and most errors are there again for the next call, without memory of ours.
 */

#include "ktls/ktls.h"

#include <errno.h>
#include <string.h>

#include "ktls/kernel.h"
#include "ktls/key_update.h"
#include "ktls/messages.h"

#define MAX_RECORDS 64 /* without data in one call */
#define MAX_CLIENT_HELLO 65536
#define FLAGS (MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL)

/* What the functions below give; everything above 0 is an errno. */
enum { GO_ON = 0, END_OF_STREAM = -1 };

_Static_assert(sizeof(struct message_reader) == sizeof((struct ktls_secrets *)0)->message,
               "a message begun fits into the caller's memory");

struct record {
    unsigned char type;
    size_t len;
    unsigned char bytes[KTLS_MAX_FRAGMENT];
};

/* Of a handshake record. */
struct contents {
    struct message_reader message;
    unsigned char has_key_update, update_requested;
    unsigned char has_hello;
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

static int has_place(uint16_t version, struct message_reader const *message)
{
    unsigned char const type = message->header[0];

    if (version == KTLS_TLS_1_3)
        return (type == NEW_SESSION_TICKET && message->len <= MAX_TICKET_MESSAGE) ||
               (type == KEY_UPDATE && message->len == 1);
    return (type == HELLO_REQUEST && message->len == 0) ||
           (type == CLIENT_HELLO && message->len <= MAX_CLIENT_HELLO);
}

static int end_message(struct contents *contents, size_t left_in_record)
{
    switch (contents->message.header[0]) {
    case NEW_SESSION_TICKET: break;
    case KEY_UPDATE:
        if (contents->message.first > 1 || left_in_record) return EPROTO;
        contents->has_key_update = 1;
        contents->update_requested = contents->message.first;
        break;
    default: contents->has_hello = 1;
    }
    return GO_ON;
}

static int read_messages(struct contents *contents, uint16_t version, struct record const *record)
{
    unsigned char const *bytes = record->bytes;
    size_t left = record->len;
    int error = left ? GO_ON : EPROTO;

    while (!error) {
        switch (message_next(&contents->message, &bytes, &left)) {
        case MESSAGE_MORE: return GO_ON;
        case MESSAGE_BEGUN: error = has_place(version, &contents->message) ? GO_ON : EPROTO; break;
        case MESSAGE_ENDED: error = end_message(contents, left); break;
        }
    }
    return error;
}

/* A peer that reads nothing gets no answer now: it is not waited for. */
static int answer_key_update(int fd, struct ktls_secrets *secrets)
{
    int const error = ktls_send_key_update(fd, secrets, 0, MSG_DONTWAIT);

    if (error == EAGAIN) return GO_ON;
    secrets->answer_due = 0;
    return error == EPIPE ? GO_ON : error; /* we have ended our stream: no keys are needed */
}

static int follow_key_update(int fd, struct ktls_secrets *secrets, unsigned char requested)
{
    int const error = ktls_install_next(fd, KTLS_RX, secrets);

    if (!error && requested) secrets->answer_due = 1;
    return error;
}

static void decline_renegotiation(int fd)
{
    static unsigned char const alert[2] = {1 /* warning */, NO_RENEGOTIATION};

    ktls_send_record_flags(fd, KTLS_ALERT, alert, sizeof alert, MSG_DONTWAIT);
}

/* The kernel goes by the first byte, which was a KeyUpdate's beginning or none of
   its own. Where it could not, it says EKEYEXPIRED the next time. */
static void stop_waiting_for_keys(int fd)
{
    ktls_reinstall(fd, KTLS_RX);
}

static int take_handshake(int fd, uint16_t version, struct record *record, struct ktls_secrets *secrets)
{
    struct contents contents;

    memset(&contents, 0, sizeof contents);
    if (secrets) memcpy(&contents.message, secrets->message, sizeof secrets->message);
    int error = read_messages(&contents, version, record);
    if (!error && !secrets && message_is_open(&contents.message)) error = EMSGSIZE;
    if (!error && contents.has_key_update && !(secrets && secrets->next)) error = EKEYEXPIRED;
    if (!error) error = take(fd, record);
    if (error) return error;

    if (record->bytes[0] == KEY_UPDATE && !contents.has_key_update) stop_waiting_for_keys(fd);
    if (secrets) memcpy(secrets->message, &contents.message, sizeof secrets->message);
    if (contents.has_hello) decline_renegotiation(fd);
    return contents.has_key_update ? follow_key_update(fd, secrets, contents.update_requested) : GO_ON;
}

static int is_only_a_warning(uint16_t version, unsigned char const *alert)
{
    return version == KTLS_TLS_1_3 ? alert[1] == USER_CANCELED : alert[0] == 1;
}

static int take_alert(int fd, uint16_t version, struct record *record)
{
    if (record->len != 2) return EPROTO;
    if (record->bytes[1] == CLOSE_NOTIFY) return END_OF_STREAM;
    return is_only_a_warning(version, record->bytes) ? take(fd, record) : ECONNABORTED;
}

static int is_inside_message(struct ktls_secrets const *secrets)
{
    struct message_reader message;

    if (!secrets) return 0;
    memcpy(&message, secrets->message, sizeof message);
    return message_is_open(&message);
}

static int take_control(int fd, struct ktls_secrets *secrets)
{
    struct record record;
    struct ktls_state state;
    int error = look(fd, &record);

    if (error) return error;
    ktls_is(fd, &state);
    if (record.type == KTLS_HANDSHAKE) return take_handshake(fd, state.version, &record, secrets);
    if (record.type == KTLS_APPLICATION_DATA) return GO_ON;
    if (is_inside_message(secrets) || record.type != KTLS_ALERT) return EPROTO;
    return take_alert(fd, state.version, &record);
}

/* recv(2) gave nothing: FIN, or a record that is empty. */
static int look_for_fin(int fd)
{
    unsigned char type, byte;
    ssize_t const len = ktls_recv_record(fd, &type, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);

    return len == 0 && type == 0 ? ENODATA : GO_ON;
}

/* The kernel says it once and then waits for ever. */
static int end_at_no_record(int fd)
{
    shutdown(fd, SHUT_RD);
    return EBADMSG;
}

static int recv_error(int fd, struct ktls_secrets *secrets)
{
    switch (errno) {
    case EIO: return take_control(fd, secrets);
    case EINVAL:
    case EMSGSIZE: return end_at_no_record(fd);
    default: return errno;
    }
}

/* GO_ON with *got 0 when there was a record, but no data. */
static int recv_once(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets, ssize_t *got)
{
    int error = secrets && secrets->answer_due ? answer_key_update(fd, secrets) : GO_ON;

    if (error) return error;
    *got = recv(fd, buf, len, flags);
    if (*got > 0) return is_inside_message(secrets) ? EPROTO : GO_ON;
    return *got < 0 ? recv_error(fd, secrets) : look_for_fin(fd);
}

static int is_final(int error)
{
    return error != EAGAIN && error != EINTR && error != EINVAL && error != ENOMEM;
}

ssize_t ktls_recv(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets)
{
    int error = flags & ~FLAGS ? EINVAL : secrets ? secrets->error : GO_ON;
    ssize_t got = 0;

    for (int i = 0; !error && len && i < MAX_RECORDS; i++) {
        error = recv_once(fd, buf, len, flags, secrets, &got);
        if (!error && got > 0) return got;
    }
    if (error == END_OF_STREAM || (!error && !len)) return 0;
    if (!error) error = EINTR;
    if (secrets && is_final(error)) secrets->error = error;
    errno = error;
    return -1;
}

ssize_t ktls_read(int fd, void *buf, size_t len)
{
    return ktls_recv(fd, buf, len, 0, NULL);
}
