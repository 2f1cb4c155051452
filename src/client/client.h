/* ISC license. */

/* What ktls-connect and ktls-accept share: programs that ask ktls-init for
   connections and execute prog with them. */

#ifndef KTLS_CLIENT_H
#define KTLS_CLIENT_H

#include <skalibs/stralloc.h>

#include "control/service.h"
#include "program/program.h"

/* A channel of our own to the service at a path, NULL: to the inherited one. */
extern int client_open_channel(char const *path);

/* Says why there is no connection, by errno; the code to exit with. */
extern int client_explain(struct ktls_reply const *reply, char const *url);

/* Changes to the environment: what was negotiated (SSL_*), and by UCSPI's names
   the ends of the connection. */
extern void client_write_environment(stralloc *changes, struct ktls_reply const *reply);

/* fd on both numbers, which are then not closed by exec. */
extern void client_put(int fd, unsigned int fdr, unsigned int fdw);

#endif
