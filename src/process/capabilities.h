/* ISC license. */

/*
 * A change from uid 0 to another uid removes root's capabilities, unless an inherited
 * SECBIT_NO_SETUID_FIXUP preserves them (capabilities(7)). These functions remove
 * them in any case, and check the result.
 */

#ifndef KTLS_PROCESS_CAPABILITIES_H
#define KTLS_PROCESS_CAPABILITIES_H

#include <linux/capability.h>

struct capabilities {
    struct __user_cap_data_struct word[_LINUX_CAPABILITY_U32S_3];
};

/* Each function returns 1, or 0 with errno. */
extern int capabilities_save(struct capabilities *saved);
/* Restores the saved capabilities, as far as they are still permitted. */
extern int capabilities_restore(struct capabilities const *saved);
/* Makes all capabilities ineffective until they are restored. */
extern int capabilities_suspend(void);
/* Drops all capabilities permanently, in this process and in the programs that it executes,
   except those that have file capabilities. */
extern int capabilities_drop(void);

#endif
