/* ISC license. */

/* What ktls-eof and its library have in common. */

#ifndef KTLS_EOF_H
#define KTLS_EOF_H

#define EOF_LIBRARY "libktls-eof.so"

/* Variables: the process that ktls-eof became, which ends the connection, and the
   descriptor of the memory file with the traffic secrets (struct relay_keys). */
#define EOF_PID "KTLS_EOF_PID"
#define EOF_KEYS_FD "KTLS_KEYS_FD"

#endif
