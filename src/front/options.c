/* ISC license. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "front/front.h"

#define MAX_OPTIONS 96
#define BY_ROW 256 /* what getopt_long returns: this and the row */

/* What getopt_long wants to know. */
struct getopt_tables {
    char letters[2 + 2 * MAX_OPTIONS + 1];
    struct option names[MAX_OPTIONS + 2];
};

static _Noreturn void die_usage(struct front_syntax const *syntax)
{
    strerr_die(EXIT_USAGE, PROG, ": usage: ", PROG, " [ options ] ", syntax->operands, "; --help lists them");
}

static _Noreturn void show_help(struct front_syntax const *syntax)
{
    printf("usage: %s [ options ] %s\n", PROG, syntax->operands);
    for (size_t i = 0; i < syntax->count; i++) {
        struct front_option const *option = &syntax->options[i];
        char const letter[] = { '-', option->letter, ',', 0 };
        char left[64];
        snprintf(left, sizeof left, "%3s --%s %s", option->letter ? letter : "", option->name,
                 option->argument ? option->argument : "");
        printf("  %-38s %s\n", left, option->meaning);
    }
    exit(fflush(stdout) ? EXIT_SYSTEM : 0);
}

static void fill_tables(struct getopt_tables *tables, struct front_syntax const *syntax)
{
    char *letter = tables->letters;
    struct option *name = tables->names;
    *letter++ = '+'; /* stop at the operands */
    for (size_t i = 0; i < syntax->count; i++) {
        struct front_option const *option = &syntax->options[i];
        int const argument = option->argument ? required_argument : no_argument;
        *name++ = (struct option){ option->name, argument, NULL, BY_ROW + (int)i };
        if (!option->letter) continue;
        *letter++ = option->letter;
        if (option->argument) *letter++ = ':';
    }
    *letter = 0;
    *name++ = (struct option){ "help", no_argument, NULL, BY_ROW + (int)syntax->count };
    *name = (struct option){ NULL, 0, NULL, 0 };
}

static struct front_option const *find_option(struct front_syntax const *syntax, int found)
{
    if (found == BY_ROW + (int)syntax->count) show_help(syntax);
    if (found >= BY_ROW) return &syntax->options[found - BY_ROW];
    for (size_t i = 0; i < syntax->count; i++)
        if (syntax->options[i].letter == found) return &syntax->options[i];
    die_usage(syntax);
}

static void take(genalloc *given, struct front_option const *option, char const *argument)
{
    struct front_given const one = { option, option->argument ? argument : NULL };
    unsigned int number;
    if (option->kind == FRONT_NUMBER && !uint0_scan(argument, &number))
        strerr_dief(EXIT_USAGE, "--", option->name, ": not a number: ", argument);
    if (!genalloc_append(struct front_given, given, &one)) strerr_diefsys(EXIT_SYSTEM, "memory");
}

char const *const *front_scan(genalloc *given, struct front_syntax const *syntax, int argc,
                              char const *const *argv)
{
    /* getopt_long leaves the words alone: "+" forbids it to sort them. */
    char *const *const words = (char *const *)(uintptr_t)argv;
    struct getopt_tables tables;
    if (syntax->count > MAX_OPTIONS) strerr_dief(EXIT_SYSTEM, "options: too many for the table");
    fill_tables(&tables, syntax);
    opterr = 0;
    for (;;) {
        int const found = getopt_long(argc, words, tables.letters, tables.names, NULL);
        if (found == -1) break;
        take(given, find_option(syntax, found), optarg);
    }
    if ((size_t)(argc - optind) < syntax->operand_count) die_usage(syntax);
    return argv + optind;
}
