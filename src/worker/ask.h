/* ISC license. */

/* A certificate and its key on their way into a jail. */

#ifndef KTLS_WORKER_ASK_H
#define KTLS_WORKER_ASK_H

#include <stdint.h>

#define ASK_MAX_FILE (128u << 10)

struct ask_deposit {
    uint32_t cert_len, key_len; /* cert_len 0: none; then key_len bytes say why */
    char bytes[2 * ASK_MAX_FILE];
};

#endif
