/* ISC license. */

/* Records that are not application data: alerts and handshake messages. */

#include "relay/engine.h"

/* Nothing is sent to a peer that has given up. */
static void take_fatal_alert(struct engine *engine, unsigned char description)
{
    relay_report(engine, relay_abort_code(engine), "received alert %s", tls_alert_name(description));
    engine->in.ended = 1;
    relay_break_output(engine);
}

static void update_keys(struct engine *engine, unsigned char requested)
{
    if (!engine->suite) {
        relay_fail(engine, TLS_INTERNAL_ERROR, "a KeyUpdate, and the secrets to follow it are not here");
        return;
    }
    tls_next_keys(engine->suite, engine->keys->rx_secret, &engine->keys->rx);
    if (!engine->medium->change_rx(engine))
        relay_fail(engine, TLS_INTERNAL_ERROR, "a KeyUpdate, and the kernel cannot follow it");
    engine->out.key_update_due |= requested;
}

void relay_take_control(struct engine *engine, unsigned char type, unsigned char const *bytes, size_t len)
{
    struct after_verdict const verdict = ktls_after_handshake(&engine->in.message, engine->version,
                                                              engine->keys->role, type, bytes, len);
    switch (verdict.event) {
    case AFTER_NOTHING:
    case AFTER_DATA: break;
    case AFTER_CLOSED: engine->in.ended = engine->in.orderly = engine->in.notified = 1; break;
    case AFTER_ABORTED: take_fatal_alert(engine, verdict.alert); break;
    case AFTER_KEY_UPDATE: update_keys(engine, verdict.update_requested); break;
    case AFTER_RENEGOTIATION: engine->out.no_renegotiation_due = 1; break;
    case AFTER_ERROR: relay_fail(engine, verdict.alert, verdict.reason); break;
    }
}
