/* ISC license. */

/* What a worker tells the service; or the master, of a worker that it could not start. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/fmtscan.h>

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

void facts_add_hex(struct facts *facts, char const *name, char const *prefix, unsigned char const *bytes,
                   size_t len)
{
    char text[16 + 2 * URL_MAX_EXPORT + 1];
    size_t const n = (size_t)snprintf(text, 16, "%s", prefix);
    text[n + ucharn_fmt(text + n, (char const *)bytes, len)] = 0;
    facts_add(facts, name, text);
}

/* Values that can be long come last, since there may be no room for them. */
void facts_add_session(struct facts *facts, struct tls_session const *session, char const *path)
{
    facts_add(facts, "protocol", session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    facts_add(facts, "cipher", session->suite->name);
    facts_add(facts, "path", path);
    if (session->peer_verified)
        facts_add_hex(facts, "peer", "SHA256:", session->peer_hash, sizeof session->peer_hash);
    facts_add(facts, "sni", session->server_name);
    facts_add(facts, "alpn", session->alpn);
    if (!session->peer_verified) return;
    facts_add(facts, "subject", session->peer_subject);
    facts_add(facts, "san", session->peer_alt_names);
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
