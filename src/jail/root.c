/* ISC license. */

/*
 * Two kinds of empty directory in which nobody can create a file: the /proc directory
 * of a dead process, where nothing can be looked up, and, for systems without
 * /proc, a directory that was removed while it was the working directory.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/internal.h"

#define OWN_FDINFO "/proc/self/fdinfo"

/* /proc may be a copy, or that of another machine, which would not become empty. */
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

/* The child shares our root and working directories, and the parent continues after the child's death. */
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

/* ---- a removed directory ---- */

/* One of these is usually writable, even when the root file system is not. */
static char const *const places[] = { "/tmp", "/dev/shm", "/run", "/var/tmp", "." };

static int open_removed(char const *place)
{
    char path[64];
    snprintf(path, sizeof path, "%s/.empty-XXXXXX", place);
    if (!mkdtemp(path)) return -1;
    int const fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rmdir(path) == 0 || fd < 0) return fd;
    close(fd);
    return -1;
}

int jail_open_empty_root(void)
{
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < sizeof places / sizeof *places; i++) fd = open_removed(places[i]);
    return fd;
}

/* Closes it. */
static int move_to(int directory)
{
    int const moved = fchdir(directory) < 0 || chroot(".") < 0 ? -1 : chdir("/");
    int const saved = errno;
    close(directory);
    errno = saved;
    return moved;
}

static int move_to_removed_directory(void)
{
    int const fd = jail_open_empty_root();
    return fd < 0 ? -1 : move_to(fd);
}

int jail_empty_root(int directory)
{
    if (directory > 0) return move_to(directory);
    return move_to_dead_process() < 0 ? move_to_removed_directory() : 0;
}
