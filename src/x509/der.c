/* ISC license. */

#include <limits.h>
#include <string.h>

#include "x509/der.h"

#define MAX_LENGTH_BYTES 3

/* X.690, 10.1: a length has as few bytes as possible. The first byte is the length below 0x80, else the number of
   bytes that follow. */
static int read_long_length(struct der *in, size_t count, size_t *len)
{
    *len = 0;
    if (!count || count > MAX_LENGTH_BYTES || in->len < count) return 0;
    for (size_t i = 0; i < count; i++) *len = *len << 8 | in->p[i];
    *in = x509_der_behind(*in, count);
    return *len >= (count == 1 ? 0x80 : (size_t)1 << (8 * (count - 1)));
}

static inline int read_head(struct der *in, unsigned *tag, size_t *len)
{
    if (in->len < 2) return 0;
    *tag = in->p[0];
    *len = in->p[1];
    *in = x509_der_behind(*in, 2);
    return (*tag & 0x1f) != 0x1f && (*len < 0x80 || read_long_length(in, *len & 0x7f, len));
}

int x509_der_read(struct der *in, unsigned *tag, struct der *content)
{
    struct der rest = *in;
    size_t len;
    if (!read_head(&rest, tag, &len) || len > rest.len) return 0;
    *content = (struct der){.p = rest.p, .len = len};
    *in = x509_der_behind(rest, len);
    return 1;
}

int x509_der_enter(struct der *in, unsigned tag)
{
    unsigned found;
    size_t len;
    return read_head(in, &found, &len) && found == tag;
}

int x509_der_take(struct der *in, unsigned tag, struct der *content)
{
    unsigned found;
    return in->len && *in->p == tag && x509_der_read(in, &found, content);
}

int x509_der_take_whole(struct der *in, unsigned tag, struct der *whole)
{
    unsigned char const *const start = in->p;
    struct der content;
    if (!x509_der_take(in, tag, &content)) return 0;
    *whole = (struct der){.p = start, .len = (size_t)(in->p - start)};
    return 1;
}

int x509_der_take_optional(struct der *in, unsigned tag, struct der *content)
{
    *content = (struct der){.p = NULL, .len = 0};
    return !in->len || *in->p != tag || x509_der_take(in, tag, content);
}

int x509_der_only(struct der in, unsigned tag, struct der *content)
{
    return x509_der_take(&in, tag, content) && !in.len;
}

int x509_der_natural(struct der content, unsigned *number)
{
    if (!content.len || content.p[0] & 0x80) return 0;
    if (content.len > 1 && !content.p[0] && !(content.p[1] & 0x80)) return 0;
    *number = 0;
    for (size_t i = 0; i < content.len; i++)
        *number = *number > UINT_MAX >> 8 ? UINT_MAX : *number << 8 | content.p[i];
    return 1;
}

int x509_der_take_flag(struct der *in, int *flag)
{
    struct der content;
    *flag = in->len && *in->p == DER_BOOLEAN;
    return !*flag || (x509_der_take(in, DER_BOOLEAN, &content) && x509_der_is(content, "\xff", 1));
}

int x509_der_equal(struct der a, struct der b)
{
    return x509_der_is(a, b.p, b.len);
}

int x509_der_is(struct der a, void const *bytes, size_t len)
{
    return a.len == len && (!len || !memcmp(a.p, bytes, len));
}
