/* ISC license. */

/* Distinguished names (escaped as in RFC 4514) and alternative names as lines of text. */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "x509/certificate.h"

#define REPLACEMENT 0xfffd
#define MAX_UNIT 16 /* bytes of one escaped character */

struct line {
    char *out;
    size_t len, max; /* max includes the terminator */
    int full;
};

/* Writes the whole text or nothing, so that no character and no escape is cut. */
static void put(struct line *line, char const *text, size_t len)
{
    if (line->full || len >= line->max - line->len) {
        line->full = 1;
        return;
    }
    memcpy(line->out + line->len, text, len);
    line->len += len;
}

static void put_text(struct line *line, char const *text)
{
    put(line, text, strlen(text));
}

static size_t to_utf8(uint32_t c, unsigned char *out)
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t const len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    unsigned const lead = len == 2 ? 0xc0 : len == 3 ? 0xe0 : 0xf0;
    for (size_t i = len - 1; i; i--, c >>= 6) out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)(lead | c);
    return len;
}

/* Control characters, and characters that reorder text or break lines. */
static int is_unprintable(uint32_t c)
{
    static struct {
        uint32_t first, last;
    } const ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
        {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last) return 1;
    return 0;
}

static void put_character(struct line *line, uint32_t c, int escape)
{
    unsigned char utf8[4];
    char unit[MAX_UNIT];
    size_t const len = to_utf8(c, utf8);
    size_t used = 0;
    if (is_unprintable(c)) {
        for (size_t i = 0; i < len; i++) used += (size_t)sprintf(unit + used, "\\%02X", utf8[i]);
        put(line, unit, used);
        return;
    }
    if (escape) unit[used++] = '\\';
    memcpy(unit + used, utf8, len);
    put(line, unit, used + len);
}

/* RFC 4514, 2.4: a space is special at either end, # at the beginning. */
static int is_special(uint32_t c, int first, int last)
{
    if (c == ' ') return first || last;
    if (c == '#') return first;
    return c && c < 0x80 && strchr("\"+,;<>\\", (int)c) != NULL;
}

static void put_string(struct line *line, unsigned tag, struct der value)
{
    for (int first = 1; value.len; first = 0) {
        uint32_t const found = x509_next_character(&value, tag), c = found == NO_CHARACTER ? REPLACEMENT : found;
        put_character(line, c, is_special(c, first, !value.len));
    }
}

/* ---- attributes ---- */

struct attribute_name {
    char const *name;
    unsigned char oid[10];
    unsigned char len;
};

static struct attribute_name const attribute_names[] = {
    {"CN", {0x55, 0x04, 0x03}, 3},
    {"serialNumber", {0x55, 0x04, 0x05}, 3},
    {"C", {0x55, 0x04, 0x06}, 3},
    {"L", {0x55, 0x04, 0x07}, 3},
    {"ST", {0x55, 0x04, 0x08}, 3},
    {"STREET", {0x55, 0x04, 0x09}, 3},
    {"O", {0x55, 0x04, 0x0a}, 3},
    {"OU", {0x55, 0x04, 0x0b}, 3},
    {"DC", {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19}, 10},
    {"UID", {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01}, 10},
    {"emailAddress", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01}, 9},
};

static char const *attribute_name(struct der oid)
{
    for (size_t i = 0; i < sizeof attribute_names / sizeof *attribute_names; i++)
        if (x509_der_is(oid, attribute_names[i].oid, attribute_names[i].len)) return attribute_names[i].name;
    return NULL;
}

/* The first two arcs are one number (X.690, 8.19.4). */
static int put_oid(struct line *line, struct der oid)
{
    char text[MAX_UNIT];
    unsigned long arc = 0;
    int is_first = 1;
    if (!oid.len || oid.p[oid.len - 1] & 0x80) return 0;
    for (size_t i = 0; i < oid.len; i++) {
        if (arc >> 24) return 0;
        arc = arc << 7 | (oid.p[i] & 0x7f);
        if (oid.p[i] & 0x80) continue;
        unsigned long const root = arc < 80 ? arc / 40 : 2;
        if (is_first) snprintf(text, sizeof text, "%lu.%lu", root, arc - 40 * root);
        else snprintf(text, sizeof text, ".%lu", arc);
        put_text(line, text);
        is_first = 0;
        arc = 0;
    }
    return 1;
}

/* RFC 4514, 2.4: # and the encoding of the value in hexadecimal. */
static void put_encoding(struct line *line, struct der whole)
{
    char pair[3];
    put_text(line, "#");
    for (size_t i = 0; i < whole.len && !line->full; i++) {
        snprintf(pair, sizeof pair, "%02X", whole.p[i]);
        put_text(line, pair);
    }
}

static int put_attribute(struct line *line, struct der attribute)
{
    struct der oid, value;
    unsigned tag;
    if (!x509_der_take(&attribute, DER_OID, &oid)) return 0;
    struct der const whole = attribute;
    if (!x509_der_read(&attribute, &tag, &value) || attribute.len) return 0;
    char const *const name = attribute_name(oid);
    if (name) put_text(line, name);
    else if (!put_oid(line, oid)) return 0;
    put_text(line, "=");
    if (name && x509_is_string(tag)) put_string(line, tag, value);
    else put_encoding(line, whole);
    return 1;
}

static int put_each(struct line *line, struct der list, unsigned tag, char const *separator,
                    int (*put_one)(struct line *line, struct der one))
{
    struct der one;
    for (int is_first = 1; list.len; is_first = 0) {
        if (!x509_der_take(&list, tag, &one)) return 0;
        if (!is_first) put_text(line, separator);
        if (!put_one(line, one)) return 0;
    }
    return 1;
}

static int put_rdn(struct line *line, struct der rdn)
{
    return put_each(line, rdn, DER_SEQUENCE, "+", put_attribute);
}

/* In the order of the certificate, with a space after each comma, as s6-networking writes it. RFC 4514 would begin
   with the last RDN. */
static int put_name(struct line *line, struct der name)
{
    return put_each(line, name, DER_SET, ", ", put_rdn);
}

/* The rest of the certificate may be malformed, because error messages name such certificates, too. */
int x509_subject(struct x509_certificate const *cert, char *out, size_t max)
{
    struct der const whole = {.p = cert->der, .len = cert->len};
    struct line line = {.out = out, .len = 0, .max = max};
    struct der content, subject;
    if (!max) return 0;
    int const valid = x509_der_only(whole, DER_SEQUENCE, &content) && x509_certificate_subject(whole, &subject)
                      && put_name(&line, subject);
    out[valid ? line.len : 0] = 0;
    return valid;
}

/* ---- alternative names (RFC 5280, 4.2.1.6) ---- */

/* Commas, backslashes and all characters that are not visible ASCII become \HH. */
static void put_escaped(struct line *line, struct der value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char const c = value.p[i];
        int const is_escaped = c <= ' ' || c > '~' || c == ',' || c == '\\';
        char unit[MAX_UNIT];
        snprintf(unit, sizeof unit, is_escaped ? "\\%02X" : "%c", c);
        put_text(line, unit);
    }
}

static void put_address(struct line *line, struct der value)
{
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.p, text, sizeof text)) put_text(line, text);
}

/* NULL for a type that is not shown. */
static char const *prefix_of(unsigned tag)
{
    switch (tag) {
    case NAME_EMAIL: return "email:";
    case NAME_DNS: return "DNS:";
    case NAME_URI: return "URI:";
    case NAME_ADDRESS: return "IP:";
    default: return NULL;
    }
}

static void put_names(struct line *line, struct der names)
{
    struct der value;
    unsigned tag;
    while (x509_der_read(&names, &tag, &value)) {
        char const *prefix = prefix_of(tag);
        if (!prefix) continue;
        if (line->len) put_text(line, ",");
        put_text(line, prefix);
        if (tag == NAME_ADDRESS) put_address(line, value);
        else put_escaped(line, value);
    }
}

int x509_alt_names(struct x509_certificate const *cert, char *out, size_t max)
{
    struct certificate fields;
    struct line line = {.out = out, .len = 0, .max = max};
    if (!max) return 0;
    if (x509_certificate_parse(&fields, cert->der, cert->len)) put_names(&line, fields.extension[EXT_SUBJECT_ALT_NAME]);
    int const whole = !line.full && line.len;
    out[whole ? line.len : 0] = 0;
    return whole;
}
