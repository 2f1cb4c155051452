/* ISC license. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "relay/engine.h"

/* 0: prog takes no more for now. A prog that reads no longer is no error: its
   own output still has to get out. */
static int deliver(struct engine *engine)
{
    struct inbound *in = &engine->in;
    while (in->data_len && engine->config.to_prog >= 0) {
        ssize_t const r = write(engine->config.to_prog, in->data, in->data_len);
        if (r < 0 && relay_would_block()) return 0;
        if (r < 0) {
            relay_end_input(engine);
            break;
        }
        in->data += r;
        in->data_len -= (size_t)r;
    }
    in->data_len = 0;
    return 1;
}

static void take_data(struct engine *engine, unsigned char const *data, size_t len)
{
    struct inbound *in = &engine->in;
    if (message_is_open(&in->message)) {
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "data in the middle of a handshake message");
        return;
    }
    if (len) in->without_data = 0;
    in->data = data;
    in->data_len = len;
}

static int is_tls13(struct engine const *engine)
{
    return engine->suite->version == TLS_1_3;
}

static void take_record(struct engine *engine, unsigned char *record, size_t len)
{
    unsigned char *body = record + RECORD_HEADER;
    unsigned char type, *fragment;
    long const n = crypto_open_record(&engine->keys->rx, record, body, len, &type, &fragment);
    if (n == -2)
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "a record without content type");
    else if (n < 0)
        relay_fail(engine, TLS_BAD_RECORD_MAC, "a record that does not authenticate");
    else if (n > MAX_FRAGMENT || (is_tls13(engine) && len - CRYPTO_TAG > MAX_FRAGMENT + 1))
        relay_fail(engine, TLS_RECORD_OVERFLOW, "a record that is too long");
    else if (++engine->in.without_data > MAX_RECORDS_WITHOUT_DATA)
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "too many records without data");
    else if (type == KTLS_APPLICATION_DATA)
        take_data(engine, fragment, (size_t)n);
    else
        relay_take_control(engine, type, fragment, (size_t)n);
}

/* 0: the header is not one of a protected record. */
static int check_header(struct engine *engine, unsigned char const *header, size_t len)
{
    int const type_is_known = header[0] >= KTLS_CHANGE_CIPHER_SPEC && header[0] <= KTLS_APPLICATION_DATA;
    if (is_tls13(engine) ? header[0] != KTLS_APPLICATION_DATA : !type_is_known)
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "a record of an unexpected type");
    else if (header[1] != 3 || header[2] != 3)
        relay_fail(engine, TLS_PROTOCOL_VERSION, "a record of another protocol version");
    else if (len > (size_t)MAX_FRAGMENT + (is_tls13(engine) ? MAX_EXPANSION_1_3 : MAX_EXPANSION_1_2))
        relay_fail(engine, TLS_RECORD_OVERFLOW, "a record that is too long");
    else
        return 1;
    return 0;
}

/* 0: there is no whole record. */
static int next_record(struct engine *engine)
{
    struct inbound *in = &engine->in;
    unsigned char *record = in->raw + in->start;
    size_t const have = in->end - in->start;
    if (have < RECORD_HEADER) return 0;
    size_t const len = (size_t)record[3] << 8 | record[4];
    if (!check_header(engine, record, len)) return 1;
    if (have < RECORD_HEADER + len) return 0;
    in->start += RECORD_HEADER + len;
    take_record(engine, record, len);
    return 1;
}

static void take_fin(struct engine *engine)
{
    struct inbound *in = &engine->in;
    int const someone_reads = engine->config.to_prog >= 0;
    in->ended = 1;
    in->orderly = in->start == in->end && !engine->out.error;
    if (in->start < in->end)
        relay_report(engine, EXIT_TLS, "the connection ended in the middle of a record");
    else if (engine->config.enforce_close_notify && someone_reads)
        relay_report(engine, EXIT_TLS, "the peer ended the connection without close_notify");
}

static void take_read_error(struct engine *engine)
{
    relay_report(engine, EXIT_TLS, "reading from the network: %s", strerror(errno));
    engine->in.ended = 1;
    relay_break_output(engine);
}

/* Reads behind what is left of the last record. */
static void fill(struct engine *engine)
{
    struct inbound *in = &engine->in;
    memmove(in->raw, in->raw + in->start, in->end - in->start);
    in->end -= in->start;
    in->start = 0;
    ssize_t const r = relay_read(engine->config.net_read, in->raw + in->end, RAW_SIZE - in->end);
    if (r > 0)
        in->end += (size_t)r;
    else if (!r)
        take_fin(engine);
    else if (!relay_would_block())
        take_read_error(engine);
}

static void drop(struct engine *engine)
{
    ssize_t const r = relay_read(engine->config.net_read, engine->in.raw, RAW_SIZE);
    if (!r || (r < 0 && !relay_would_block())) engine->in.dropping = 0;
}

void relay_pump_in(struct engine *engine, int may_read)
{
    struct inbound *in = &engine->in;
    while (deliver(engine) && !in->ended) {
        if (next_record(engine)) continue;
        if (!may_read) return;
        may_read = 0;
        fill(engine);
    }
    if (in->ended && !in->data_len) relay_end_input(engine);
    if (in->dropping && may_read) drop(engine);
}
