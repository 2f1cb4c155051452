/* ISC license. */

#include <stdlib.h>

#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "init/init.h"

#define DEFAULT_MAX_HANDSHAKES 256
#define FIELD(name) offsetof(struct init_options, name)

static struct option_row const rows[] = {
    { 's', "subreaper", 1, OPTION_FLAG, FIELD(subreaper), 1, NULL,
      "reap descendants without being process 1 (TINI_SUBREAPER)" },
    { 'p', "parent-death-signal", 1, OPTION_TEXT, FIELD(death_signal_name), 0, "signal",
      "what our parent's death sends" },
    { 'v', "verbose", 1, OPTION_COUNT, FIELD(verbosity), 0, NULL, "say more (TINI_VERBOSITY)" },
    { 'w', "warn-reaped", 1, OPTION_FLAG, FIELD(warn_reaped), 1, NULL,
      "tell of the orphans that are reaped" },
    { 'g', "kill-group", 1, OPTION_FLAG, FIELD(kill_group), 1, NULL,
      "signals go to prog's process group (TINI_KILL_PROCESS_GROUP)" },
    { 'e', "expect-code", 1, OPTION_MARK, FIELD(succeeded), 0, "code", "exit 0 when prog exits with this" },
    { 'n', "no-service", 1, OPTION_FLAG, FIELD(no_service), 1, NULL, "no socket service, only an init" },
    { 'c', "max-handshakes", 1, OPTION_NUMBER, FIELD(service.max), 0, "max",
      "handshakes at a time (default 256)" },
    { 'C', "key-dir", 1, OPTION_TEXT, FIELD(service.key_dir), 0, "dir",
      "where the files are that clients name" },
    { 'l', "listen", 1, OPTION_TEXT, FIELD(service.path), 0, "path", "a control socket for others" },
    { 'U', "uids", 1, OPTION_TEXT, FIELD(service.uids), 0, "uid,...",
      "who may use it besides root and us" },
    { 'h', "help", 1, OPTION_HELP, 0, 0, NULL, "show this" },
};

static struct option_table const table = { .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1 };
_Static_assert(sizeof rows / sizeof *rows <= OPTION_ROWS_MAX, "too many options for the scanner");

static void read_environment(struct init_options *options)
{
    char const *verbosity = getenv("TINI_VERBOSITY");
    if (verbosity && !uint0_scan(verbosity, &options->verbosity))
        strerr_dief(EXIT_USAGE, "TINI_VERBOSITY: not a number: ", verbosity);
    if (getenv("TINI_SUBREAPER")) options->subreaper = 1;
    if (getenv("TINI_KILL_PROCESS_GROUP")) options->kill_group = 1;
}

static int scan_signal(char const *name)
{
    int sig;
    if (!sig0_scan(name, &sig) || sig < 1 || sig > SIGRTMAX)
        strerr_dief(EXIT_USAGE, "--parent-death-signal: not a signal: ", name);
    return sig;
}

char const *const *init_parse_options(struct init_options *options, int argc, char const *const *argv)
{
    *options = (struct init_options){ .verbosity = INIT_WARNING,
                                      .service.max = DEFAULT_MAX_HANDSHAKES };
    read_environment(options);
    char const *const *prog = program_scan_options(&table, options, argc, argv);
    if (options->death_signal_name) options->death_signal = scan_signal(options->death_signal_name);
    if (!options->service.max) strerr_dief(EXIT_USAGE, "--max-handshakes is 1 or more");
    if (!*prog) program_die_usage(&table);
    return prog;
}
