/* ISC license. */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/engine.h"

enum { WARNING = 1, FATAL = 2 }; /* AlertLevel */

void relay_break_output(struct engine *engine)
{
    relay_end_output(engine);
    engine->out.start = engine->out.end = 0;
    engine->out.finished = 1;
}

/* 0: the network takes no more for now, or ever. */
static int flush(struct engine *engine)
{
    struct outbound *out = &engine->out;
    while (out->start < out->end) {
        unsigned char const *unsent = out->sealed + out->start;
        ssize_t const r = relay_write(engine->config.net_write, unsent, out->end - out->start);
        if (r < 0 && relay_would_block()) return 0;
        if (r < 0) {
            out->error = errno;
            relay_break_output(engine);
            return 0;
        }
        out->start += (size_t)r;
        out->sent += (size_t)r;
    }
    out->start = out->end = 0;
    return 1;
}

static void seal(struct engine *engine, unsigned char type, void const *fragment, size_t len)
{
    engine->out.end = crypto_seal_record(&engine->keys->tx, type, fragment, len, engine->out.sealed);
}

static void seal_alert(struct engine *engine, unsigned char level, unsigned char description)
{
    unsigned char const alert[2] = { level, description };
    seal(engine, KTLS_ALERT, alert, sizeof alert);
}

/* RFC 8446, 4.6.3: the answer goes out under the old keys. */
static void seal_key_update(struct engine *engine)
{
    static unsigned char const update_not_requested[5] = { KEY_UPDATE, 0, 0, 1, 0 };
    seal(engine, KTLS_HANDSHAKE, update_not_requested, sizeof update_not_requested);
    tls_next_keys(engine->suite, engine->keys->tx_secret, &engine->keys->tx);
}

/* 0: there is nothing to say besides data. */
static int seal_control(struct engine *engine)
{
    struct outbound *out = &engine->out;
    if (out->said_goodbye) return 0;
    if (out->alert) {
        out->said_goodbye = 1;
        seal_alert(engine, FATAL, out->alert);
    } else if (out->key_update_due) {
        out->key_update_due = 0;
        seal_key_update(engine);
    } else if (out->no_renegotiation_due) {
        out->no_renegotiation_due = 0;
        seal_alert(engine, WARNING, TLS_NO_RENEGOTIATION);
    } else if (engine->config.from_prog < 0 && engine->config.close_notify) {
        out->said_goodbye = 1;
        seal_alert(engine, WARNING, TLS_CLOSE_NOTIFY);
    } else {
        return 0;
    }
    return 1;
}

static void half_close(struct engine *engine)
{
    int *fd = &engine->config.net_write;
    engine->out.finished = 1;
    if (shutdown(*fd, SHUT_WR) == 0 || errno != ENOTSOCK || *fd == engine->config.net_read) return;
    close(*fd);
    *fd = -1;
}

/* Into the place that sealing gives it. */
static void read_prog(struct engine *engine)
{
    size_t const trailer = CRYPTO_TAG + (engine->suite->version == TLS_1_3);
    size_t const at = RECORD_HEADER + crypto_record_overhead(&engine->keys->tx) - trailer;
    unsigned char *fragment = engine->out.sealed + at;
    ssize_t const r = read(engine->config.from_prog, fragment, MAX_FRAGMENT);
    if (r < 0 && relay_would_block()) return;
    if (r <= 0) {
        relay_end_output(engine);
        return;
    }
    engine->in.without_data = 0;
    seal(engine, KTLS_APPLICATION_DATA, fragment, (size_t)r);
}

void relay_pump_out(struct engine *engine, int may_read)
{
    while (!engine->out.finished && flush(engine)) {
        if (seal_control(engine)) continue;
        if (engine->config.from_prog < 0) {
            half_close(engine);
        } else {
            if (!may_read) return;
            may_read = 0;
            read_prog(engine);
        }
    }
}
