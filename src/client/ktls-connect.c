/* ISC license. */

#include <stddef.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "client/client.h"

struct options {
    unsigned int fdr, fdw;
    char const *path;
};

#define FIELD(name) offsetof(struct options, name)

static struct option_row const rows[] = {
    { '6', "read-fd", 1, OPTION_NUMBER, FIELD(fdr), 0, "fdr", "where prog reads (default 6)" },
    { '7', "write-fd", 1, OPTION_NUMBER, FIELD(fdw), 0, "fdw", "where prog writes (default 7)" },
    { 'l', "listener", 1, OPTION_TEXT, FIELD(path), 0, "path", "the service that listens there, not KTLS_FD's" },
};

static struct option_table const table = {
    .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1, .operands = "url prog...",
};

int main(int argc, char const *const *argv)
{
    struct options options = { .fdr = 6, .fdw = 7 };
    struct ktls_reply reply;
    stralloc changes = STRALLOC_ZERO;

    PROG = "ktls-connect";
    program_outlive_file_limit();
    argv = program_scan_options(&table, &options, argc, argv);
    if (!argv[0] || !argv[1]) program_die_usage(&table);
    if (options.fdr < 3 || options.fdw < 3)
        strerr_dief(EXIT_USAGE, "--read-fd and --write-fd are 3 or more");

    int const channel = client_open_channel(options.path);
    int const fd = ktls_connect(channel, argv[0], &reply);
    if (fd < 0) return client_explain(&reply, argv[0]);
    client_write_environment(&changes, &reply);
    close(channel);
    client_put(fd, options.fdr, options.fdw);
    program_exec(argv + 1, &changes);
}
