/* ISC license. */

/* As execvp(3) of glibc, also with musl: an empty folder in PATH is the current
   one, and what the kernel cannot execute is a script for the shell. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/config.h>

#include "init/init.h"

static char **writable(char const *const *words)
{
    return (char **)(uintptr_t)words;
}

static void execute_by_shell(char const *path, char const *const *prog)
{
    size_t count = 0;
    while (prog[count]) count++;
    char const **words = calloc(count + 2, sizeof *words); /* the shell, and the null at the end */
    if (!words) return;
    words[0] = "/bin/sh";
    words[1] = path;
    memcpy(words + 2, prog + 1, (count - 1) * sizeof *words);
    execve(words[0], writable(words), environ);
    free(words);
}

static void execute_path(char const *path, char const *const *prog)
{
    execve(path, writable(prog), environ);
    if (errno == ENOEXEC) execute_by_shell(path, prog);
}

static int is_elsewhere(void)
{
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ENAMETOOLONG;
}

static void execute_in(char const *folder, size_t len, char const *const *prog)
{
    char path[PATH_MAX];
    errno = ENAMETOOLONG;
    if (!len) folder = ".", len = 1;
    if (snprintf(path, sizeof path, "%.*s/%s", (int)len, folder, prog[0]) < (int)sizeof path)
        execute_path(path, prog);
}

static void search_folders(char const *folders, char const *const *prog)
{
    int is_forbidden = 0;
    for (;; folders++) {
        size_t const len = strcspn(folders, ":");
        execute_in(folders, len, prog);
        if (!is_elsewhere()) return;
        is_forbidden |= errno == EACCES;
        folders += len;
        if (!*folders) break;
    }
    errno = is_forbidden ? EACCES : ENOENT;
}

void init_execute(char const *const *prog)
{
    char const *folders = getenv("PATH");
    errno = ENOENT;
    if (strchr(prog[0], '/'))
        execute_path(prog[0], prog);
    else if (*prog[0])
        search_folders(folders ? folders : SKALIBS_DEFAULTPATH, prog);
}
