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

/* Past the next BEGIN that starts a line. */
static int find_begin(struct pem *pem)
{
    for (;;) {
        char const *const found = memmem(pem->rest, pem->len, BEGIN, sizeof BEGIN - 1);
        if (!found) return 0;
        pem->block = found;
        advance(pem, found + sizeof BEGIN - 1);
        if (found == pem->start || found[-1] == '\n') return 1;
    }
}

static char const *end_of_line(struct pem const *pem)
{
    char const *const newline = memchr(pem->rest, '\n', pem->len);
    return newline ? newline : pem->rest + pem->len;
}

static int find_label(struct pem *pem)
{
    char const *const eol = end_of_line(pem);
    char const *const dashes = memmem(pem->rest, (size_t)(eol - pem->rest), DASHES, sizeof DASHES - 1);
    if (!dashes) return 0;
    pem->label = pem->rest;
    pem->label_len = (size_t)(dashes - pem->rest);
    advance(pem, eol);
    return 1;
}

/* Line by line: memmem has a table that it would index with a private key's text. */
static char const *end_of_body(struct pem const *pem)
{
    char const *at = pem->rest, *const end = at + pem->len;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        if ((size_t)(end - at) >= sizeof END - 1 && !memcmp(at, END, sizeof END - 1)) return at;
        at++;
    }
    return NULL;
}

static int find_end(struct pem *pem)
{
    char const *const end = end_of_body(pem);
    if (!end) return 0;
    pem->body = pem->rest;
    pem->body_len = (size_t)(end - pem->rest);
    advance(pem, end + sizeof END - 1);
    advance(pem, end_of_line(pem));
    pem->block_len = (size_t)(pem->rest - pem->block);
    return 1;
}

int pem_next(struct pem *pem)
{
    while (find_begin(pem))
        if (find_label(pem)) return find_end(pem);
    return 0;
}

int pem_has_label(struct pem const *pem, char const *label)
{
    return pem->label_len == strlen(label) && !memcmp(pem->label, label, pem->label_len);
}

int pem_is_certificate(struct pem const *pem)
{
    return pem_has_label(pem, "CERTIFICATE") || pem_has_label(pem, "X509 CERTIFICATE");
}

int pem_is_private_key(struct pem const *pem)
{
    return pem_has_label(pem, "PRIVATE KEY") || pem_has_label(pem, "EC PRIVATE KEY")
           || pem_has_label(pem, "RSA PRIVATE KEY");
}
