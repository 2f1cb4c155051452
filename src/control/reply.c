/* ISC license. */

#include "control/reply.h"

#include <stddef.h>
#include <string.h>

#include "protocol/escape.h"

static char *next_word(char **rest)
{
    char *word = *rest;
    size_t const len = strcspn(word, " ");
    *rest = word + len;
    if (word[len]) *(*rest)++ = 0;
    return word;
}

/* Unknown names are ignored: a later service may add some. */
static int parse_fact(struct ktls_reply *reply, char *fact)
{
#define FACT(name) {#name, offsetof(struct ktls_reply, name)}
    static struct {
        char const *name;
        size_t field;
    } const facts[] = {
        FACT(protocol), FACT(cipher), FACT(sni), FACT(alpn), FACT(peer),
        FACT(subject), FACT(san), FACT(path), FACT(exporter), FACT(remote), FACT(id),
    };
#undef FACT
    char *value = strchr(fact, '=');
    if (!value || !ktls_unescape(value + 1)) return 0;
    *value++ = 0;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (!strcmp(fact, facts[i].name)) *(char const **)((char *)reply + facts[i].field) = value;
    return 1;
}

static int parse_facts(struct ktls_reply *reply, char *rest)
{
    while (*rest)
        if (!parse_fact(reply, next_word(&rest))) return 0;
    return 1;
}

/* id= and remote= come before the reason. */
static int parse_reason(struct ktls_reply *reply, char *rest)
{
    while (!strncmp(rest, "id=", 3) || !strncmp(rest, "remote=", 7))
        if (!parse_fact(reply, next_word(&rest))) return 0;
    reply->reason = rest;
    return 1;
}

static int parse_outcome(struct ktls_reply *reply, char *rest)
{
    reply->command = next_word(&rest);
    reply->url = next_word(&rest);
    if (!*reply->command) return 0;
    return reply->kind == KTLS_REPLY_OK ? parse_facts(reply, rest) : parse_reason(reply, rest);
}

static int parse_question(struct ktls_reply *reply, char *rest)
{
    reply->question = next_word(&rest);
    reply->url = next_word(&rest);
    return *reply->question && *reply->url && parse_facts(reply, rest);
}

static void clear_words(struct ktls_reply *reply)
{
    char const **const words[] = {
        &reply->command, &reply->url,  &reply->reason,  &reply->question, &reply->protocol,
        &reply->cipher,  &reply->sni,  &reply->alpn,    &reply->peer,     &reply->subject,
        &reply->san,     &reply->path, &reply->exporter, &reply->remote,  &reply->id,
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) *words[i] = "";
}

int ktls_parse_reply(struct ktls_reply *reply, size_t len)
{
    char *rest = reply->packet;
    clear_words(reply);
    if (!len || len > KTLS_MAX_PACKET || rest[len - 1] != '\n') return 0;
    rest[len - 1] = 0;
    if (strlen(rest) != len - 1) return 0;
    char const *kind = next_word(&rest);
    if (!strcmp(kind, "ASK")) {
        reply->kind = KTLS_REPLY_ASK;
        return parse_question(reply, rest);
    }
    reply->kind = strcmp(kind, "OK") ? KTLS_REPLY_ERR : KTLS_REPLY_OK;
    return (reply->kind == KTLS_REPLY_OK || !strcmp(kind, "ERR")) && parse_outcome(reply, rest);
}
