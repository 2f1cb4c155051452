/* ISC license. */

/*
 * prog keeps our pid and gets pipes in the place of the connection; a child,
 * the engine, keeps the connection and moves the bytes.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

#define UNLISTED 1024 /* descriptors below are looked at one by one where there is no /proc */

/* What prog has of the two streams, and what the engine has. */
struct ends {
    int prog_read, prog_write;
    int to_prog, from_prog;
};

static void make_pipes(struct ends *ends)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) strerr_diefsys(EXIT_SYSTEM, "pipe");
    *ends = (struct ends){ in[0], out[1], .to_prog = in[1], .from_prog = out[0] };
}

/* For a prog that reads and writes one descriptor. */
static void make_socket_pair(struct ends *ends)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        strerr_diefsys(EXIT_SYSTEM, "socketpair");
    int const copy = fcntl(pair[1], F_DUPFD_CLOEXEC, 0);
    if (copy < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
    *ends = (struct ends){ pair[0], pair[0], .to_prog = pair[1], .from_prog = copy };
}

static void make_ends(struct ends *ends, struct chain_options const *options)
{
    if (options->read_fd == options->write_fd)
        make_socket_pair(ends);
    else
        make_pipes(ends);
}

/* That the options name, for a prog that others execute. */
static void find_ends(struct ends *ends, struct chain_options const *options)
{
    *ends = (struct ends){ .to_prog = (int)options->to_prog, .from_prog = (int)options->from_prog };
    if (options->to_prog == options->from_prog) ends->from_prog = fcntl(ends->to_prog, F_DUPFD_CLOEXEC, 0);
    if (ends->from_prog < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
}

static void open_ends(struct ends *ends, struct chain_options const *options)
{
    if (options->to_prog == NO_FD)
        make_ends(ends, options);
    else
        find_ends(ends, options);
    /* These open files are ours alone: prog has the other ends. */
    if (ndelay_on(ends->to_prog) < 0 || ndelay_on(ends->from_prog) < 0) strerr_diefsys(EXIT_SYSTEM, "fcntl");
}

static _Noreturn void run_engine(struct chain_options const *options, struct ends const *ends,
                                 struct relay_keys *keys)
{
    struct relay_config const config = {
        .net_read = (int)options->read_fd,
        .net_write = (int)options->write_fd,
        .to_prog = ends->to_prog,
        .from_prog = ends->from_prog,
        .close_notify = options->close_notify != 0,
        .enforce_close_notify = options->enforce_close_notify != 0,
        .idle_ms = options->idle_timeout,
    };
    unsigned int keep[] = { 2, options->read_fd, options->write_fd, (unsigned int)ends->to_prog,
                            (unsigned int)ends->from_prog };
    struct relay_report report;

    chain_close_all_but(keep, sizeof keep / sizeof *keep);
    if (chdir("/") < 0) strerr_diefsys(EXIT_SYSTEM, "chdir");
    relay_run(&config, keys, &report);
    if (report.code && (!report.minor || options->verbosity >= 2))
        strerr_warn(PROG, ": fatal: ", report.text);
    _exit(report.code);
}

static void hide(struct chain_options const *options, unsigned int fd)
{
    if (fd > 2 && chain_is_connection(options, (int)fd)) coe((int)fd);
}

/* Other descriptors of the connection that we were started with: through them
   prog would write past the engine. */
static void hide_connection(struct chain_options const *options)
{
    struct dirent const *entry;
    unsigned int fd;
    DIR *open_files = opendir("/proc/self/fd");
    if (!open_files) {
        for (fd = 3; fd < UNLISTED; fd++) hide(options, fd);
        return;
    }
    while ((entry = readdir(open_files)))
        if (uint0_scan(entry->d_name, &fd)) hide(options, fd);
    closedir(open_files);
}

static void put(int from, unsigned int to)
{
    if (dup2(from, (int)to) < 0) strerr_diefsys(EXIT_SYSTEM, "dup2");
}

static void find_keys(struct relay_keys *keys, struct chain_options const *options)
{
    if (options->keys_fd != NO_FD) chain_load_keys(keys, (int)options->keys_fd);
    else chain_find_keys(keys, (int)options->read_fd);
    if (keys->in_kernel && !chain_is_one_stream((int)options->read_fd, (int)options->write_fd))
        strerr_dief(EXIT_ENGINE, "--read-fd and --write-fd are not one socket");
}

int main(int argc, char const *const *argv)
{
    struct chain_options options;
    struct chain_shield shield;
    struct relay_keys keys;
    struct ends ends;
    stralloc const no_changes = STRALLOC_ZERO;

    PROG = "ktls-relay";
    chain_raise_shield(&shield);
    char const *const *prog = chain_parse_options(&options, CHAIN_RELAY, argc, argv);
    chain_check_descriptors(&options);
    find_keys(&keys, &options);
    open_ends(&ends, &options);
    if (!*prog) run_engine(&options, &ends, &keys);
    pid_t const pid = fork();
    if (!pid) run_engine(&options, &ends, &keys);
    crypto_wipe(&keys, sizeof keys);
    if (pid < 0) strerr_diefsys(EXIT_SYSTEM, "fork");
    hide_connection(&options);
    put(ends.prog_read, options.read_fd);
    put(ends.prog_write, options.write_fd);
    chain_lower_shield(&shield);
    chain_exec(prog, &no_changes);
}
