/* ISC license. */

/* The records are sealed and opened here, one at a time. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "relay/stack.h"

static int start(struct engine *engine)
{
    RELAY_BUFFER(raw, RAW_SIZE);
    RELAY_BUFFER(sealed, SEALED_SIZE);
    engine->in.raw = raw;
    engine->out.sealed = sealed;
    return 1;
}

static void finish(struct engine *engine)
{
    crypto_wipe(engine->in.raw, RAW_SIZE);
    crypto_wipe(engine->out.sealed, SEALED_SIZE);
}

/* Everything in the buffers except the beginning of a record has been used. */
static void rest(struct engine *engine)
{
    if (engine->in.start == engine->in.end && !engine->in.data_len) relay_give_back(engine->in.raw, RAW_SIZE);
    if (!engine->out.end) relay_give_back(engine->out.sealed, SEALED_SIZE);
}

/* ---- from the network ---- */

static enum relay_progress deliver(struct engine *engine)
{
    struct inbound *in = &engine->in;
    while (in->data_len) {
        ssize_t const r = write(engine->config.to_prog, in->data, in->data_len);
        if (r < 0) return relay_would_block() ? RELAY_WAITS : RELAY_ENDED;
        in->data += r;
        in->data_len -= (size_t)r;
    }
    return RELAY_DONE;
}

static int is_tls13(struct engine const *engine)
{
    return engine->version == TLS_1_3;
}

static struct relay_event violation(enum tls_alert alert, char const *reason)
{
    return (struct relay_event){ .kind = RELAY_VIOLATION, .alert = alert, .reason = reason };
}

static struct relay_event open_record(struct engine *engine, unsigned char *record, size_t len)
{
    unsigned char type, *fragment;
    long const n = crypto_open_record(&engine->keys->rx, record, record + TLS_RECORD_HEADER, len, &type, &fragment);
    if (n == -2) return violation(TLS_UNEXPECTED_MESSAGE, "a record without content type");
    if (n < 0) return violation(TLS_BAD_RECORD_MAC, "a record that does not authenticate");
    if (n > TLS_MAX_FRAGMENT || (is_tls13(engine) && len - CRYPTO_TAG > TLS_MAX_FRAGMENT + 1))
        return violation(TLS_RECORD_OVERFLOW, "a record that is too long");
    return (struct relay_event){ .kind = RELAY_RECORD, .type = type, .bytes = fragment, .len = (size_t)n };
}

/* 0: this is not the header of a protected record. */
static int check_header(struct engine const *engine, unsigned char const *header, size_t len,
                        struct relay_event *event)
{
    int const type_is_known = header[0] >= KTLS_CHANGE_CIPHER_SPEC && header[0] <= KTLS_APPLICATION_DATA;
    if (is_tls13(engine) ? header[0] != KTLS_APPLICATION_DATA : !type_is_known)
        *event = violation(TLS_UNEXPECTED_MESSAGE, "a record of an unexpected type");
    else if (header[1] != 3 || header[2] != 3)
        *event = violation(TLS_PROTOCOL_VERSION, "a record of another protocol version");
    else if (len > (size_t)TLS_MAX_FRAGMENT + (is_tls13(engine) ? TLS_MAX_EXPANSION_1_3 : TLS_MAX_EXPANSION_1_2))
        *event = violation(TLS_RECORD_OVERFLOW, "a record that is too long");
    else
        return 1;
    return 0;
}

/* 0: there is no whole record. */
static int next_record(struct engine *engine, struct relay_event *event)
{
    struct inbound *in = &engine->in;
    unsigned char *record = in->raw + in->start;
    size_t const have = in->end - in->start;
    if (have < TLS_RECORD_HEADER) return 0;
    size_t const len = (size_t)record[3] << 8 | record[4];
    if (!check_header(engine, record, len, event)) return 1;
    if (have < TLS_RECORD_HEADER + len) return 0;
    in->start += TLS_RECORD_HEADER + len;
    *event = open_record(engine, record, len);
    return 1;
}

/* Appends to the rest of the last record. */
static ssize_t read_more(struct engine *engine)
{
    struct inbound *in = &engine->in;
    if (in->start) memmove(in->raw, in->raw + in->start, in->end - in->start);
    in->end -= in->start;
    in->start = 0;
    return relay_read(engine->config.net_read, in->raw + in->end, RAW_SIZE - in->end);
}

static int receive(struct engine *engine, int *reads, struct relay_event *event)
{
    while (!next_record(engine, event)) {
        if (!*reads) return 0;
        --*reads;
        ssize_t const r = read_more(engine);
        if (r < 0 && relay_would_block()) return 0;
        *event = r < 0 ? (struct relay_event){ .kind = RELAY_FAILURE, .error = errno }
                       : (struct relay_event){ .kind = RELAY_FIN, .len = engine->in.end };
        if (r <= 0) return 1;
        engine->in.end += (size_t)r;
    }
    return 1;
}

static int drop(struct engine *engine)
{
    ssize_t const r = relay_read(engine->config.net_read, engine->in.raw, RAW_SIZE);
    return r > 0 || (r < 0 && relay_would_block());
}

/* ---- to the network ---- */

static enum relay_progress flush(struct engine *engine)
{
    struct outbound *out = &engine->out;
    while (out->start < out->end) {
        unsigned char const *unsent = out->sealed + out->start;
        ssize_t const r = relay_write(engine->config.net_write, unsent, out->end - out->start);
        if (r < 0) return relay_would_block() ? RELAY_WAITS : RELAY_BROKEN;
        out->start += (size_t)r;
        out->sent += (size_t)r;
    }
    out->start = out->end = 0;
    return RELAY_DONE;
}

static void seal(struct engine *engine, unsigned char type, unsigned char const *fragment, size_t len)
{
    engine->out.end = crypto_seal_record(&engine->keys->tx, type, fragment, len, engine->out.sealed);
}

/* Reads to the position at which the record has its fragment, so that sealing does not copy. */
static enum relay_progress take(struct engine *engine)
{
    size_t const trailer = CRYPTO_TAG + (engine->version == TLS_1_3);
    size_t const at = TLS_RECORD_HEADER + crypto_record_overhead(&engine->keys->tx) - trailer;
    unsigned char *fragment = engine->out.sealed + at;
    ssize_t const r = read(engine->config.from_prog, fragment, TLS_MAX_FRAGMENT);
    if (r < 0 && relay_would_block()) return RELAY_WAITS;
    if (r <= 0) return RELAY_ENDED;
    seal(engine, KTLS_APPLICATION_DATA, fragment, (size_t)r);
    return RELAY_DONE;
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
    .reads = 1, .start = start, .deliver = deliver, .receive = receive, .drop = drop,
    .flush = flush, .send_control = seal, .take = take, .is_sending = is_sending,
    .has_settled = has_settled, .count_records = count_records,
    .change_rx = use_changed_keys, .change_tx = use_changed_keys, .rest = rest, .finish = finish,
};
