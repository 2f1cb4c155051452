/* ISC license. */

/*
 * Executes prog with a library preloaded under which a kernel TLS socket behaves
 * like a pipe.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/config.h>
#include <skalibs/exec.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"
#include "eof/elf.h"
#include "eof/eof.h"
#include "program/program.h"

static struct option_table const table = { .rows = NULL, .count = 0, .program = 1 };

/* Where exec would find it. 0: nowhere; exec will say it. */
static int find_program(char path[PATH_MAX], char const *name)
{
    char const *folders = getenv("PATH");
    if (strchr(name, '/')) return (size_t)snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
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
static void find_library(char path[PATH_MAX])
{
    if (chain_find_own(path, PATH_MAX, "../lib/" EOF_LIBRARY) && !access(path, R_OK)) return;
    strcpy(path, KTLS_LIBDIR "/" EOF_LIBRARY);
    if (access(path, R_OK) < 0) strerr_diefsys(EXIT_ENGINE, path);
}

/* The dynamic linker splits its list there, and knows no escape. */
static void check_library_path(char const *path)
{
    if (strpbrk(path, ": \t\n"))
        strerr_dief(EXIT_ENGINE, path, ": the dynamic linker cannot preload from a path with a colon or space");
}

static void preload(stralloc *changes, char const *library)
{
    char const *const others = getenv("LD_PRELOAD");
    stralloc list = STRALLOC_ZERO;
    int const added = stralloc_cats(&list, library) &&
                      (!others || !*others || (stralloc_cats(&list, ":") && stralloc_cats(&list, others))) &&
                      stralloc_0(&list);
    if (!added) strerr_diefsys(EXIT_SYSTEM, "memory");
    program_change(changes, "LD_PRELOAD", list.s);
    stralloc_free(&list);
}

int main(int argc, char const *const *argv)
{
    char path[PATH_MAX], library[PATH_MAX];
    stralloc changes = STRALLOC_ZERO;

    PROG = "ktls-eof";
    char const *const *prog = program_scan_options(&table, NULL, argc, argv);
    if (!*prog) program_die_usage(&table);
    char const *const why = find_program(path, *prog) ? preload_refusal(path) : NULL;
    if (why) strerr_dief(EXIT_ENGINE, *prog, ": ", why, ": use ktls-tlsd -m relay");
    find_library(library);
    check_library_path(library);
    preload(&changes, library);
    chain_set_number(&changes, EOF_PID, (unsigned int)getpid());
    chain_exec(prog, &changes);
}
