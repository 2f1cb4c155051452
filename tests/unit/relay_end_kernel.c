/* ISC license. */
/* needs: ktls
   The ends of a relayed connection where the kernel makes the records. */

#define IN_KERNEL 1

#include "relay_end.c"
