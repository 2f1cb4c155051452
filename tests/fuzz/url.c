/* ISC license. */

/*
 * libFuzzer target: a URL of the socket service, and parameters alone. What is
 * taken is within its text and its limits, and the parameters of a URL are
 * taken alone, too.
 */

#include <stdlib.h>
#include <string.h>

#include "protocol/url.h"

extern int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void demand(int condition)
{
    if (!condition) abort();
}

static void demand_inside(struct url const *url, char const *text)
{
    if (!text) return;
    demand(text >= url->text && text + strlen(text) < url->text + sizeof url->text);
    for (; *text; text++) demand((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check(struct url const *url)
{
    struct url_parameters const *p = &url->parameters;
    char const *const texts[] = { p->ciphers, p->alpn, p->sni, p->ca, p->cert, p->key, p->exporter, p->id };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        demand_inside(url, texts[i]);
        demand(!texts[i] || *texts[i]);
    }
    demand(!p->cert == !p->key && !p->exporter == !p->exporter_len);
    demand(p->exporter_len <= URL_MAX_EXPORT && p->timeout_ms && p->timeout_ms <= 600000);
    demand(p->backlog && p->backlog <= 65535 && (!p->id || strlen(p->id) <= 64));
}

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    struct url url;
    char *text = malloc(size + 1);
    demand(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    for (char *p = text; *p; p++)
        if (*p < ' ' || *p > '~') *p = '~'; /* a packet has nothing else */
    if (!url_parse(&url, text)) {
        char const *parameters = strchr(text, '?');
        check(&url);
        demand(url.target == URL_CLIENT || url.target == URL_SERVER || (url.where && *url.where));
        if (url.where) demand_inside(&url, url.where);
        demand(!url_parse_parameters(&url, parameters ? parameters + 1 : ""));
    }
    if (!url_parse_parameters(&url, text)) check(&url);
    free(text);
    return 0;
}
