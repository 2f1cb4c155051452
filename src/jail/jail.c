/* ISC license. */

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jail/internal.h"
#include "process/capabilities.h"
#include "process/process.h"

#define MIN_POLL 2

static void lower_limit(struct rlimit *limit, rlim_t value)
{
    if (value > limit->rlim_max) value = limit->rlim_max;
    *limit = (struct rlimit){ .rlim_cur = value, .rlim_max = value };
}

static int limit_cpu(rlim_t seconds)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CPU, &limit) < 0) return -1;
    lower_limit(&limit, seconds);
    return setrlimit(RLIMIT_CPU, &limit);
}

static int limit_memory(rlim_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) < 0) return -1;
    lower_limit(&limit, bytes);
    return setrlimit(RLIMIT_DATA, &limit);
}

/* poll(2) accepts no more entries than RLIMIT_NOFILE. */
static int forbid_descriptors(size_t needed_by_poll)
{
    int const free_fd = dup(STDIN_FILENO);
    if (free_fd < 0 && errno != EBADF) return errno == EMFILE ? 0 : -1;
    if (free_fd > 0) close(free_fd);
    rlim_t count = needed_by_poll < MIN_POLL ? MIN_POLL : needed_by_poll;
    if (free_fd > 0 && count < (rlim_t)free_fd) count = (rlim_t)free_fd;
    return setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = count, .rlim_max = count });
}

static int limit_resources(struct jail const *jail)
{
    static struct rlimit const none = { 0, 0 };
    if (!process_forbid_core() || setrlimit(RLIMIT_NPROC, &none) < 0) return -1;
    if (!jail->may_grow_files && setrlimit(RLIMIT_FSIZE, &none) < 0) return -1;
    if (jail->cpu_seconds && limit_cpu(jail->cpu_seconds) < 0) return -1;
    if (!HAS_SHADOW_MEMORY && jail->memory && limit_memory(jail->memory) < 0) return -1;
    return forbid_descriptors(jail->kept_count);
}

/* Checks the result, because inherited securebits, for example, may preserve rights. */
static int cannot_come_back(uid_t uid, gid_t gid)
{
    uid_t u[3];
    gid_t g[3];
    if (getresuid(u, u + 1, u + 2) < 0 || getresgid(g, g + 1, g + 2) < 0) return -1;
    errno = EPERM;
    for (size_t i = 0; i < 3; i++)
        if (u[i] != uid || g[i] != gid) return -1;
    if (getgroups(0, NULL)) return -1;
    return uid && process_can_be_root() ? -1 : 0;
}

/* Must come after a change of uid, which resets both settings. The parent may have died before. */
static int settle_with_parent(pid_t parent)
{
    if (!process_forbid_tracing()) return -1;
    if (!parent) return 0;
    if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) < 0) return -1;
    errno = ESRCH;
    return getppid() == parent ? 0 : -1;
}

static int leave_account(struct jail const *jail)
{
    if (!process_become(jail->uid, jail->gid)) return -1;
    return cannot_come_back(jail->uid, jail->gid);
}

static int close_not_kept(struct jail const *jail)
{
    if (jail->kept) process_close_others(jail->kept, jail->kept_count, jail->greatest);
    return 0;
}

static int put_up_wall(struct jail const *jail, enum jail_wall wall)
{
    switch (wall) {
    case JAIL_DESCRIPTORS: return close_not_kept(jail);
    case JAIL_ROOT: return jail->is_root ? jail_empty_root(jail->root) : 0;
    case JAIL_LIMITS: return limit_resources(jail);
    case JAIL_ACCOUNT: return jail->is_root ? leave_account(jail) : 0;
    case JAIL_CAPABILITIES: return capabilities_drop() ? 0 : -1;
    case JAIL_SETTLE: return settle_with_parent(jail->parent);
    case JAIL_PRIVILEGES: return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    case JAIL_FILTER: return jail_filter_calls(jail->jobs);
    case JAIL_WALLS: break;
    }
    errno = EINVAL;
    return -1;
}

char const *jail_wall_name(enum jail_wall wall)
{
    static char const *const names[JAIL_WALLS] = {
        [JAIL_DESCRIPTORS] = "closing descriptors",
        [JAIL_ROOT] = "empty root directory",
        [JAIL_LIMITS] = "resource limits",
        [JAIL_ACCOUNT] = "change of uid and gid",
        [JAIL_CAPABILITIES] = "giving up capabilities",
        [JAIL_SETTLE] = "parent's death signal",
        [JAIL_PRIVILEGES] = "no new privileges",
        [JAIL_FILTER] = "system call filter",
    };
    return names[wall];
}

int jail_enter(struct jail const *jail, char const **what)
{
    int error = 0;
    for (enum jail_wall wall = 0; wall < JAIL_WALLS; wall++) {
        if (jail->without & 1u << wall || put_up_wall(jail, wall) == 0) continue;
        *what = jail_wall_name(wall);
        if (!(jail->optional & 1u << wall)) return -1;
        error = errno;
    }
    errno = error;
    return 0;
}
