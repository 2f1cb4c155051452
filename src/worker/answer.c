/* ISC license. */

/* What a worker, or the master for one that it could not start, tells the service. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>

#include "worker/ask.h"
#include "worker/worker.h"

static int clean_up(char *text)
{
    size_t len = 0;
    for (; text[len]; len++)
        if (text[len] < ' ' || text[len] > '~') text[len] = '?';
    return (int)len;
}

static void deposit_reason(struct worker const *worker, char const *text)
{
    _Static_assert(offsetof(struct ask_deposit, bytes) == 2 * sizeof(uint32_t), "two lengths");
    uint32_t const head[2] = { 0, (uint32_t)strlen(text) };
    if (allwrite(worker->fd, (char const *)head, sizeof head) == sizeof head)
        allwrite(worker->fd, text, strlen(text));
}

void worker_report(struct worker const *worker, char const *what, char const *why)
{
    char text[512];
    snprintf(text, sizeof text, "ERR %s%s%s", what, why ? ": " : "", why ? why : "");
    int const len = clean_up(text);
    if (worker->order->kind == ORDER_LOAD)
        deposit_reason(worker, text + 4);
    else
        packet_send(worker->channel, text, (size_t)len, NULL, 0);
}

void worker_refuse(struct worker const *worker, char const *what, char const *why)
{
    worker_report(worker, what, why);
    _exit(0);
}

void worker_refuse_system(struct worker const *worker, char const *what)
{
    worker_refuse(worker, what, strerror(errno));
}

int worker_answer(struct worker const *worker, char const *word, struct facts const *facts, int fd)
{
    char text[ANSWER_MAX];
    int const len = snprintf(text, sizeof text, "%s%s", word, facts->text);
    return packet_send(worker->channel, text, (size_t)len, &fd, fd >= 0);
}
