/* ISC license. */

/*
 * After the handshake these are legal: data, alerts, and the following handshake
 * messages. TLS 1.3: KeyUpdate (RFC 8446, 4.6.3) and, from a server, NewSessionTicket
 * (4.6.1). TLS 1.2: HelloRequest from a server and ClientHello from a client, both of
 * which request a renegotiation (RFC 5246, 7.4.1).
 *
 * Messages are parsed as their bytes arrive; they are not stored.
 */

#include "ktls/after.h"

#define HEADER 4
#define MAX_TICKET_LIFETIME 604800 /* s; RFC 8446, 4.6.1 */
#define MAX_TICKET_MESSAGE (4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65534)
#define MAX_CLIENT_HELLO 65536
#define EARLY_DATA_LEN 4 /* max_early_data_size */

static struct after_verdict const nothing = { .event = AFTER_NOTHING };

static struct after_verdict error(enum tls_alert alert, char const *reason)
{
    return (struct after_verdict){ .event = AFTER_ERROR, .alert = (unsigned char)alert, .reason = reason };
}

/* ---- alerts ---- */

/* RFC 8446, 6: in TLS 1.3 the level is ignored. */
static int is_warning(uint16_t version, unsigned char level, unsigned char description)
{
    return version == KTLS_TLS_1_3 ? description == TLS_USER_CANCELED : level == TLS_WARNING;
}

static struct after_verdict judge_alert(uint16_t version, unsigned char const *alert, size_t len)
{
    if (!len) return error(TLS_UNEXPECTED_MESSAGE, "an empty alert record");
    if (len != 2) return error(TLS_DECODE_ERROR, "an alert of a wrong length");
    if (alert[0] != TLS_WARNING && alert[0] != TLS_FATAL)
        return error(TLS_ILLEGAL_PARAMETER, "an alert with an unknown level");
    if (alert[1] == TLS_CLOSE_NOTIFY) return (struct after_verdict){ .event = AFTER_CLOSED };
    if (is_warning(version, alert[0], alert[1])) return nothing;
    return (struct after_verdict){ .event = AFTER_ABORTED, .alert = alert[1] };
}

/* ---- NewSessionTicket ---- */

/* The integers of the message in their order; the last two are repeated for each extension. */
enum { LIFETIME, AGE_ADD, NONCE_LEN, TICKET_LEN, EXTENSIONS_LEN, EXTENSION_TYPE, EXTENSION_LEN };

static unsigned char const field_size[] = {
    [LIFETIME] = 4,       [AGE_ADD] = 4,        [NONCE_LEN] = 1,     [TICKET_LEN] = 2,
    [EXTENSIONS_LEN] = 2, [EXTENSION_TYPE] = 2, [EXTENSION_LEN] = 2,
};

static struct after_verdict malformed_ticket(void)
{
    return error(TLS_DECODE_ERROR, "a malformed NewSessionTicket");
}

/* The supported extensions of TLS 1.3 that are not allowed in NewSessionTicket (RFC 8446, 4.2). */
static int belongs_elsewhere(uint32_t type)
{
    switch (type) {
    case TLS_EXT_SERVER_NAME:
    case TLS_EXT_SUPPORTED_GROUPS:
    case TLS_EXT_SIGNATURE_ALGORITHMS:
    case TLS_EXT_ALPN:
    case TLS_EXT_PADDING:
    case TLS_EXT_PRE_SHARED_KEY:
    case TLS_EXT_SUPPORTED_VERSIONS:
    case TLS_EXT_COOKIE:
    case TLS_EXT_PSK_KEY_EXCHANGE_MODES:
    case TLS_EXT_SIGNATURE_ALGORITHMS_CERT:
    case TLS_EXT_KEY_SHARE: return 1;
    default: return 0;
    }
}

static struct after_verdict note_extension(struct after_message *message, uint32_t type)
{
    if (belongs_elsewhere(type))
        return error(TLS_ILLEGAL_PARAMETER, "a NewSessionTicket with an extension of another message");
    for (size_t i = 0; i < message->extension_count; i++)
        if (message->extension[i] == type)
            return error(TLS_ILLEGAL_PARAMETER, "a NewSessionTicket with a duplicate extension");
    if (message->extension_count == AFTER_MAX_EXTENSIONS)
        return error(TLS_ILLEGAL_PARAMETER, "a NewSessionTicket with too many extensions");
    message->extension[message->extension_count++] = (uint16_t)type;
    return nothing;
}

static struct after_verdict skip_vector(struct after_message *message, uint32_t len)
{
    if (len > message->left) return malformed_ticket();
    message->skip = len;
    return nothing;
}

static struct after_verdict end_field(struct after_message *message, unsigned char field, uint32_t number)
{
    switch (field) {
    case LIFETIME:
        if (number <= MAX_TICKET_LIFETIME) return nothing;
        return error(TLS_ILLEGAL_PARAMETER, "a NewSessionTicket with a lifetime of more than seven days");
    case TICKET_LEN: return number ? skip_vector(message, number) : malformed_ticket();
    case EXTENSIONS_LEN: return number == message->left ? nothing : malformed_ticket();
    case EXTENSION_TYPE: return note_extension(message, number);
    case EXTENSION_LEN:
        if (message->extension[message->extension_count - 1] == TLS_EXT_EARLY_DATA && number != EARLY_DATA_LEN)
            return malformed_ticket();
        return skip_vector(message, number);
    case NONCE_LEN: return skip_vector(message, number);
    default: return nothing;
    }
}

static struct after_verdict take_ticket_byte(struct after_message *message, unsigned char byte)
{
    unsigned char const field = message->field;

    message->left--;
    if (message->skip) {
        message->skip--;
        return nothing;
    }
    message->number = message->number << 8 | byte;
    if (++message->field_len < field_size[field]) return nothing;
    uint32_t const number = message->number;
    message->number = message->field_len = 0;
    message->field = field == EXTENSION_LEN ? EXTENSION_TYPE : (unsigned char)(field + 1);
    return end_field(message, field, number);
}

static struct after_verdict end_ticket(struct after_message const *message)
{
    return message->field == EXTENSION_TYPE && !message->field_len ? nothing : malformed_ticket();
}

/* ---- handshake messages ---- */

static struct after_verdict check_length(uint32_t len, uint32_t min, uint32_t max)
{
    return len >= min && len <= max ? nothing : error(TLS_DECODE_ERROR, "a handshake message of a wrong length");
}

/* Checks type and length of a message when its header is complete. */
static struct after_verdict judge_header(struct after_message const *message, uint16_t version,
                                         enum ktls_role role)
{
    unsigned char const type = message->header[0];
    int const tls13 = version == KTLS_TLS_1_3, from_server = role != KTLS_SERVER, from_client = role != KTLS_CLIENT;

    if (tls13 && type == TLS_KEY_UPDATE) return check_length(message->len, 1, 1);
    if (tls13 && type == TLS_NEW_SESSION_TICKET && from_server)
        return check_length(message->len, 0, MAX_TICKET_MESSAGE);
    if (!tls13 && type == TLS_HELLO_REQUEST && from_server) return check_length(message->len, 0, 0);
    if (!tls13 && type == TLS_CLIENT_HELLO && from_client) return check_length(message->len, 0, MAX_CLIENT_HELLO);
    return error(TLS_UNEXPECTED_MESSAGE, "an unexpected handshake message");
}

static struct after_verdict take_header_byte(struct after_message *message, unsigned char byte, uint16_t version,
                                             enum ktls_role role)
{
    message->header[message->have++] = byte;
    if (message->have < HEADER) return nothing;
    message->len = (uint32_t)(message->header[1] << 16 | message->header[2] << 8 | message->header[3]);
    message->left = message->len;
    return judge_header(message, version, role);
}

static struct after_verdict take_body_byte(struct after_message *message, unsigned char byte)
{
    if (message->header[0] == TLS_NEW_SESSION_TICKET) return take_ticket_byte(message, byte);
    message->number = byte;
    message->left--;
    return nothing;
}

static struct after_verdict judge_key_update(struct after_message const *message, size_t left_in_record)
{
    if (message->number > 1) return error(TLS_ILLEGAL_PARAMETER, "a KeyUpdate with an unknown request");
    if (left_in_record) return error(TLS_UNEXPECTED_MESSAGE, "a KeyUpdate that does not end its record");
    return (struct after_verdict){ .event = AFTER_KEY_UPDATE,
                                   .update_requested = (unsigned char)message->number };
}

/* Judges a complete message and resets *message for the next one. */
static struct after_verdict end_message(struct after_message *message, size_t left_in_record)
{
    struct after_message const ended = *message;

    *message = (struct after_message){ .have = 0 };
    switch (ended.header[0]) {
    case TLS_NEW_SESSION_TICKET: return end_ticket(&ended);
    case TLS_KEY_UPDATE: return judge_key_update(&ended, left_in_record);
    default: return (struct after_verdict){ .event = AFTER_RENEGOTIATION };
    }
}

static int is_whole(struct after_message const *message)
{
    return message->have == HEADER && !message->left;
}

static struct after_verdict judge_messages(struct after_message *message, uint16_t version, enum ktls_role role,
                                           unsigned char const *bytes, size_t len)
{
    struct after_verdict verdict = nothing, of_record = nothing;

    if (!len) return error(TLS_UNEXPECTED_MESSAGE, "an empty handshake record");
    while (len && verdict.event != AFTER_ERROR) {
        len--;
        verdict = message->have < HEADER ? take_header_byte(message, *bytes++, version, role)
                                         : take_body_byte(message, *bytes++);
        if (verdict.event != AFTER_ERROR && is_whole(message)) verdict = end_message(message, len);
        if (verdict.event != AFTER_NOTHING) of_record = verdict;
    }
    return of_record;
}

struct after_verdict ktls_after_handshake(struct after_message *message, uint16_t version, enum ktls_role role,
                                          unsigned char type, unsigned char const *bytes, size_t len)
{
    if (type == KTLS_HANDSHAKE) return judge_messages(message, version, role, bytes, len);
    if (after_is_open(message))
        return error(TLS_UNEXPECTED_MESSAGE, "another record in the middle of a handshake message");
    if (type == KTLS_APPLICATION_DATA) return (struct after_verdict){ .event = AFTER_DATA };
    if (type == KTLS_ALERT) return judge_alert(version, bytes, len);
    return error(TLS_UNEXPECTED_MESSAGE, "a record of an unexpected type");
}
