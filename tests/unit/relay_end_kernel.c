/* ISC license. */
/* needs: ktls (every kernel)
   The ends of a relayed connection where the kernel makes the records. */

#define IN_KERNEL 1

#include "relay_end.c"
