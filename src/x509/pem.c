/* ISC license. */

#include <string.h>

#include "x509/pem.h"

#define BEGIN "-----BEGIN "
#define END "\n-----END "
#define DASHES "-----"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* what some editors begin a text with */

void pem_init(struct pem *pem, void const *bytes, size_t len)
{
    memset(pem, 0, sizeof *pem);
    size_t const mark = len >= sizeof BYTE_ORDER_MARK - 1 && !memcmp(bytes, BYTE_ORDER_MARK, sizeof BYTE_ORDER_MARK - 1)
                            ? sizeof BYTE_ORDER_MARK - 1
                            : 0;
    pem->start = pem->rest = (char const *)bytes + mark;
    pem->len = len - mark;
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

/* PKCS#8 (RFC 5958, 3), and what OpenSSL made before (RFC 1421, 4.6.1.1). */
int pem_is_encrypted_key(struct pem const *pem)
{
    static char const header[] = "\nProc-Type: 4,ENCRYPTED";
    size_t const skipped = pem->body_len && *pem->body == '\r';
    return pem_has_label(pem, "ENCRYPTED PRIVATE KEY")
           || (pem_is_private_key(pem) && pem->body_len > skipped + sizeof header
               && !memcmp(pem->body + skipped, header, sizeof header - 1));
}

int pem_is_private_key(struct pem const *pem)
{
    return pem_has_label(pem, "PRIVATE KEY") || pem_has_label(pem, "EC PRIVATE KEY")
           || pem_has_label(pem, "RSA PRIVATE KEY");
}
