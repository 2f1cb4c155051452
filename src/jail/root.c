/* ISC license. */

/*
 * An empty directory that nobody can fill. That of a process that is gone, in
 * /proc, is one: there even the directory itself cannot be looked up. So is a
 * directory that was removed while we were in it, for systems without /proc.
 */

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/internal.h"

#define OWN_FDINFO "/proc/self/fdinfo"

/* What is there may be a copy, or another machine's, which stays full. */
static int is_procfs(char const *path)
{
    struct statfs s;
    if (statfs(path, &s) < 0) return 0;
    errno = ENOENT;
    return s.f_type == PROC_SUPER_MAGIC;
}

static int enter_own_fdinfo(void *arg)
{
    (void)arg;
    return !is_procfs(OWN_FDINFO) || chroot(OWN_FDINFO) < 0 || chdir("/") < 0 ? errno : 0;
}

/* The child shares our root and working directories, and we go on when it is dead. */
static int move_to_dead_process(void)
{
    _Alignas(16) unsigned char stack[4096];
    int status;
    pid_t const pid = clone(&enter_own_fdinfo, stack + sizeof stack, CLONE_FS | CLONE_VFORK, NULL);
    if (pid < 0) return -1;
    while (waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR) return -1;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
    return errno ? -1 : 0;
}

static int move_to_removed_directory(void)
{
    char path[] = "/tmp/.empty-XXXXXX";
    if (!mkdtemp(path)) return -1;
    int const entered = chdir(path);
    if (rmdir(path) < 0 || entered < 0 || chroot(".") < 0) return -1;
    return chdir("/");
}

int jail_empty_root(void)
{
    return move_to_dead_process() < 0 ? move_to_removed_directory() : 0;
}
