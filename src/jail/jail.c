/* ISC license. */

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jail/internal.h"

static void lower(struct rlimit *limit, rlim_t value)
{
    if (value > limit->rlim_max) value = limit->rlim_max;
    *limit = (struct rlimit){ .rlim_cur = value, .rlim_max = value };
}

static int limit_cpu(rlim_t seconds)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CPU, &limit) < 0) return -1;
    lower(&limit, seconds);
    return setrlimit(RLIMIT_CPU, &limit);
}

static int limit_memory(rlim_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) < 0) return -1;
    lower(&limit, bytes);
    return setrlimit(RLIMIT_DATA, &limit);
}

static int limit_resources(struct jail const *jail)
{
    static struct rlimit const none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0) return -1;
    if (setrlimit(RLIMIT_NPROC, &none) < 0) return -1;
    if (jail->cpu_seconds && limit_cpu(jail->cpu_seconds) < 0) return -1;
    if (!HAS_SHADOW_MEMORY && jail->memory && limit_memory(jail->memory) < 0) return -1;
    return jail_forbid_descriptors(jail->kept_count);
}

static int become(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0) return -1;
    return setresuid(uid, uid, uid);
}

/* Inherited securebits, for one, may keep what should be lost. */
static int cannot_come_back(uid_t uid, gid_t gid)
{
    uid_t u[3];
    gid_t g[3];
    if (getresuid(u, u + 1, u + 2) < 0 || getresgid(g, g + 1, g + 2) < 0) return -1;
    errno = EPERM;
    for (size_t i = 0; i < 3; i++)
        if (u[i] != uid || g[i] != gid) return -1;
    if (getgroups(0, NULL)) return -1;
    return uid && setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ? -1 : 0;
}

/* After a change of uid: that forgets both. The parent may have died before. */
static int settle(pid_t parent)
{
    if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0) return -1;
    if (!parent) return 0;
    if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) < 0) return -1;
    errno = ESRCH;
    return getppid() == parent ? 0 : -1;
}

/* 1 when it went well; else what names it. */
static int did(int result, char const *name, char const **what)
{
    if (result < 0) *what = name;
    return result >= 0;
}

static int leave_root(struct jail const *jail, char const **what)
{
    return did(jail_empty_root(), "empty root directory", what) &&
           did(limit_resources(jail), "resource limits", what) &&
           did(become(jail->uid, jail->gid), "change of uid and gid", what) &&
           did(cannot_come_back(jail->uid, jail->gid), "giving up the former uid and gid", what);
}

static int stay(struct jail const *jail, char const **what)
{
    return did(limit_resources(jail), "resource limits", what);
}

int jail_enter(struct jail const *jail, char const **what)
{
    if (jail->kept && !did(jail_close_others(jail->kept, jail->kept_count), "closing descriptors", what))
        return -1;
    int const in = jail->is_root ? leave_root(jail, what) : stay(jail, what);
    if (!in || !did(settle(jail->parent), "parent's death signal", what)) return -1;
    if (!did(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L), "no new privileges", what)) return -1;
    return did(jail_filter_calls(), "system call filter", what) ? 0 : -1;
}
