/* ISC license. */

#include "eof/eof.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <skalibs/config.h>

#include "process/process.h"

#define MAX_INTERPRETERS 4 /* a script's interpreter may be a script (execve(2)) */
#define MAX_LINE 256

/* As this program. */
static int is_our_machine(ElfW(Ehdr) const *theirs)
{
    ElfW(Ehdr) ours;
    int const fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 1; /* the dynamic linker will say it */
    int const known = pread(fd, &ours, sizeof ours, 0) == sizeof ours;
    close(fd);
    return !known || (!memcmp(ours.e_ident, theirs->e_ident, EI_DATA + 1) && ours.e_machine == theirs->e_machine);
}

/* The library was made for one libc, and its linker is needed. */
static char const *check_linker(char const *linker)
{
    int const is_musl = strstr(linker, "ld-musl") != NULL;
#ifdef __GLIBC__
    return is_musl ? "the program uses another libc (musl) than ktls-eof's library" : NULL;
#else
    return is_musl ? NULL : "the program uses another libc than ktls-eof's library (musl)";
#endif
}

static char const *check_elf(int fd, ElfW(Ehdr) const *head)
{
    ElfW(Phdr) segment;
    char linker[PATH_MAX] = "";
    if (!is_our_machine(head)) return "the program is for another kind of machine";
    for (unsigned int i = 0; i < head->e_phnum; i++) {
        off_t const at = (off_t)(head->e_phoff + (ElfW(Off))i * head->e_phentsize);
        if (pread(fd, &segment, sizeof segment, at) != sizeof segment) return "the program is malformed";
        if (segment.p_type != PT_INTERP) continue;
        size_t const len = segment.p_filesz < sizeof linker - 1 ? segment.p_filesz : sizeof linker - 1;
        if (pread(fd, linker, len, (off_t)segment.p_offset) != (ssize_t)len) return "the program is malformed";
        return check_linker(linker);
    }
    return "the program is statically linked";
}

static char const *check_rights(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0) return "its file cannot be read";
    if ((st.st_mode & S_ISUID && st.st_uid != geteuid()) || (st.st_mode & S_ISGID && st.st_gid != getegid()))
        return "the program is set-user-ID or set-group-ID";
    if (fgetxattr(fd, "security.capability", NULL, 0) > 0) return "the program has file capabilities";
    return NULL;
}

/* The path behind "#!"; "" when there is none. */
static void read_interpreter(int fd, char path[MAX_LINE])
{
    char line[MAX_LINE];
    ssize_t const len = pread(fd, line, sizeof line - 1, 0);
    *path = 0;
    if (len < 2) return;
    line[len] = 0;
    line[strcspn(line, "\n")] = 0;
    char const *const start = line + 2 + strspn(line + 2, " \t");
    size_t const path_len = strcspn(start, " \t");
    memcpy(path, start, path_len);
    path[path_len] = 0;
}

/* NULL with *interpreter set: that is to be looked at next. */
static char const *check_file(int fd, char interpreter[MAX_LINE])
{
    ElfW(Ehdr) head;
    ssize_t const len = pread(fd, &head, sizeof head, 0);
    *interpreter = 0;
    if (len == sizeof head && !memcmp(head.e_ident, ELFMAG, SELFMAG)) {
        char const *const why = check_rights(fd);
        return why ? why : check_elf(fd, &head);
    }
    if (len >= 2 && !memcmp(&head, "#!", 2)) read_interpreter(fd, interpreter);
    return NULL;
}

static char const *check_program(char const *path)
{
    char interpreter[MAX_LINE];
    char next[MAX_LINE];
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        int const fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) return errno == EACCES ? "its file cannot be read" : NULL; /* exec will say it */
        char const *const why = check_file(fd, interpreter);
        close(fd);
        if (why || !*interpreter) return why;
        memcpy(next, interpreter, sizeof next);
        path = next;
    }
    return NULL;
}

/* Where exec would find it. 0: nowhere; exec will say it. */
static int find_program(char path[PATH_MAX], char const *name)
{
    char const *folders = getenv("PATH");
    if (strchr(name, '/')) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    if (!folders) folders = SKALIBS_DEFAULTPATH;
    for (;; folders++) {
        size_t const len = strcspn(folders, ":");
        int const size = len ? snprintf(path, PATH_MAX, "%.*s/%s", (int)len, folders, name) : 0;
        if (size > 0 && size < PATH_MAX && !access(path, X_OK)) return 1;
        folders += len;
        if (!*folders) return 0;
    }
}

/* Beside this program's folder, where it was built and where it is installed. */
static char const *find_library(char path[PATH_MAX])
{
    if (!process_find_own(path, PATH_MAX, "../lib/" EOF_LIBRARY) || access(path, R_OK) < 0)
        strcpy(path, KTLS_LIBDIR "/" EOF_LIBRARY);
    if (access(path, R_OK) < 0) return EOF_LIBRARY " is not installed";
    /* The dynamic linker splits its list there, and knows no escape. */
    return strpbrk(path, ": \t\n") ? "the path of " EOF_LIBRARY " has a colon or a space" : NULL;
}

char const *eof_refusal(char const *prog, char library[PATH_MAX])
{
    char path[PATH_MAX];
    char const *const why = find_program(path, prog) ? check_program(path) : NULL;
    return why ? why : find_library(library);
}
