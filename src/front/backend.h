/* ISC license. */

#ifndef KTLS_BACKEND_H
#define KTLS_BACKEND_H

/* A connection to "host:port", "[ip6]:port" or "unix:/path", close-on-exec and
   blocking. Says why there is none, and exits. timeout_ms 0: no limit. */
extern int backend_connect(char const *where, unsigned int timeout_ms);

#endif
