/* ISC license. */

/* Tells what this kernel's TLS can do, by trying, or whether a configuration is sound. */

#include <stdio.h>
#include <stdlib.h>

#include <skalibs/strerr.h>

#include "check/check.h"

struct options {
    struct check_configuration configuration;
    unsigned int json, verbosity;
    char const *pins;
};

static struct option_row const rows[] = {
    { 'p', "pins", 1, OPTION_TEXT, offsetof(struct options, pins), 0, "certfile",
      "the pins of a file's certificates, and nothing else" },
    { 's', "server", 1, OPTION_FLAG, offsetof(struct options, configuration.server), 1, NULL,
      "whether ktls-tlsd could serve with this environment, instead of the kernel" },
    { 'c', "client", 1, OPTION_FLAG, offsetof(struct options, configuration.client), 1, NULL,
      "the same of ktls-tlsc" },
    { 'k', "sni-level", 1, OPTION_NUMBER, offsetof(struct options, configuration.sni_level), 0, "snilevel",
      "of the server" },
    { 'y', "client-cert", 1, OPTION_FLAG, offsetof(struct options, configuration.client_auth), 1, NULL,
      "the server asks for a certificate, or the client has one" },
    { 'j', "json", 1, OPTION_FLAG, offsetof(struct options, json), 1, NULL, "as JSON" },
    { 'v', "verbosity", 1, OPTION_NUMBER, offsetof(struct options, verbosity), 0, "verbosity",
      "0: only the exit code, 1 (default), 2: and why not" },
};

static void end_output(void)
{
    if (fflush(stdout) || ferror(stdout)) strerr_diefsys(EXIT_SYSTEM, "standard output");
}

static struct option_table const table = {
    .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1, .operands = ""
};

static int check_environment(struct options *options)
{
    options->configuration.json = options->json;
    options->configuration.verbosity = options->verbosity;
    int const is_sound = check_configuration(&options->configuration);
    end_output();
    return is_sound ? 0 : EXIT_CREDENTIAL;
}

int main(int argc, char const *const *argv)
{
    static struct check_report report;
    struct options options = { .verbosity = 1 };

    PROG = "ktls-check";
    if (*program_scan_options(&table, &options, argc, argv)) program_die_usage(&table);
    if (options.pins) {
        check_print_pins(options.pins);
        end_output();
        return 0;
    }
    if (options.configuration.server || options.configuration.client) return check_environment(&options);
    if (uname(&report.system) < 0) strerr_diefsys(EXIT_SYSTEM, "uname");
    check_read_counters(&report);
    if (!check_try(&report)) strerr_diefsys(EXIT_SYSTEM, "a connection on 127.0.0.1");
    if (!report.counters) check_read_counters(&report); /* the module may have come just now */
    check_advise(&report);
    if (options.json)
        check_print_json(&report);
    else
        check_print_text(&report, options.verbosity);
    end_output();
    return check_is_complete(&report) ? 0 : 1;
}
