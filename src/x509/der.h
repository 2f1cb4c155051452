/* ISC license. */

/*
 * A reader of DER (X.690, 10): definite lengths in the fewest bytes, tags of one byte. Every function returns 1, or 0
 * if the bytes are malformed or not what was asked for.
 */

#ifndef KTLS_X509_DER_H
#define KTLS_X509_DER_H

#include <stddef.h>

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0c,
    DER_NUMERIC_STRING = 0x12,
    DER_PRINTABLE_STRING = 0x13,
    DER_TELETEX_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_VISIBLE_STRING = 0x1a,
    DER_UNIVERSAL_STRING = 0x1c,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,
    DER_CONSTRUCTED = 0x20,
};

/* The bytes that are still to be read. */
struct der {
    unsigned char const *p;
    size_t len;
};

/* Without its first len bytes. */
static inline struct der x509_der_behind(struct der a, size_t len)
{
    return (struct der){.p = a.p + len, .len = a.len - len};
}

extern int x509_der_read(struct der *in, unsigned *tag, struct der *content);
extern int x509_der_take(struct der *in, unsigned tag, struct der *content);
/* Reads a tag and a length only. The content may be cut short. */
extern int x509_der_enter(struct der *in, unsigned tag);
/* Reads the element with its tag and length. */
extern int x509_der_take_whole(struct der *in, unsigned tag, struct der *whole);
/* content->p is NULL if the next element has another tag. */
extern int x509_der_take_optional(struct der *in, unsigned tag, struct der *content);
/* Reads an element that must be the only one. */
extern int x509_der_only(struct der in, unsigned tag, struct der *content);

/* An INTEGER (X.690, 8.3) that is not negative, as in BasicConstraints; UINT_MAX if it is larger. */
extern int x509_der_natural(struct der content, unsigned *number);
/* A BOOLEAN with the default FALSE, which DER omits (X.690, 11.1 and 11.5). */
extern int x509_der_take_flag(struct der *in, int *flag);

extern int x509_der_equal(struct der a, struct der b);
extern int x509_der_is(struct der a, void const *bytes, size_t len);

#endif
