/* ISC license. */

#include "init/client.h"

#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#define USAGE "ktls-connect [ -6 fdr ] [ -7 fdw ] [ -l path ] url prog..."
#define dieusage() strerr_dieusage(EXIT_USAGE, USAGE)

struct options {
    unsigned int fdr, fdw;
    char const *path;
};

static int parse_options(struct options *options, int argc, char const *const *argv)
{
    subgetopt l = SUBGETOPT_ZERO;
    for (;;) {
        int const opt = subgetopt_r(argc, argv, "6:7:l:", &l);
        switch (opt) {
        case -1: return l.ind;
        case '6':
            if (!uint0_scan(l.arg, &options->fdr)) dieusage();
            break;
        case '7':
            if (!uint0_scan(l.arg, &options->fdw)) dieusage();
            break;
        case 'l': options->path = l.arg; break;
        default: dieusage();
        }
    }
}

int main(int argc, char const *const *argv)
{
    struct options options = { .fdr = 6, .fdw = 7 };
    struct ktls_reply reply;
    stralloc changes = STRALLOC_ZERO;

    PROG = "ktls-connect";
    argv += parse_options(&options, argc, argv);
    if (!argv[0] || !argv[1]) dieusage();
    if (options.fdr < 3 || options.fdw < 3) strerr_dief(EXIT_USAGE, "-6 and -7 are descriptors above 2");

    int const channel = client_open_channel(options.path);
    int const fd = ktls_connect(channel, argv[0], &reply);
    if (fd < 0) return client_explain(&reply, argv[0]);
    client_write_environment(&changes, &reply);
    close(channel);
    client_put(fd, options.fdr, options.fdw);
    client_exec(argv + 1, &changes);
}
