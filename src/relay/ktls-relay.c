/* ISC license. */

/*
 * This process executes prog, with pipes instead of the connection; a child, the
 * engine, keeps the connection and moves the bytes.
 */

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>

#include "relay/ktls-relay.h"
#include "crypto/crypto.h"
#include "program/program.h"

static void make_pipes(struct relay_ends *ends)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) strerr_diefsys(EXIT_SYSTEM, "pipe");
    *ends = (struct relay_ends){ in[0], out[1], .to_prog = in[1], .from_prog = out[0] };
}

/* For a prog that reads and writes one descriptor, or two of one socket. */
static void make_socket_pair(struct relay_ends *ends)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        strerr_diefsys(EXIT_SYSTEM, "socketpair");
    int const copy = fcntl(pair[1], F_DUPFD_CLOEXEC, 0);
    if (copy < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
    *ends = (struct relay_ends){ pair[0], pair[0], .to_prog = pair[1], .from_prog = copy };
}

static void make_ends(struct relay_ends *ends, struct relay_options const *options)
{
    if (options->one_socket || options->read_fd == options->write_fd)
        make_socket_pair(ends);
    else
        make_pipes(ends);
}

/* Uses the descriptors that the options name, without executing prog. */
static void find_ends(struct relay_ends *ends, struct relay_options const *options)
{
    *ends = (struct relay_ends){ -1, -1, .to_prog = (int)options->to_prog, .from_prog = (int)options->from_prog };
    if (options->to_prog == options->from_prog) ends->from_prog = fcntl(ends->to_prog, F_DUPFD_CLOEXEC, 0);
    if (ends->from_prog < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
}

static void open_ends(struct relay_ends *ends, struct relay_options const *options)
{
    if (options->to_prog == NO_FD)
        make_ends(ends, options);
    else
        find_ends(ends, options);
    /* O_NONBLOCK does not affect prog, which has the other ends. */
    if (ndelay_on(ends->to_prog) < 0 || ndelay_on(ends->from_prog) < 0) strerr_diefsys(EXIT_SYSTEM, "fcntl");
}

static void put(int from, unsigned int to)
{
    if (dup2(from, (int)to) < 0) strerr_diefsys(EXIT_SYSTEM, "dup2");
}

static void find_keys(struct relay_keys *keys, struct relay_options const *options)
{
    int const fdr = (int)options->read_fd, fdw = (int)options->write_fd;
    char const *why = NULL;
    if (options->keys_fd != NO_FD) why = relay_load_keys(keys, (int)options->keys_fd);
    else if (!relay_find_keys(keys, fdr))
        strerr_dief(EXIT_ENGINE, "not a kernel TLS socket, and --keys-fd is not given");
    if (why) strerr_dief(EXIT_ENGINE, "--keys-fd: ", why);
    if (options->keys_fd == NO_FD) process_keep_alive(fdw); /* no program before us has done this */
    if (keys->in_kernel && !process_is_one_stream(fdr, fdw))
        strerr_dief(EXIT_ENGINE, "--read-fd and --write-fd are not one socket");
}

static void hide_copies(struct relay_options const *options)
{
    struct process_stream c[2];
    if (!process_identify(c, (int)options->read_fd) || !process_identify(c + 1, (int)options->write_fd)
        || !relay_hide_copies(c))
        strerr_diefsys(EXIT_SYSTEM, "looking for other descriptors of the connection");
}

/* Returns only in the process that becomes prog. */
static void fork_engine(struct relay_options const *options, struct relay_ends const *ends,
                        struct relay_keys *keys)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0) strerr_diefsys(EXIT_SYSTEM, "pipe");
    pid_t const pid = fork();
    if (!pid) relay_run_engine(options, ends, keys, ready[1]);
    crypto_wipe(keys, sizeof *keys);
    if (pid < 0) strerr_diefsys(EXIT_SYSTEM, "fork");
    close(ready[1]);
    relay_await_engine(pid, ready[0]);
}

int main(int argc, char const *const *argv)
{
    struct relay_options options;
    struct process_hardening before;
    struct relay_ends ends;
    struct relay_keys keys;
    stralloc const no_changes = STRALLOC_ZERO;

    PROG = "ktls-relay";
    program_harden(&before);
    char const *const *prog = relay_parse_options(&options, argc, argv);
    program_check_descriptors((int)options.read_fd, (int)options.write_fd);
    program_name_peer((int)options.read_fd);
    find_keys(&keys, &options);
    open_ends(&ends, &options);
    if (!*prog) relay_run_engine(&options, &ends, &keys, -1);
    hide_copies(&options);
    fork_engine(&options, &ends, &keys);
    put(ends.prog_read, options.read_fd);
    put(ends.prog_write, options.write_fd);
    program_unharden(&before);
    program_exec(prog, &no_changes);
}
