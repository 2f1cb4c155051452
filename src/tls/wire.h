/* ISC license. */

/*
 * The presentation language of RFC 8446, 3: bounds-checked reading and writing of
 * integers and vectors. An error is remembered, so that a structure can be read or
 * written from top to bottom and checked once at its end.
 */

#ifndef KTLS_TLS_WIRE_H
#define KTLS_TLS_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. p is NULL when absent. */
struct span {
    unsigned char const *p;
    size_t len;
};

extern int tls_span_equal(struct span a, struct span b);

struct reader {
    unsigned char const *p;
    size_t left;
    int bad; /* something was read past the end */
};

extern struct reader tls_reader_on(struct span bytes);
extern unsigned int tls_read8(struct reader *r);
extern unsigned int tls_read16(struct reader *r);
extern unsigned int tls_read24(struct reader *r);
extern struct span tls_read_bytes(struct reader *r, size_t len);
/* Vectors with a length prefix of 8, 16 or 24 bits. */
extern struct span tls_read_vector8(struct reader *r);
extern struct span tls_read_vector16(struct reader *r);
extern struct span tls_read_vector24(struct reader *r);
/* 1 when no read failed and no bytes are left. */
extern int tls_read_to_end(struct reader const *r);

/* 1 when the bytes are exactly one vector with a length prefix of `prefix` bytes. */
extern int tls_only_vector(struct span bytes, size_t prefix, struct span *content);
/* The same for a non-empty vector of uint16. */
extern int tls_only_list16(struct span bytes, size_t prefix, struct span *list);

/* 1 when a vector of uint16 contains value. */
extern int tls_list16_has(struct span list, uint16_t value);

struct writer {
    unsigned char *p;
    size_t len, max;
    int overflow;
};

extern void tls_write8(struct writer *w, unsigned int n);
extern void tls_write16(struct writer *w, unsigned int n);
extern void tls_write24(struct writer *w, unsigned int n);
extern void tls_write_bytes(struct writer *w, void const *bytes, size_t len);
/* Reserves a length prefix of size bytes, which tls_close_vector fills in; returns
   the mark for it. A length too large for its prefix counts as overflow. */
extern size_t tls_open_vector(struct writer *w, size_t size);
extern void tls_close_vector(struct writer *w, size_t mark, size_t size);

#endif
