/* ISC license. */

#include <string.h>

#include "x509/pem.h"

#define BEGIN "-----BEGIN "
#define END "\n-----END "
#define DASHES "-----"

void pem_init(struct pem *pem, void const *bytes, size_t len)
{
    memset(pem, 0, sizeof *pem);
    pem->start = pem->rest = bytes;
    pem->len = len;
}

static void advance(struct pem *pem, char const *to)
{
    pem->len -= (size_t)(to - pem->rest);
    pem->rest = to;
}

/* Behind the next needle; NULL when there is none up to end. memmem has a table that it would index with a private
   key's text. */
static char const *find(struct pem const *pem, char const *end, char const *needle)
{
    size_t const len = strlen(needle);
    for (char const *at = pem->rest; at < end && (at = memchr(at, *needle, (size_t)(end - at))); at++)
        if ((size_t)(end - at) >= len && !memcmp(at, needle, len)) return at + len;
    return NULL;
}

static char const *end_of_line(struct pem const *pem)
{
    char const *const newline = memchr(pem->rest, '\n', pem->len);
    return newline ? newline : pem->rest + pem->len;
}

/* BEGIN starts a line and ends in dashes. */
static int find_label(struct pem *pem)
{
    for (char const *found; (found = find(pem, pem->rest + pem->len, BEGIN)); ) {
        advance(pem, found);
        char const *const begin = found - strlen(BEGIN), *const eol = end_of_line(pem);
        char const *const dashes = find(pem, eol, DASHES);
        if (!dashes || (begin != pem->start && begin[-1] != '\n')) continue;
        size_t const skipped = !strncmp(found, "X509 ", 5) ? 5 : 0;
        pem->label = found + skipped;
        pem->label_len = (size_t)(dashes - pem->label) - strlen(DASHES);
        advance(pem, eol);
        return 1;
    }
    return 0;
}

int pem_next(struct pem *pem)
{
    char const *end;
    if (!find_label(pem) || !(end = find(pem, pem->rest + pem->len, END))) return 0;
    pem->body = pem->rest;
    pem->body_len = (size_t)(end - pem->rest) - strlen(END);
    advance(pem, end);
    return 1;
}

int pem_has_label(struct pem const *pem, char const *label)
{
    return pem->label_len == strlen(label) && !memcmp(pem->label, label, pem->label_len);
}

int pem_is_private_key(struct pem const *pem)
{
    return pem_has_label(pem, "PRIVATE KEY") || pem_has_label(pem, "EC PRIVATE KEY")
           || pem_has_label(pem, "RSA PRIVATE KEY");
}
