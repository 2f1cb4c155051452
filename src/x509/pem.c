/* ISC license. */

#include <string.h>

#include "x509/pem.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors write one */

void x509_pem_init(struct pem *pem, void const *bytes, size_t len)
{
    size_t const mark = strlen(BYTE_ORDER_MARK);
    *pem = (struct pem){.start = bytes, .end = (char const *)bytes + len};
    if (len >= mark && !memcmp(bytes, BYTE_ORDER_MARK, mark)) pem->start += mark;
    pem->rest = pem->start;
}

/* The next needle before end; it must begin with a dash. memmem would use the text, which may be a private key, as
   indices of a table. */
static char const *find(char const *at, char const *end, char const *needle)
{
    size_t const len = strlen(needle);
    for (; at < end && (at = memchr(at, '-', (size_t)(end - at))); at++)
        if ((size_t)(end - at) >= len && !memcmp(at, needle, len)) return at;
    return NULL;
}

/* The next line that begins with needle. The rest then begins at the end of that line. */
static char const *find_line(struct pem *pem, char const *needle)
{
    char const *line = pem->rest;
    while ((line = find(line, pem->end, needle)) && line != pem->start && line[-1] != '\n') line++;
    if (!line) return NULL;
    char const *const newline = memchr(line, '\n', (size_t)(pem->end - line));
    pem->rest = newline ? newline : pem->end;
    return line;
}

/* A BEGIN line without dashes at its end is ignored. */
int x509_pem_next(struct pem *pem)
{
    char const *line, *dashes, *end;
    do {
        line = find_line(pem, BEGIN);
        if (!line) return 0;
        pem->label = line + strlen(BEGIN);
        dashes = find(pem->label, pem->rest, DASHES);
    } while (!dashes);
    if (!strncmp(pem->label, "X509 ", 5)) pem->label += 5;
    pem->label_len = (size_t)(dashes - pem->label);
    pem->body = pem->rest;
    end = find_line(pem, END);
    if (end) pem->body_len = (size_t)(end - pem->body);
    return end != NULL;
}

int x509_pem_has_label(struct pem const *pem, char const *label)
{
    return pem->label_len == strlen(label) && !memcmp(pem->label, label, pem->label_len);
}

/* PKCS#8 (RFC 5958, 3), or the older form of OpenSSL (RFC 1421, 4.6.1.1). */
int x509_pem_is_encrypted_key(struct pem const *pem)
{
    static char const header[] = "\nProc-Type: 4,ENCRYPTED";
    size_t const skipped = pem->body_len && *pem->body == '\r';
    return x509_pem_has_label(pem, "ENCRYPTED PRIVATE KEY")
           || (x509_pem_is_private_key(pem) && pem->body_len > skipped + sizeof header
               && !memcmp(pem->body + skipped, header, sizeof header - 1));
}

int x509_pem_is_private_key(struct pem const *pem)
{
    return x509_pem_has_label(pem, "PRIVATE KEY") || x509_pem_has_label(pem, "EC PRIVATE KEY")
           || x509_pem_has_label(pem, "RSA PRIVATE KEY");
}
