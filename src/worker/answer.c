/* ISC license. */

/* What a worker tells the service; or the master, of a worker that it could not start. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>

#include "endpoint/endpoint.h"
#include "worker/worker.h"

static int is_plain(unsigned char c)
{
    return c > ' ' && c <= '~' && c != '%';
}

void facts_add(struct facts *facts, char const *name, char const *value)
{
    size_t const before = facts->len;
    int n = snprintf(facts->text + before, sizeof facts->text - before, " %s=", name);
    if (!*value) n = 0;
    for (; n > 0 && before + (size_t)n + 3 < sizeof facts->text && *value; value++) {
        char *out = facts->text + before + n;
        unsigned char const c = (unsigned char)*value;
        n += is_plain(c) ? snprintf(out, 2, "%c", c) : snprintf(out, 4, "%%%02X", c);
    }
    if (!*value) facts->len += (size_t)n;
    facts->text[facts->len] = 0;
}

/* Values that can be long come last, since there may be no room for them. */
void facts_add_session(struct facts *facts, struct tls_session const *session, char const *path)
{
    struct program_session said;
    char hash[ENDPOINT_PEER_HASH];
    endpoint_describe(&said, session, path, hash);
    facts_add(facts, "protocol", said.protocol);
    facts_add(facts, "cipher", said.cipher);
    facts_add(facts, "path", said.path);
    facts_add(facts, "peer", said.peer_hash);
    facts_add(facts, "sni", said.server_name);
    facts_add(facts, "alpn", said.alpn);
    facts_add(facts, "subject", said.peer_subject);
    facts_add(facts, "san", said.peer_alt_names);
}

void facts_add_remote(struct facts *facts, int fd)
{
    char text[ADDRESS_MAX];
    address_of_peer(text, fd);
    facts_add(facts, "remote", text);
}

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
        ktls_packet_send(worker->channel, text, (size_t)len, NULL, 0);
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
    return ktls_packet_send(worker->channel, text, (size_t)len, &fd, fd >= 0);
}
