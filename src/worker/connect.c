/* ISC license. */

/* The addresses of an order's URL, and a connection to one of them. */

#include "process/capabilities.h"
#include "process/process.h"
#include "worker/worker.h"

static int drop_rights(void const *ctx)
{
    struct master_options const *options = ctx;
    if (!options->is_root) return 1;
    return process_become(options->uid, options->gid) && (!options->uid || capabilities_drop());
}

static void find_name(struct worker const *worker, struct dial *dial)
{
    struct dial_lookup const lookup = { .name = worker->url.where,
                                        .port = worker->url.port,
                                        .deadline = worker->order->deadline,
                                        .drop_rights = &drop_rights,
                                        .ctx = worker->options };
    char why[DIAL_MAX_ANSWER + 1];
    if (!dial_look_up(dial, &lookup, why)) worker_refuse(worker, worker->url.where, why);
}

void worker_find_addresses(struct worker const *worker, struct dial *dial)
{
    *dial = (struct dial){ .count = 0 };
    if (worker->url.target == URL_PATH) {
        dial_add_path(dial, worker->url.where);
        return;
    }
    if (!dial_add(dial, worker->url.where, worker->url.port)) find_name(worker, dial);
    dial_take_turns(dial);
}

int worker_connect(struct worker const *worker, struct dial const *dial)
{
    int const fd = dial_connect(dial, worker->order->deadline);
    if (fd < 0) worker_refuse_system(worker, "connecting");
    return fd;
}
