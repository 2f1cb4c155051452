/* ISC license. */

#include <string.h>

#include "tls/wire.h"

int tls_span_equal(struct span a, struct span b)
{
    return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

struct reader tls_reader_on(struct span bytes)
{
    return (struct reader){ .p = bytes.p, .left = bytes.len };
}

struct span tls_read_bytes(struct reader *r, size_t len)
{
    static unsigned char const nothing[1];
    if (r->bad || len > r->left) {
        r->bad = 1;
        return (struct span){ nothing, 0 };
    }
    struct span const bytes = { len ? r->p : nothing, len };
    r->p += len;
    r->left -= len;
    return bytes;
}

static unsigned int read_integer(struct reader *r, size_t size)
{
    struct span const bytes = tls_read_bytes(r, size);
    unsigned int n = 0;
    for (size_t i = 0; i < bytes.len; i++) n = n << 8 | bytes.p[i];
    return n;
}

unsigned int tls_read8(struct reader *r)
{
    return read_integer(r, 1);
}

unsigned int tls_read16(struct reader *r)
{
    return read_integer(r, 2);
}

unsigned int tls_read24(struct reader *r)
{
    return read_integer(r, 3);
}

struct span tls_read_vector8(struct reader *r)
{
    return tls_read_bytes(r, tls_read8(r));
}

struct span tls_read_vector16(struct reader *r)
{
    return tls_read_bytes(r, tls_read16(r));
}

struct span tls_read_vector24(struct reader *r)
{
    return tls_read_bytes(r, tls_read24(r));
}

int tls_read_to_end(struct reader const *r)
{
    return !r->bad && !r->left;
}

int tls_only_vector(struct span bytes, size_t prefix, struct span *content)
{
    struct reader r = tls_reader_on(bytes);
    *content = tls_read_bytes(&r, read_integer(&r, prefix));
    return tls_read_to_end(&r);
}

int tls_only_list16(struct span bytes, size_t prefix, struct span *list)
{
    return tls_only_vector(bytes, prefix, list) && list->len && list->len % 2 == 0;
}

int tls_list16_has(struct span list, uint16_t value)
{
    for (size_t i = 0; i + 1 < list.len; i += 2)
        if ((list.p[i] << 8 | list.p[i + 1]) == value) return 1;
    return 0;
}

void tls_write_bytes(struct writer *w, void const *bytes, size_t len)
{
    if (w->overflow || len > w->max - w->len) {
        w->overflow = 1;
        return;
    }
    if (len) memcpy(w->p + w->len, bytes, len);
    w->len += len;
}

static void put_integer(unsigned char *p, size_t n, size_t size)
{
    while (size--) {
        p[size] = (unsigned char)n;
        n >>= 8;
    }
}

static void write_integer(struct writer *w, size_t n, size_t size)
{
    unsigned char bytes[4];
    put_integer(bytes, n, size);
    tls_write_bytes(w, bytes, size);
}

void tls_write8(struct writer *w, unsigned int n)
{
    write_integer(w, n, 1);
}

void tls_write16(struct writer *w, unsigned int n)
{
    write_integer(w, n, 2);
}

void tls_write24(struct writer *w, unsigned int n)
{
    write_integer(w, n, 3);
}

size_t tls_open_vector(struct writer *w, size_t size)
{
    write_integer(w, 0, size);
    return w->len;
}

void tls_close_vector(struct writer *w, size_t mark, size_t size)
{
    if (w->overflow) return;
    size_t const len = w->len - mark;
    if (len >> (8 * size)) w->overflow = 1;
    else put_integer(w->p + mark - size, len, size);
}
