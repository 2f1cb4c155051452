/* ISC license. */

/* Distinguished names (escaped as in RFC 4514) and alternative names as lines of text. */

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "x509/certificate.h"

#define REPLACEMENT 0xfffd
#define MAX_UNIT 16 /* bytes that one character becomes, escaped */

struct line {
    char *out;
    size_t len, max; /* max with the terminator */
    int full;
};

/* All of it or none, so that a character or an escape is never cut. */
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

static size_t to_hex(unsigned char byte, char *out)
{
    static char const digits[] = "0123456789ABCDEF";
    out[0] = digits[byte >> 4];
    out[1] = digits[byte & 15];
    return 2;
}

static void put_number(struct line *line, unsigned long number)
{
    char text[3 * sizeof number];
    size_t i = sizeof text;
    do text[--i] = (char)('0' + number % 10);
    while (number /= 10);
    put(line, text + i, sizeof text - i);
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

/* Controls, and what reorders text or breaks lines. */
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
    if (!is_unprintable(c)) {
        if (escape) unit[used++] = '\\';
        memcpy(unit + used, utf8, len);
        put(line, unit, used + len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unit[used++] = '\\';
        used += to_hex(utf8[i], unit + used);
    }
    put(line, unit, used);
}

/* RFC 4514, 2.4: a space at either end, # at the beginning. */
static int is_special(uint32_t c, int first, int last)
{
    if (c == ' ') return first || last;
    if (c == '#') return first;
    return c && c < 0x80 && strchr("\"+,;<>\\", (int)c) != NULL;
}

static void put_string(struct line *line, unsigned tag, struct der value)
{
    for (int first = 1; value.len; first = 0) {
        uint32_t const found = next_character(&value, tag), c = found == NO_CHARACTER ? REPLACEMENT : found;
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
        if (der_is(oid, attribute_names[i].oid, attribute_names[i].len)) return attribute_names[i].name;
    return NULL;
}

static void put_arc(struct line *line, unsigned long arc, int first)
{
    if (!first) {
        put_text(line, ".");
        put_number(line, arc);
        return;
    }
    unsigned long const root = arc < 80 ? arc / 40 : 2;
    put_number(line, root);
    put_text(line, ".");
    put_number(line, arc - 40 * root);
}

static int put_oid(struct line *line, struct der oid)
{
    unsigned long arc = 0;
    int first = 1;
    if (!oid.len || oid.p[oid.len - 1] & 0x80) return 0;
    for (size_t i = 0; i < oid.len; i++) {
        if (arc >> 24) return 0;
        arc = arc << 7 | (oid.p[i] & 0x7f);
        if (oid.p[i] & 0x80) continue;
        put_arc(line, arc, first);
        first = 0;
        arc = 0;
    }
    return 1;
}

/* #, then the value's encoding in hexadecimal. */
static void put_encoding(struct line *line, struct der whole)
{
    char pair[2];
    put_text(line, "#");
    for (size_t i = 0; i < whole.len && !line->full; i++) put(line, pair, to_hex(whole.p[i], pair));
}

static int put_attribute(struct line *line, struct der attribute)
{
    struct der oid, value;
    unsigned tag;
    if (!der_take(&attribute, DER_OID, &oid)) return 0;
    struct der const whole = attribute;
    if (!der_read(&attribute, &tag, &value) || attribute.len) return 0;
    char const *const name = attribute_name(oid);
    if (name) put_text(line, name);
    else if (!put_oid(line, oid)) return 0;
    put_text(line, "=");
    if (name && is_string(tag)) put_string(line, tag, value);
    else put_encoding(line, whole);
    return 1;
}

static int put_rdn(struct line *line, struct der rdn)
{
    struct der attribute;
    for (int first = 1; rdn.len; first = 0) {
        if (!der_take(&rdn, DER_SEQUENCE, &attribute)) return 0;
        if (!first) put_text(line, "+");
        if (!put_attribute(line, attribute)) return 0;
    }
    return 1;
}

/* In the certificate's own order, with a space after each comma, as s6-networking
   writes it; RFC 4514 would begin with the last one. */
static int put_name(struct line *line, struct der name)
{
    struct der rdn;
    for (int first = 1; name.len; first = 0) {
        if (!der_take(&name, DER_SET, &rdn)) return 0;
        if (!first) put_text(line, ", ");
        if (!put_rdn(line, rdn)) return 0;
    }
    return 1;
}

/* Of a certificate that is malformed further on, too: an error message names it. */
int x509_subject(struct x509_certificate const *cert, char *out, size_t max)
{
    struct der const whole = {.p = cert->der, .len = cert->len};
    struct line line = {.out = out, .len = 0, .max = max};
    struct der content, subject;
    if (!max) return 0;
    int const valid = der_only(whole, DER_SEQUENCE, &content) && certificate_subject(whole, &subject) && put_name(&line, subject);
    out[valid ? line.len : 0] = 0;
    return valid;
}

/* ---- alternative names (RFC 5280, 4.2.1.6) ---- */

/* What separates entries, begins an escape, or is not visible ASCII, becomes \HH. */
static void put_escaped(struct line *line, struct der value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char const c = value.p[i];
        char escaped[3] = { '\\' };
        to_hex(c, escaped + 1);
        if (c <= ' ' || c > '~' || c == ',' || c == '\\') put(line, escaped, sizeof escaped);
        else put(line, (char const *)&c, 1);
    }
}

static void put_address(struct line *line, struct der value)
{
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.p, text, sizeof text)) put_text(line, text);
}

/* NULL for the types that are not text. */
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
    while (der_read(&names, &tag, &value)) {
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
    if (certificate_parse(&fields, cert->der, cert->len)) put_names(&line, fields.alt_names);
    int const whole = !line.full && line.len;
    out[whole ? line.len : 0] = 0;
    return whole;
}
