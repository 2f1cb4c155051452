/* ISC license. */

/* From the network to prog, wherever the keys are. */

#include <errno.h>
#include <string.h>

#include "relay/engine.h"

int relay_begin_record(struct engine *engine)
{
    if (++engine->in.without_data <= MAX_RECORDS_WITHOUT_DATA) return 1;
    relay_fail(engine, TLS_UNEXPECTED_MESSAGE, "too many records without data");
    return 0;
}

int relay_begin_data(struct engine *engine)
{
    relay_take_control(engine, KTLS_APPLICATION_DATA, NULL, 0);
    return !engine->in.ended;
}

void relay_note_data(struct engine *engine)
{
    engine->in.without_data = 0;
    engine->has_moved = 1;
    engine->out.held_until = 0;
}

void relay_take_fin(struct engine *engine, int in_a_record)
{
    struct inbound *in = &engine->in;
    int const someone_reads = engine->config.to_prog >= 0;
    in->ended = 1;
    in->orderly = !in_a_record && !engine->out.error;
    if (in_a_record)
        relay_report(engine, EXIT_TLS, "the connection ended in the middle of a record");
    else if (engine->config.enforce_close_notify && someone_reads)
        relay_report(engine, EXIT_TLS, "the peer ended the connection without close_notify");
}

void relay_take_read_error(struct engine *engine)
{
    relay_report(engine, relay_abort_code(engine), "reading from the network: %s", strerror(errno));
    engine->in.ended = 1;
    relay_break_output(engine);
}

void relay_pump_in(struct engine *engine, int may_read)
{
    struct inbound *in = &engine->in;
    while (engine->medium->deliver(engine) && !in->ended) {
        if (engine->medium->next_record(engine)) continue;
        if (!may_read) return;
        may_read = 0;
        engine->medium->fill(engine);
    }
    if (in->ended && !in->waiting) relay_end_input(engine);
    if (in->dropping && may_read && !engine->medium->drop(engine)) in->dropping = 0;
}
