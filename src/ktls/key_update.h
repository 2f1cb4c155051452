/* ISC license. */

/* Private to this layer: KeyUpdate (RFC 8446, 4.6.3). These give 0 or an errno. */

#ifndef KTLS_KEY_UPDATE_H
#define KTLS_KEY_UPDATE_H

#include "ktls/ktls.h"

/* Goes on with the next keys in a direction. */
extern int ktls_install_next(int fd, enum ktls_direction direction, struct ktls_secrets *secrets);

/* Sends KeyUpdate, with flags for sendmsg(2), and goes on with the next keys. */
extern int ktls_send_key_update(int fd, struct ktls_secrets *secrets, unsigned char request, int flags);

#endif
