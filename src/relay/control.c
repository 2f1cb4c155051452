/* ISC license. */

/* What comes between the data: alerts, and messages of a handshake that is over. */

#include "relay/engine.h"

#define MAX_CLIENT_HELLO 65536

static void take_close_notify(struct engine *engine)
{
    engine->in.ended = engine->in.orderly = 1;
}

/* Nothing is sent to a peer that has given up. */
static void take_fatal_alert(struct engine *engine, unsigned char description)
{
    relay_report(engine, EXIT_TLS, "received alert %s", tls_alert_name(description));
    engine->in.ended = 1;
    relay_break_output(engine);
}

static int is_only_a_warning(struct engine const *engine, unsigned char level, unsigned char description)
{
    if (engine->version == TLS_1_3) return description == TLS_USER_CANCELED;
    return level == 1;
}

static void take_alert(struct engine *engine, unsigned char const *alert, size_t len)
{
    if (len != 2)
        relay_fail(engine, TLS_DECODE_ERROR, "an alert of a wrong length");
    else if (alert[0] != 1 && alert[0] != 2)
        relay_fail(engine, TLS_ILLEGAL_PARAMETER, "an alert of an unknown level");
    else if (alert[1] == TLS_CLOSE_NOTIFY)
        take_close_notify(engine);
    else if (!is_only_a_warning(engine, alert[0], alert[1]))
        take_fatal_alert(engine, alert[1]);
}

/* 0: it has no place here. */
static int check_message_1_3(struct engine *engine, struct message_reader const *message)
{
    if (message->header[0] == KEY_UPDATE) {
        if (message->len == 1) return 1;
        relay_fail(engine, TLS_DECODE_ERROR, "a KeyUpdate of a wrong length");
    } else if (message->header[0] == NEW_SESSION_TICKET && engine->keys->role != RELAY_TLS_SERVER) {
        if (message->len <= MAX_TICKET_MESSAGE) return 1;
        relay_fail(engine, TLS_DECODE_ERROR, "a NewSessionTicket that is too long");
    } else {
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "an unexpected handshake message");
    }
    return 0;
}

/* The beginning of a renegotiation: HelloRequest or ClientHello. */
static int begins_renegotiation(struct engine const *engine, unsigned char type)
{
    if (type == HELLO_REQUEST) return engine->keys->role != RELAY_TLS_SERVER;
    return type == CLIENT_HELLO && engine->keys->role != RELAY_TLS_CLIENT;
}

static int check_message_1_2(struct engine *engine, struct message_reader const *message)
{
    unsigned char const type = message->header[0];
    if (!begins_renegotiation(engine, type))
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "an unexpected handshake message");
    else if (message->len > (type == HELLO_REQUEST ? 0 : MAX_CLIENT_HELLO))
        relay_fail(engine, TLS_DECODE_ERROR, "a handshake message of a wrong length");
    else
        return 1;
    return 0;
}

static int check_message(struct engine *engine)
{
    if (engine->version == TLS_1_3) return check_message_1_3(engine, &engine->in.message);
    return check_message_1_2(engine, &engine->in.message);
}

static void change_rx(struct engine *engine)
{
    tls_next_keys(engine->suite, engine->keys->rx_secret, &engine->keys->rx);
    if (!engine->medium->change_rx(engine))
        relay_fail(engine, TLS_INTERNAL_ERROR, "a KeyUpdate, and the kernel cannot follow it");
}

static void update_keys(struct engine *engine, unsigned char request, size_t left_in_record)
{
    if (request > 1) {
        relay_fail(engine, TLS_ILLEGAL_PARAMETER, "a KeyUpdate with an unknown request");
    } else if (left_in_record) {
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "a KeyUpdate that does not end its record");
    } else if (!engine->suite) {
        relay_fail(engine, TLS_INTERNAL_ERROR, "a KeyUpdate, and the secrets to follow it are not here");
    } else {
        change_rx(engine);
        engine->out.key_update_due |= request;
    }
}

static void end_message(struct engine *engine, size_t left_in_record)
{
    struct message_reader const *message = &engine->in.message;
    if (engine->version == TLS_1_2)
        engine->out.no_renegotiation_due = 1;
    else if (message->header[0] == KEY_UPDATE)
        update_keys(engine, message->first, left_in_record);
}

static void take_handshake(struct engine *engine, unsigned char const *bytes, size_t len)
{
    if (!len) {
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "an empty handshake record");
        return;
    }
    while (!engine->in.ended) {
        switch (message_next(&engine->in.message, &bytes, &len)) {
        case MESSAGE_MORE: return;
        case MESSAGE_BEGUN:
            if (!check_message(engine)) return;
            break;
        case MESSAGE_ENDED: end_message(engine, len); break;
        }
    }
}

void relay_take_control(struct engine *engine, unsigned char type, unsigned char const *bytes, size_t len)
{
    if (type == KTLS_HANDSHAKE)
        take_handshake(engine, bytes, len);
    else if (message_is_open(&engine->in.message))
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "another record in the middle of a handshake message");
    else if (type == KTLS_ALERT)
        take_alert(engine, bytes, len);
    else
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "a record of an unexpected type");
}
