/* ISC license. */

/* Comparison of distinguished names (RFC 5280, 7.1; RFC 4518). */

#include "x509/certificate.h"

#define MAX_ATTRIBUTES 16 /* in one RDN, in which they may have any order */

int x509_take_attribute(struct der *rdn, struct der *oid, unsigned *tag, struct der *value)
{
    struct der attribute;
    return x509_der_take(rdn, DER_SEQUENCE, &attribute) && x509_der_take(&attribute, DER_OID, oid)
           && x509_der_read(&attribute, tag, value) && !attribute.len;
}

/* RFC 4518, 2.2, for Latin, Greek and Cyrillic letters. Unicode normalization (2.3) is not supported. */
static uint32_t fold_case(uint32_t c)
{
    static struct {
        uint32_t first, last, shift;
    } const upper[] = {{'A', 'Z', 32}, {0xc0, 0xd6, 32}, {0xd8, 0xde, 32}, {0x391, 0x3a9, 32}, {0x400, 0x40f, 80},
                       {0x410, 0x42f, 32}};
    for (size_t i = 0; i < sizeof upper / sizeof *upper; i++)
        if (c >= upper[i].first && c <= upper[i].last) return c + upper[i].shift;
    return c >= 0x100 && c < 0x130 ? c | 1 : c;
}

static int is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

struct text {
    struct der rest;
    unsigned tag;
};

static void skip_spaces(struct text *text)
{
    for (struct der next = text->rest; next.len; text->rest = next)
        if (!is_space(x509_next_character(&next, text->tag))) return;
}

#define END_OF_TEXT (NO_CHARACTER - 1)

/* RFC 4518, 2.6.1: several spaces count as one, and spaces at the end do not count. */
static uint32_t next_prepared(struct text *text)
{
    if (!text->rest.len) return END_OF_TEXT;
    uint32_t const c = x509_next_character(&text->rest, text->tag);
    if (!is_space(c)) return fold_case(c);
    skip_spaces(text);
    return text->rest.len ? ' ' : END_OF_TEXT;
}

static int texts_equal(struct text a, struct text b)
{
    skip_spaces(&a);
    skip_spaces(&b);
    for (;;) {
        uint32_t const c = next_prepared(&a);
        if (c != next_prepared(&b) || c == NO_CHARACTER) return 0;
        if (c == END_OF_TEXT) return 1;
    }
}

static int has_attribute(struct der rdn, struct der oid, unsigned tag, struct der value)
{
    struct der other_oid, other;
    unsigned other_tag;
    while (x509_take_attribute(&rdn, &other_oid, &other_tag, &other)) {
        if (!x509_der_equal(oid, other_oid)) continue;
        if (tag == other_tag && x509_der_equal(value, other)) return 1;
        if (x509_is_string(tag) && x509_is_string(other_tag)
            && texts_equal((struct text){value, tag}, (struct text){other, other_tag}))
            return 1;
    }
    return 0;
}

/* The number of attributes of a; 0 if one of them is not in b. */
static unsigned count_common(struct der a, struct der b)
{
    struct der oid, value;
    unsigned tag, count = 0;
    while (a.len) {
        if (++count > MAX_ATTRIBUTES || !x509_take_attribute(&a, &oid, &tag, &value)) return 0;
        if (!has_attribute(b, oid, tag, value)) return 0;
    }
    return count;
}

static int rdns_equal(struct der a, struct der b)
{
    if (x509_der_equal(a, b)) return 1;
    unsigned const count = count_common(a, b);
    return count && count == count_common(b, a);
}

int x509_name_is_within(struct der name, struct der base)
{
    struct der a, b;
    while (base.len)
        if (!x509_der_take(&name, DER_SET, &a) || !x509_der_take(&base, DER_SET, &b) || !rdns_equal(a, b)) return 0;
    return 1;
}

static size_t count_rdns(struct der name)
{
    struct der rdn;
    size_t count = 0;
    while (x509_der_take(&name, DER_SET, &rdn)) count++;
    return count;
}

int x509_names_equal(struct der a, struct der b)
{
    return x509_der_equal(a, b) || (count_rdns(a) == count_rdns(b) && x509_name_is_within(a, b));
}

/* ASCII letters are the same bytes in all string types except those with wide characters. */
static uint32_t of_letter(uint32_t c)
{
    uint32_t const letter = c | 0x20;
    return letter - 'a' < 26 ? letter * letter * letter : 0;
}

static uint32_t sum_letters(struct der value, unsigned tag)
{
    int const is_wide = tag == DER_BMP_STRING || tag == DER_UNIVERSAL_STRING;
    uint32_t sum = 0;
    while (is_wide && value.len) sum += of_letter(x509_next_character(&value, tag));
    for (size_t i = 0; i < value.len; i++) sum += of_letter(value.p[i]);
    return sum;
}

/* Only the last RDN counts, which usually distinguishes names. */
uint32_t x509_name_fingerprint(struct der name)
{
    struct der rdn = {.p = NULL, .len = 0}, oid, value;
    unsigned tag;
    uint32_t sum = 0;
    while (x509_der_take(&name, DER_SET, &rdn)) continue;
    while (x509_take_attribute(&rdn, &oid, &tag, &value)) sum += sum_letters(value, tag);
    return sum;
}
