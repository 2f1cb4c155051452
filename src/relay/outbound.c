/* ISC license. */

/* The direction from prog to the network, with the keys in the kernel or in user space. */

#include <errno.h>
#include <string.h>

#include "relay/stack.h"

static void break_output(struct engine *engine)
{
    engine->out.error = errno;
    relay_break_output(engine);
}

static void send_alert(struct engine *engine, unsigned char level, unsigned char description)
{
    unsigned char const alert[2] = { level, description };
    engine->medium->send_control(engine, KTLS_ALERT, alert, sizeof alert);
}

static int needs_new_keys(struct engine *engine)
{
    if (engine->version != TLS_1_3 || !engine->suite) return 0;
    return engine->medium->count_records(engine) >= engine->config.max_records;
}

/* Called before data is sent, so that all requests which came while we were silent get one
   answer (RFC 8446, 4.6.3). It never requests a KeyUpdate of the peer, which counts its own
   records. 0: none is needed. */
static int send_key_update(struct engine *engine)
{
    static unsigned char const update_not_requested[5] = { TLS_KEY_UPDATE, 0, 0, 1, 0 };
    if (!engine->out.key_update_due && !needs_new_keys(engine)) return 0;
    engine->out.key_update_due = 0;
    engine->out.new_keys_due = 1;
    engine->medium->send_control(engine, KTLS_HANDSHAKE, update_not_requested, sizeof update_not_requested);
    return 1;
}

/* For a TLS 1.2 peer close_notify ends both streams (RFC 5246, 7.2.1), and FIN without it is
   a truncation. So either may make the peer drop the reply that prog waits for. A peer that
   is silent for a while probably waits for the end. */
static int could_cost_reply(struct engine *engine)
{
    struct outbound *out = &engine->out;
    if (engine->config.farewell != RELAY_FAREWELL_SAFE || engine->version != TLS_1_2) return 0;
    if (engine->config.to_prog < 0 || engine->in.ended) return 0;
    if (!out->held_until) out->held_until = process_now_ms() + engine->config.silence_ms;
    return process_now_ms() < out->held_until;
}

static int is_close_notify_due(struct engine *engine)
{
    if (engine->config.from_prog >= 0) return 0;
    if (engine->in.notified) return 1;
    return engine->config.farewell != RELAY_FAREWELL_NEVER && !could_cost_reply(engine);
}

/* 0: no record besides data is due. */
static int send_control(struct engine *engine)
{
    struct outbound *out = &engine->out;
    if (out->said_goodbye) return 0;
    if (out->alert) {
        out->said_goodbye = 1;
        send_alert(engine, TLS_FATAL, out->alert);
    } else if (out->no_renegotiation_due) {
        out->no_renegotiation_due = 0;
        send_alert(engine, TLS_WARNING, TLS_NO_RENEGOTIATION);
    } else if (is_close_notify_due(engine)) {
        out->said_goodbye = 1;
        send_alert(engine, TLS_WARNING, TLS_CLOSE_NOTIFY);
    } else {
        return 0;
    }
    return 1;
}

/* 0: nothing can be sent any more. */
static int change_keys(struct engine *engine)
{
    engine->out.new_keys_due = 0;
    crypto_next_keys(engine->suite, engine->keys->tx_secret, &engine->keys->tx);
    if (engine->medium->change_tx(engine)) return 1;
    relay_report(engine, EXIT_SYSTEM, "the kernel refuses the next keys: %s", strerror(errno));
    relay_cut(engine);
    return 0;
}

/* 0: the network takes no more for now, or ever. */
static int flush(struct engine *engine)
{
    enum relay_progress const progress = engine->medium->flush(engine);
    if (progress == RELAY_BROKEN) break_output(engine);
    return progress == RELAY_DONE;
}

static void take(struct engine *engine)
{
    switch (engine->medium->take(engine)) {
    case RELAY_DONE: relay_note_data(engine); break;
    case RELAY_WAITS: break;
    case RELAY_ENDED: relay_end_output(engine); break;
    case RELAY_BROKEN: break_output(engine); break;
    }
}

void relay_pump_out(struct engine *engine, int may_read)
{
    while (!engine->out.finished && flush(engine)) {
        if (engine->out.new_keys_due && !change_keys(engine)) return;
        if (send_control(engine)) continue;
        if (engine->config.from_prog < 0) {
            if (could_cost_reply(engine) || !engine->medium->has_settled(engine)) return;
            relay_half_close(engine);
        } else {
            if (!may_read) return;
            if (send_key_update(engine)) continue;
            may_read = 0;
            take(engine);
        }
    }
}
