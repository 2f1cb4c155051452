/* ISC license. */

/* The walls of the jail, in the order in which jail.c puts them up. 0, or -1
   with errno. */

#ifndef KTLS_JAIL_INTERNAL_H
#define KTLS_JAIL_INTERNAL_H

#include "jail/jail.h"

/* AddressSanitizer, in builds for tests, maps more than any limit allows and
   has a system call of its own. */
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

/* The directory that is given, which is closed; 0: that of a dead process, or a
   removed one. */
extern int jail_empty_root(int directory);

/* ---- filter.c ---- */

extern int jail_filter_calls(unsigned int jobs);

#endif
