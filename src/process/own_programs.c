/* ISC license. */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/exec.h>

#include "process/process.h"

/* 0: there is no /proc, or the path is too long. */
int process_find_own(char *path, size_t max, char const *name)
{
    ssize_t const len = readlink("/proc/self/exe", path, max);
    errno = ENOENT;
    if (len <= 0 || (size_t)len >= max) return 0;
    path[len] = 0;
    char *base = strrchr(path, '/');
    if (!base || (size_t)(base + 1 - path) + strlen(name) >= max) return 0;
    strcpy(base + 1, name);
    return 1;
}

void process_exec_own(char const *const *argv, stralloc const *changes)
{
    char path[PATH_MAX];
    if (process_find_own(path, sizeof path, argv[0])) mexec_am(path, argv, changes->s, changes->len);
    if (errno == ENOENT) mexec_m(argv, changes->s, changes->len);
}
