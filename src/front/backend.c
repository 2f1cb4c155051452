/* ISC license. */

#include "front/backend.h"

#include <stdio.h>
#include <string.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>

#include "dial/dial.h"
#include "process/process.h"
#include "program/program.h"
#include "protocol/url.h"

static void parse(struct url *url, char const *where)
{
    char text[URL_MAX + 1];
    int const is_path = !strncmp(where, "unix:", 5);
    int const len = snprintf(text, sizeof text, "%s%s", is_path ? "" : "tcp://", where);
    char const *const why = (size_t)len < sizeof text ? url_parse(url, text) : "too long";
    if (why) strerr_dief(EXIT_USAGE, where, ": ", why);
}

static void find(struct dial *dial, struct url const *url, int64_t deadline)
{
    struct dial_lookup const lookup = { .name = url->where, .port = url->port, .deadline = deadline };
    char why[DIAL_MAX_ANSWER + 1];
    if (url->target == URL_PATH) dial_add_path(dial, url->where);
    else if (!dial_add(dial, url->where, url->port) && !dial_look_up(dial, &lookup, why))
        strerr_dief(EXIT_SYSTEM, url->where, ": ", why);
    dial_take_turns(dial);
}

int backend_connect(char const *where, unsigned int timeout_ms)
{
    struct dial dial = { .count = 0 };
    struct url url;
    int64_t const deadline = timeout_ms ? process_now_ms() + timeout_ms : INT64_MAX;
    parse(&url, where);
    find(&dial, &url, deadline);
    int const fd = dial_connect(&dial, deadline);
    if (fd < 0 || ndelay_off(fd) < 0) strerr_diefsys(EXIT_SYSTEM, "connecting to ", where);
    return fd;
}
