/* ISC license. */

/* The records are made and opened here, one at a time. */

#include <string.h>
#include <unistd.h>

#include "relay/engine.h"

static void start(struct engine *engine)
{
    RELAY_BUFFER(raw, RAW_SIZE);
    RELAY_BUFFER(sealed, SEALED_SIZE);
    engine->in.raw = raw;
    engine->out.sealed = sealed;
}

static void finish(struct engine *engine)
{
    crypto_wipe(engine->in.raw, RAW_SIZE);
    crypto_wipe(engine->out.sealed, SEALED_SIZE);
}

/* But for the beginning of a record, what is in there has been used. */
static void rest(struct engine *engine)
{
    if (engine->in.start == engine->in.end && !engine->in.data_len) relay_give_back(engine->in.raw, RAW_SIZE);
    if (!engine->out.end) relay_give_back(engine->out.sealed, SEALED_SIZE);
}

/* ---- from the network ---- */

/* A prog that reads no longer is no error: its own output still has to get out. */
static int deliver(struct engine *engine)
{
    struct inbound *in = &engine->in;
    in->waiting = 0;
    while (in->data_len && engine->config.to_prog >= 0) {
        ssize_t const r = write(engine->config.to_prog, in->data, in->data_len);
        if (r < 0 && relay_would_block()) {
            in->waiting = 1;
            return 0;
        }
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
    if (!relay_begin_data(engine)) return;
    if (len) relay_note_data(engine);
    engine->in.data = data;
    engine->in.data_len = len;
}

static int is_tls13(struct engine const *engine)
{
    return engine->version == TLS_1_3;
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
    else if (!relay_begin_record(engine))
        return;
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

/* Reads behind what is left of the last record. */
static void fill(struct engine *engine)
{
    struct inbound *in = &engine->in;
    if (in->start) memmove(in->raw, in->raw + in->start, in->end - in->start);
    in->end -= in->start;
    in->start = 0;
    ssize_t const r = relay_read(engine->config.net_read, in->raw + in->end, RAW_SIZE - in->end);
    if (r > 0)
        in->end += (size_t)r;
    else if (!r)
        relay_take_fin(engine, in->start < in->end);
    else if (!relay_would_block())
        relay_take_read_error(engine);
}

static int drop(struct engine *engine)
{
    ssize_t const r = relay_read(engine->config.net_read, engine->in.raw, RAW_SIZE);
    return r > 0 || (r < 0 && relay_would_block());
}

/* ---- to the network ---- */

static int flush(struct engine *engine)
{
    struct outbound *out = &engine->out;
    while (out->start < out->end) {
        unsigned char const *unsent = out->sealed + out->start;
        ssize_t const r = relay_write(engine->config.net_write, unsent, out->end - out->start);
        if (r < 0 && relay_would_block()) return 0;
        if (r < 0) {
            relay_take_write_error(engine);
            return 0;
        }
        out->start += (size_t)r;
        out->sent += (size_t)r;
    }
    out->start = out->end = 0;
    return 1;
}

static void seal(struct engine *engine, unsigned char type, unsigned char const *fragment, size_t len)
{
    engine->out.end = crypto_seal_record(&engine->keys->tx, type, fragment, len, engine->out.sealed);
}

/* Into the place that sealing gives it. */
static void take(struct engine *engine)
{
    size_t const trailer = CRYPTO_TAG + (engine->version == TLS_1_3);
    size_t const at = RECORD_HEADER + crypto_record_overhead(&engine->keys->tx) - trailer;
    unsigned char *fragment = engine->out.sealed + at;
    ssize_t const r = read(engine->config.from_prog, fragment, MAX_FRAGMENT);
    if (r < 0 && relay_would_block()) return;
    if (r <= 0) {
        relay_end_output(engine);
        return;
    }
    relay_note_data(engine);
    seal(engine, KTLS_APPLICATION_DATA, fragment, (size_t)r);
}

static int is_sending(struct engine const *engine)
{
    return !engine->out.finished && engine->out.start < engine->out.end;
}

static int has_settled(struct engine *engine)
{
    (void)engine;
    return 1;
}

static uint64_t count_records(struct engine *engine)
{
    return engine->keys->tx.seq;
}

static int use_changed_keys(struct engine *engine)
{
    (void)engine;
    return 1;
}

struct relay_medium const relay_in_user_space = {
    .start = start, .deliver = deliver, .next_record = next_record, .fill = fill, .drop = drop,
    .flush = flush, .send_control = seal, .take = take, .is_sending = is_sending,
    .has_settled = has_settled, .count_records = count_records,
    .change_rx = use_changed_keys, .change_tx = use_changed_keys, .rest = rest, .finish = finish,
};
