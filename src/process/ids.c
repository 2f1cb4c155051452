/* ISC license. */

#include <sys/syscall.h>
#include <unistd.h>

#include "process/process.h"

#ifdef SYS_setresuid32
#define SET_GROUPS SYS_setgroups32
#define SET_GIDS SYS_setresgid32
#define SET_UIDS SYS_setresuid32
#else
#define SET_GROUPS SYS_setgroups
#define SET_GIDS SYS_setresgid
#define SET_UIDS SYS_setresuid
#endif

/* Without libc, whose functions change all threads with many more system calls: our programs have one thread. */
int process_become(uid_t uid, gid_t gid)
{
    return syscall(SET_GROUPS, 0, NULL) == 0 && syscall(SET_GIDS, gid, gid, gid) == 0
           && syscall(SET_UIDS, uid, uid, uid) == 0;
}

int process_can_be_root(void)
{
    return syscall(SET_UIDS, (uid_t)-1, 0, (uid_t)-1) == 0;
}
