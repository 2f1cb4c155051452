/* ISC license. */

/* The characters of the string types that are used in names (RFC 5280, 4.1.2.4). */

#include "x509/certificate.h"

static int is_scalar_value(uint32_t c)
{
    return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* RFC 3629. */
static uint32_t next_utf8(struct der *in)
{
    static uint32_t const least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned const first = *in->p++;
    in->len--;
    if (first < 0x80) return first;
    unsigned const len = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc0 || first >= 0xf8 || in->len < len - 1) return NO_CHARACTER;
    uint32_t c = first & (0x7fu >> len);
    for (unsigned i = 0; i < len - 1; i++) {
        if ((in->p[i] & 0xc0) != 0x80) return NO_CHARACTER;
        c = c << 6 | (in->p[i] & 0x3f);
    }
    if (c < least[len] || !is_scalar_value(c)) return NO_CHARACTER;
    in->p += len - 1;
    in->len -= len - 1;
    return c;
}

static uint32_t next_wide(struct der *in, size_t width)
{
    uint32_t c = 0;
    size_t const len = in->len < width ? in->len : width;
    for (size_t i = 0; i < len; i++) c = c << 8 | in->p[i];
    in->p += len;
    in->len -= len;
    return len == width && is_scalar_value(c) ? c : NO_CHARACTER;
}

/* TeletexString is Latin-1 in practice. */
uint32_t x509_next_character(struct der *in, unsigned tag)
{
    switch (tag) {
    case DER_UTF8_STRING: return next_utf8(in);
    case DER_BMP_STRING: return next_wide(in, 2);
    case DER_UNIVERSAL_STRING: return next_wide(in, 4);
    default: return next_wide(in, 1);
    }
}

int x509_is_string(unsigned tag)
{
    return tag == DER_UTF8_STRING || tag == DER_NUMERIC_STRING || tag == DER_PRINTABLE_STRING
           || tag == DER_TELETEX_STRING || tag == DER_IA5_STRING || tag == DER_VISIBLE_STRING
           || tag == DER_UNIVERSAL_STRING || tag == DER_BMP_STRING;
}
