/* ISC license. */

/*
 * UCSPI-TLS: prog has the connection as it is, and asks for TLS when it wants
 * it. We become prog; a child, the helper, waits for its word. What prog then
 * reads and writes are pipes, made beforehand, so that it may do so at once; or
 * in mode kernel the connection, which it must leave alone until it is told.
 */

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/ucspitls.h"

/* What prog is given. */
struct ends {
    int control, read, write;
};

static void make_control(struct ends *ends, struct ucspitls *u)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        strerr_diefsys(EXIT_SYSTEM, "socketpair");
    ends->control = pair[0];
    u->control = pair[1];
}

static void make_pipes(struct ends *ends, struct ucspitls *u)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) strerr_diefsys(EXIT_SYSTEM, "pipe");
    ends->read = in[0];
    ends->write = out[1];
    u->pipes = (struct chain_prog_ends){ .to_prog = in[1], .from_prog = out[0] };
}

/* Numbers of their own: prog may close those of the connection. */
static void copy_connection(struct ends *ends, struct chain_options const *options)
{
    ends->read = fcntl((int)options->read_fd, F_DUPFD_CLOEXEC, 3);
    ends->write = fcntl((int)options->write_fd, F_DUPFD_CLOEXEC, 3);
    if (ends->read < 0 || ends->write < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
}

static void make_ends(struct ends *ends, struct ucspitls *u)
{
    make_control(ends, u);
    if (u->options.mode == MODE_KERNEL)
        copy_connection(ends, &u->options);
    else
        make_pipes(ends, u);
}

static void close_helpers_ends(struct ucspitls const *u)
{
    close(u->control);
    if (u->pipes.to_prog < 0) return;
    close(u->pipes.to_prog);
    close(u->pipes.from_prog);
}

/* Under a low number: some shells know those of one digit only. */
static void give(stralloc *changes, char const *variable, int fd)
{
    int const given = dup(fd);
    if (given < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
    close(fd);
    program_change_number(changes, variable, (unsigned int)given);
}

static _Noreturn void exec_prog(struct ends const *ends, struct chain_options const *options,
                                char const *const *prog)
{
    stralloc changes = STRALLOC_ZERO;
    chain_clear_environment(&changes, (int)options->keep);
    give(&changes, "SSLCTLFD", ends->control);
    give(&changes, "SSLREADFD", ends->read);
    give(&changes, "SSLWRITEFD", ends->write);
    program_exec(prog, &changes);
}

void chain_ucspitls(enum chain_program program, chain_handshake *handshake, int argc, char const *const *argv)
{
    struct ucspitls u = { .handshake = handshake, .pipes = { -1, -1 } };
    struct ends ends;

    char const *const *prog = chain_parse_options(&u.options, program, argc, argv);
    u.options.is_upgrade = 1;
    u.role = program == CHAIN_UCSPITLSD ? CHAIN_TLSD : CHAIN_TLSC;
    /* A prog that does not wait is safe with pipes only. */
    if (u.options.mode == MODE_AUTO || u.options.mode == MODE_EOF) u.options.mode = MODE_RELAY;
    chain_read_environment(&u.input);
    chain_configure(&u.config, &u.options);
    program_check_descriptors((int)u.options.read_fd, (int)u.options.write_fd);
    make_ends(&ends, &u);
    pid_t const pid = fork();
    if (pid < 0) strerr_diefsys(EXIT_SYSTEM, "fork");
    if (!pid) ucspitls_help(&u);
    close_helpers_ends(&u);
    exec_prog(&ends, &u.options, prog);
}
