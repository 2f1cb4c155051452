/* ISC license. */

/*
 * A Unix socket without a name, which whoever inherits a descriptor of it can
 * connect to, as /proc/self/fd/N. The descriptor is opened with O_PATH: it
 * cannot be read, shut down or listened to, so that no heir can take it away
 * from the others, as shutdown(2) of KTLS_FD can.
 */

#ifndef KTLS_SERVICE_HEIRS_H
#define KTLS_SERVICE_HEIRS_H

/* Gives that descriptor and the socket that listens, both close-on-exec; -1 with
   errno where there is no folder to make it in. */
extern int heirs_listen(int *listener);

#endif
