/* ISC license. */

#include <stdio.h>

#include "service/broker.h"

static void add_word(char *text, size_t *len, char const *name, char const *value)
{
    if (*value) *len += (size_t)snprintf(text + *len, PACKET_MAX - *len, " %s%s", name, value);
}

static void reply(struct channel *channel, char const *outcome, struct words const *words, char const *rest,
                  int fd)
{
    char text[PACKET_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", outcome);
    add_word(text, &len, "", words->command);
    add_word(text, &len, "", words->url);
    add_word(text, &len, "id=", words->id);
    add_word(text, &len, "remote=", words->remote);
    add_word(text, &len, "", rest);
    text[len++] = '\n';
    channel_reply(channel, text, len, fd);
}

void reply_ok(struct channel *channel, struct words const *words, char const *facts, int fd)
{
    reply(channel, "OK", words, facts, fd);
}

void reply_err(struct channel *channel, struct words const *words, char const *reason)
{
    reply(channel, "ERR", words, reason, -1);
}
