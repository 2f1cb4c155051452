/* ISC license. */

/* The direction from the network to prog, with the keys in the kernel or in user space. */

#include <string.h>

#include "relay/stack.h"

#define MAX_RECORDS_WITHOUT_DATA 16384

static void take_data(struct engine *engine, unsigned char const *data, size_t len)
{
    if (!len) return;
    relay_note_data(engine);
    if (engine->config.to_prog < 0) return;
    engine->in.data = data;
    engine->in.data_len = len;
}

static void update_keys(struct engine *engine, unsigned char requested)
{
    if (!engine->suite) {
        relay_fail(engine, TLS_INTERNAL_ERROR, "a KeyUpdate, but the secrets for the next keys are missing");
        return;
    }
    crypto_next_keys(engine->suite, engine->keys->rx_secret, &engine->keys->rx);
    if (!engine->medium->change_rx(engine))
        relay_fail(engine, TLS_INTERNAL_ERROR, "a KeyUpdate, but the kernel cannot replace the keys");
    engine->out.key_update_due |= requested;
}

static void take_record(struct engine *engine, struct relay_event const *record)
{
    struct inbound *in = &engine->in;
    if (++in->without_data > MAX_RECORDS_WITHOUT_DATA) {
        relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "too many records without data");
        return;
    }
    struct after_verdict const verdict = ktls_after_handshake(&in->message, engine->version, engine->keys->role,
                                                              record->type, record->bytes, record->len);
    switch (verdict.event) {
    case AFTER_NOTHING: break;
    case AFTER_DATA: take_data(engine, record->bytes, record->len); break;
    case AFTER_CLOSED: in->ended = in->orderly = in->notified = 1; break;
    case AFTER_ABORTED: relay_abort(engine, "received alert ", tls_alert_name(verdict.alert)); break;
    case AFTER_KEY_UPDATE: update_keys(engine, verdict.update_requested); break;
    case AFTER_RENEGOTIATION: engine->out.no_renegotiation_due = 1; break;
    case AFTER_ERROR: relay_fail(engine, verdict.alert, verdict.reason); break;
    }
}

static void take_fin(struct engine *engine, size_t incomplete)
{
    struct inbound *in = &engine->in;
    int const someone_reads = engine->config.to_prog >= 0;
    in->ended = 1;
    in->orderly = !incomplete && !engine->out.error;
    if (incomplete)
        relay_report(engine, EXIT_TLS, "the connection ended in the middle of a record");
    else if (engine->config.enforce_close_notify && someone_reads)
        relay_report(engine, EXIT_TLS, "the peer ended the connection without close_notify");
}

static void take_event(struct engine *engine, struct relay_event const *event)
{
    switch (event->kind) {
    case RELAY_DATA: relay_note_data(engine); break;
    case RELAY_RECORD: take_record(engine, event); break;
    case RELAY_FIN: take_fin(engine, event->len); break;
    case RELAY_FAILURE: relay_abort(engine, "reading from the network: ", strerror(event->error)); break;
    case RELAY_VIOLATION: relay_fail(engine, event->alert, event->reason); break;
    case RELAY_PROG_FULL: engine->in.waiting = 1; break;
    case RELAY_PROG_GONE: relay_end_input(engine); break;
    case RELAY_AGAIN: break;
    }
}

/* 0: prog takes no more for now. It is not an error when prog stops reading: its output
   must still be sent. */
static int deliver(struct engine *engine)
{
    enum relay_progress const progress = engine->medium->deliver(engine);
    engine->in.waiting = progress == RELAY_WAITS;
    if (progress == RELAY_ENDED) relay_end_input(engine);
    return progress != RELAY_WAITS;
}

/* Receives until there is something to deliver. 0: there is nothing for now. */
static int receive(struct engine *engine, int *reads)
{
    struct relay_event event;
    int received = 0;
    while (!engine->in.ended && !engine->in.data_len && engine->medium->receive(engine, reads, &event)) {
        take_event(engine, &event);
        received = 1;
    }
    return received;
}

void relay_pump_in(struct engine *engine, int may_read)
{
    struct inbound *in = &engine->in;
    int reads = may_read ? engine->medium->reads : 0;
    while (deliver(engine) && !in->ended && receive(engine, &reads)) continue;
    if (in->ended && !in->waiting) relay_end_input(engine);
    /* Not where the failed read was: the next one fails, too, and so would our alert. */
    int const has_read = reads < engine->medium->reads;
    if (in->dropping && !has_read && !engine->medium->drop(engine)) in->dropping = 0;
}
