/* ISC license. */

#include "control/reply.h"

#include <stddef.h>
#include <string.h>

static char *next_word(char **rest)
{
    char *word = *rest;
    size_t const len = strcspn(word, " ");
    *rest = word + len;
    if (word[len]) *(*rest)++ = 0;
    return word;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* %XX, as in URLs (RFC 3986, 2.1); NUL has no place in a C string. */
static int unescape(char *value)
{
    char *out = value;
    for (; *value; value++, out++) {
        *out = *value;
        if (*value != '%') continue;
        int const high = hex_digit(value[1]), low = high < 0 ? -1 : hex_digit(value[2]);
        if (low < 0 || high + low == 0) return 0;
        *out = (char)(high << 4 | low);
        value += 2;
    }
    *out = 0;
    return 1;
}

/* Names that a later service adds are passed over. */
static int take_fact(struct ktls_reply *reply, char *fact)
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
    if (!value || !unescape(value + 1)) return 0;
    *value++ = 0;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (!strcmp(fact, facts[i].name)) *(char const **)((char *)reply + facts[i].field) = value;
    return 1;
}

static int take_facts(struct ktls_reply *reply, char *rest)
{
    while (*rest)
        if (!take_fact(reply, next_word(&rest))) return 0;
    return 1;
}

/* What failed comes before why. */
static int take_reason(struct ktls_reply *reply, char *rest)
{
    while (!strncmp(rest, "id=", 3) || !strncmp(rest, "remote=", 7))
        if (!take_fact(reply, next_word(&rest))) return 0;
    reply->reason = rest;
    return 1;
}

static int parse_outcome(struct ktls_reply *reply, char *rest)
{
    reply->command = next_word(&rest);
    reply->url = next_word(&rest);
    if (!*reply->command) return 0;
    return reply->kind == KTLS_REPLY_OK ? take_facts(reply, rest) : take_reason(reply, rest);
}

static int parse_question(struct ktls_reply *reply, char *rest)
{
    reply->question = next_word(&rest);
    reply->url = next_word(&rest);
    return *reply->question && *reply->url && take_facts(reply, rest);
}

static void clear(struct ktls_reply *reply)
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
    clear(reply);
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
