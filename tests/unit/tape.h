/* ISC license. */

/* A transport in memory: what the peer sends is known beforehand, what we send is kept. */

#ifndef TAPE_H
#define TAPE_H

#include <stdlib.h>
#include <string.h>

#include "tls/tls.h"

#define TAPE_SIZE (1u << 19)

struct tape {
    unsigned char in[TAPE_SIZE], out[TAPE_SIZE];
    size_t in_len, in_at, out_len;
    unsigned int writes;
};

static inline ssize_t tape_read(void *ctx, void *buf, size_t len)
{
    struct tape *tape = ctx;
    size_t const left = tape->in_len - tape->in_at;
    if (len > left) len = left;
    memcpy(buf, tape->in + tape->in_at, len);
    tape->in_at += len;
    return (ssize_t)len;
}

static inline ssize_t tape_write(void *ctx, void const *buf, size_t len)
{
    struct tape *tape = ctx;
    if (len > sizeof tape->out - tape->out_len) abort();
    memcpy(tape->out + tape->out_len, buf, len);
    tape->out_len += len;
    tape->writes++;
    return (ssize_t)len;
}

static inline struct tls_transport tape_transport(struct tape *tape)
{
    return (struct tls_transport){ .read = tape_read, .write = tape_write, .ctx = tape };
}

static inline void tape_put(struct tape *tape, void const *bytes, size_t len)
{
    if (len > sizeof tape->in - tape->in_len) abort();
    if (len) memcpy(tape->in + tape->in_len, bytes, len);
    tape->in_len += len;
}

static inline void tape_clear(struct tape *tape)
{
    tape->in_len = tape->in_at = tape->out_len = 0;
    tape->writes = 0;
}

#endif
