/* ISC license. */

/* Private to this layer: KeyUpdate (RFC 8446, 4.6.3). These functions return 0 or an errno. */

#ifndef KTLS_KEY_UPDATE_H
#define KTLS_KEY_UPDATE_H

#include "ktls/ktls.h"

/* Derives and installs the next keys of a direction. */
extern int ktls_install_next(int fd, enum ktls_direction direction, struct ktls_secrets *secrets);

/* Sends KeyUpdate, with flags for sendmsg(2), then installs the next keys. */
extern int ktls_send_key_update(int fd, struct ktls_secrets *secrets, unsigned char request, int flags);

#endif
