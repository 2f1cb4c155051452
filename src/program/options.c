/* ISC license. */

#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "program/program.h"

/* What getopt_long returns for a long form. */
enum { LONG_HELP = 256, LONG_VERSION, LONG_ROW /* and more */ };

static int has_row(struct option_table const *table, size_t i)
{
    return (table->rows[i].programs & table->program) != 0;
}

static int is_alternative(struct option_row const *a, struct option_row const *b)
{
    return a && a->kind == OPTION_FLAG && b->kind == OPTION_FLAG && a->field == b->field;
}

static void add_usage_word(stralloc *text, char const *word)
{
    if (!stralloc_cats(text, word)) strerr_diefsys(EXIT_SYSTEM, "memory");
}

static void add_usage(stralloc *text, struct option_row const *row, struct option_row const *before)
{
    char const letter[] = { '-', row->letter, 0 };
    add_usage_word(text, is_alternative(before, row) ? " | " : before ? " ] [ " : " [ ");
    add_usage_word(text, row->letter ? letter : "--");
    if (!row->letter) add_usage_word(text, row->name);
    if (!row->argument) return;
    add_usage_word(text, " ");
    add_usage_word(text, row->argument);
}

static char const *usage_line(struct option_table const *table)
{
    static stralloc text = STRALLOC_ZERO;
    struct option_row const *before = NULL;
    add_usage_word(&text, PROG);
    for (size_t i = 0; i < table->count; i++) {
        if (!has_row(table, i)) continue;
        add_usage(&text, &table->rows[i], before);
        before = &table->rows[i];
    }
    char const *operands = table->operands ? table->operands : "prog...";
    if (before) add_usage_word(&text, " ]");
    if (*operands) add_usage_word(&text, " ");
    add_usage_word(&text, operands);
    if (!stralloc_0(&text)) strerr_diefsys(EXIT_SYSTEM, "memory");
    return text.s;
}

void program_die_usage(struct option_table const *table)
{
    strerr_die(EXIT_USAGE, PROG, ": usage: ", usage_line(table));
}

static char const *fault(int answer, int option)
{
    if (answer == ':') return "missing argument of option";
    return option >= LONG_HELP ? "option takes no argument" : "unknown option";
}

/* Reports the option that getopt_long refused: a letter, or the word that it read last. */
static _Noreturn void die_option(struct option_table const *table, int answer, char const *word)
{
    char const letter[] = { '-', (char)optopt, 0 };
    int const is_letter = optopt > 0 && optopt < LONG_HELP;
    strerr_dief(EXIT_USAGE, fault(answer, optopt), " ", is_letter ? letter : word, "; usage: ",
                usage_line(table));
}

static _Noreturn void exit_shown(void)
{
    exit(fflush(stdout) ? EXIT_SYSTEM : 0);
}

static _Noreturn void show_help(struct option_table const *table)
{
    printf("usage: %s\n", usage_line(table));
    for (size_t i = 0; i < table->count; i++) {
        struct option_row const *row = &table->rows[i];
        if (!has_row(table, i)) continue;
        char const letter[] = { '-', row->letter, ',', 0 };
        char left[64];
        snprintf(left, sizeof left, "%3s --%s %s", row->letter ? letter : "", row->name,
                 row->argument ? row->argument : "");
        printf("  %-34s %s\n", left, row->meaning);
    }
    exit_shown();
}

static _Noreturn void show_version(void)
{
    printf("%s %s\n", PROG, program_version);
    exit_shown();
}

static unsigned int scan_number(struct option_row const *row, char const *argument, unsigned int max)
{
    unsigned int number;
    if (!uint0_scan(argument, &number) || number > max)
        strerr_dief(EXIT_USAGE, "--", row->name, ": not a number", max == UINT_MAX ? ": " : " up to 255: ",
                    argument);
    return number;
}

static void pass_on(struct option_table const *table, void *fields, struct option_row const *row,
                    char const *argument)
{
    if (row->kind == OPTION_NUMBER) scan_number(row, argument, UINT_MAX);
    table->take(fields, row, argument);
}

static void add_text(struct option_texts *texts, struct option_row const *row, char const *argument)
{
    if (texts->count == OPTION_TEXTS_MAX) strerr_dief(EXIT_USAGE, "--", row->name, " is given too often");
    texts->text[texts->count++] = argument;
}

static void set_field(struct option_table const *table, void *fields, struct option_row const *row,
                      char const *argument)
{
    void *field = (char *)fields + row->field;
    switch (row->kind) {
    case OPTION_FLAG: *(unsigned int *)field = row->value; break;
    case OPTION_COUNT: ++*(unsigned int *)field; break;
    case OPTION_TEXT: *(char const **)field = argument; break;
    case OPTION_TEXTS: add_text(field, row, argument); break;
    case OPTION_NUMBER: *(unsigned int *)field = scan_number(row, argument, UINT_MAX); break;
    case OPTION_MARK: ((unsigned char *)field)[scan_number(row, argument, 255)] = 1; break;
    case OPTION_HELP: show_help(table);
    }
}

/* The arguments of getopt_long for one program. */
struct getopt_tables {
    char letters[2 + 2 * OPTION_ROWS_MAX + 1];
    struct option names[OPTION_ROWS_MAX + 3];
};

static void fill_tables(struct getopt_tables *tables, struct option_table const *table)
{
    char *letter = tables->letters;
    struct option *name = tables->names;
    *letter++ = '+'; /* stop at prog */
    *letter++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < table->count; i++) {
        struct option_row const *row = &table->rows[i];
        if (!has_row(table, i)) continue;
        int const argument = row->argument ? required_argument : no_argument;
        if (row->kind != OPTION_HELP)
            *name++ = (struct option){ row->name, argument, NULL, LONG_ROW + (int)i };
        if (!row->letter) continue;
        *letter++ = row->letter;
        if (row->argument) *letter++ = ':';
    }
    *letter = 0;
    *name++ = (struct option){ "help", no_argument, NULL, LONG_HELP };
    *name++ = (struct option){ "version", no_argument, NULL, LONG_VERSION };
    *name = (struct option){ NULL, 0, NULL, 0 };
}

static struct option_row const *find_row(struct option_table const *table, int option)
{
    if (option >= LONG_ROW) return &table->rows[option - LONG_ROW];
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].letter == option && has_row(table, i)) return &table->rows[i];
    return NULL;
}

char const *const *program_scan_options(struct option_table const *table, void *fields, int argc,
                                        char const *const *argv)
{
    struct getopt_tables tables;
    fill_tables(&tables, table);
    optind = 0; /* resets getopt_long */
    opterr = 0;
    for (;;) {
        /* The cast is safe: with "+" getopt_long does not reorder the words. */
        int const option =
            getopt_long(argc, (char *const *)(uintptr_t)argv, tables.letters, tables.names, NULL);
        if (option == -1) return argv + optind;
        if (option == LONG_HELP) show_help(table);
        if (option == LONG_VERSION) show_version();
        struct option_row const *row = find_row(table, option);
        if (!row) die_option(table, option, argv[optind - 1]);
        if (table->take) pass_on(table, fields, row, optarg);
        else set_field(table, fields, row, optarg);
    }
}
