/* ISC license. */

#include <grp.h>
#include <unistd.h>

#include "process/process.h"

int process_become(uid_t uid, gid_t gid)
{
    return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}
