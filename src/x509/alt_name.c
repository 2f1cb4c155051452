/* ISC license. */

/* subjectAltName as a string (RFC 5280, 4.2.1.6). */

#include <arpa/inet.h>
#include <string.h>

#include "x509/certificate.h"

struct line {
    char *out;
    size_t len, max; /* max with the terminator */
    int full;
};

static void put(struct line *line, char const *text, size_t len)
{
    line->full |= len >= line->max - line->len;
    if (line->full) return;
    memcpy(line->out + line->len, text, len);
    line->len += len;
}

/* What separates entries, begins an escape, or is not visible ASCII, becomes \HH. */
static void put_escaped(struct line *line, struct der value)
{
    static char const digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.len; i++) {
        unsigned char const c = value.p[i];
        char const escaped[] = { '\\', digits[c >> 4], digits[c & 15] };
        if (c <= ' ' || c > '~' || c == ',' || c == '\\') put(line, escaped, sizeof escaped);
        else put(line, (char const *)&c, 1);
    }
}

static int put_address(struct line *line, struct der value)
{
    char text[INET6_ADDRSTRLEN];
    if (value.len != 4 && value.len != 16) return 0;
    if (!inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.p, text, sizeof text)) return 0;
    put(line, text, strlen(text));
    return 1;
}

/* NULL for the types that are not text. */
static char const *prefix_of(unsigned tag)
{
    switch (tag) {
    case DER_CONTEXT | 1: return "email:";
    case DER_CONTEXT | 2: return "DNS:";
    case DER_CONTEXT | 6: return "URI:";
    case DER_CONTEXT | 7: return "IP:";
    default: return NULL;
    }
}

static int put_names(struct line *line, struct der names)
{
    struct der value;
    unsigned tag;
    while (names.len) {
        if (!der_read(&names, &tag, &value)) return 0;
        char const *prefix = prefix_of(tag);
        if (!prefix) continue;
        if (line->len) put(line, ",", 1);
        put(line, prefix, strlen(prefix));
        if (tag != (DER_CONTEXT | 7)) put_escaped(line, value);
        else if (!put_address(line, value)) return 0;
    }
    return 1;
}

static int put_extension(struct line *line, struct x509_certificate const *cert)
{
    struct certificate fields;
    struct der value, names;
    return certificate_parse(&fields, cert->der, cert->len)
           && certificate_extension(&fields, EXT_SUBJECT_ALT_NAME, &value) == 1
           && der_only(value, DER_SEQUENCE, &names) && put_names(line, names);
}

int x509_alt_names(struct x509_certificate const *cert, char *out, size_t max)
{
    struct line line = { .out = out, .max = max };
    if (!max) return 0;
    int const whole = put_extension(&line, cert) && !line.full && line.len;
    out[whole ? line.len : 0] = 0;
    return whole;
}
