/* ISC license. */

/* Looking up what is in a hello. */

#ifndef EXTENSION_BLOCK_H
#define EXTENSION_BLOCK_H

#include "tls/wire.h"

/* p NULL: it is not there. */
static inline struct span find_extension(struct span extensions, unsigned int type)
{
    struct reader block = tls_reader_on(extensions);
    while (block.left && !block.bad) {
        unsigned int const t = tls_read16(&block);
        struct span const body = tls_read_vector16(&block);
        if (t == type) return body;
    }
    return (struct span){ 0 };
}

#endif
