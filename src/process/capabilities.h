/* ISC license. */

/*
 * A change from uid 0 to another takes root's capabilities away, unless an
 * inherited SECBIT_NO_SETUID_FIXUP keeps them (capabilities(7)): these functions
 * take them away in any case, and check that they are gone.
 */

#ifndef KTLS_PROCESS_CAPABILITIES_H
#define KTLS_PROCESS_CAPABILITIES_H

#include <linux/capability.h>

struct capabilities {
    struct __user_cap_data_struct word[_LINUX_CAPABILITY_U32S_3];
};

/* Each gives 1, or 0 with errno. */
extern int capabilities_save(struct capabilities *saved);
/* Those that were saved, as long as they are permitted. */
extern int capabilities_restore(struct capabilities const *saved);
/* None is effective until they are restored. */
extern int capabilities_suspend(void);
/* None will ever be effective again in this process, nor in what it executes
   unless that program's file gives some. */
extern int capabilities_drop(void);

#endif
