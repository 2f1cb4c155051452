/* ISC license. */

/* The library that ktls-eof preloads into a program. */

#ifndef KTLS_EOF_H
#define KTLS_EOF_H

#include <limits.h>

#define EOF_PROGRAM "ktls-eof"
#define EOF_LIBRARY "libktls-eof.so"

/* Variables: the process that ktls-eof became, which ends the connection, and the
   descriptor of the memory file with the traffic secrets (struct relay_keys). */
#define EOF_PID "KTLS_EOF_PID"
#define EOF_KEYS_FD "KTLS_KEYS_FD"

/* NULL, with the path of the library, or why the dynamic linker would not preload
   it into prog: static text. */
extern char const *eof_refusal(char const *prog, char library[PATH_MAX]);

#endif
