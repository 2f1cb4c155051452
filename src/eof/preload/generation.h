/* ISC license. */

/*
 * The next keys of a connection (RFC 8446, 7.2), from the traffic secrets that
 * the handshake left in a memory file. Nothing secret is kept in memory, and
 * nothing is written: several processes may share the connection, so which
 * generation is in use is found out from the kernel each time.
 */

#ifndef KTLS_EOF_GENERATION_H
#define KTLS_EOF_GENERATION_H

#include "ktls/ktls.h"

/* 1 when there is a memory file with secrets. */
extern int generation_available(void);
/* fd is a socket of that connection. */
extern void generation_use(int fd);
/* For struct ktls_secrets. */
extern int generation_next(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys);

#endif
