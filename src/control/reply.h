/* ISC license. */

/* Private to this layer. */

#ifndef KTLS_CONTROL_REPLY_H
#define KTLS_CONTROL_REPLY_H

#include "control/service.h"

/* Makes words of the len bytes in reply->packet; reply->fd stays. 0: they are
   not the protocol's. */
extern int ktls_parse_reply(struct ktls_reply *reply, size_t len);

#endif
