/* ISC license. */
/* needs: ktls (every kernel) */

/* The same where the kernel has the keys. */

#define IN_KERNEL 1
#include "relay_pace.c"
