/* ISC license. */

/*
 * Executes prog with a library preloaded under which a kernel TLS socket behaves
 * like a pipe.
 */

#include <stdlib.h>
#include <unistd.h>

#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "eof/eof.h"
#include "program/program.h"

static struct option_table const table = { .rows = NULL, .count = 0, .program = 1 };

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
    char library[PATH_MAX];
    stralloc changes = STRALLOC_ZERO;

    PROG = EOF_PROGRAM;
    char const *const *prog = program_scan_options(&table, NULL, argc, argv);
    if (!*prog) program_die_usage(&table);
    char const *const why = eof_refusal(*prog, library);
    if (why) strerr_dief(EXIT_ENGINE, *prog, ": ", why, ": use ktls-tlsd -m relay");
    preload(&changes, library);
    program_change_number(&changes, EOF_PID, (unsigned int)getpid());
    program_exec(prog, &changes);
}
