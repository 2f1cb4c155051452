/* ISC license. */

/* Private to this layer: the single restrictions ("walls"). Functions return 0, or -1 with errno. */

#ifndef KTLS_JAIL_INTERNAL_H
#define KTLS_JAIL_INTERNAL_H

#include "jail/jail.h"

/* AddressSanitizer, in builds for tests, maps more memory than any limit allows and
   uses further system calls. */
#if defined __SANITIZE_ADDRESS__
#define HAS_SHADOW_MEMORY 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAS_SHADOW_MEMORY 1
#endif
#endif
#ifndef HAS_SHADOW_MEMORY
#define HAS_SHADOW_MEMORY 0
#endif

/* ---- root.c ---- */

/* Changes root to `directory` and closes it; 0: to the /proc directory of a dead process,
   or to a removed directory. */
extern int jail_empty_root(int directory);

/* ---- filter.c ---- */

extern int jail_filter_calls(unsigned int jobs);

#endif
