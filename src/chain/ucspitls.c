/* ISC license. */

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/ucspitls.h"

static void open_control(struct ucspitls_ends *ends, struct ucspitls *u)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        strerr_diefsys(EXIT_SYSTEM, "socketpair");
    ends->control = pair[0];
    u->control = pair[1];
}

static void open_pipes(struct ucspitls_ends *ends, struct ucspitls *u)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) strerr_diefsys(EXIT_SYSTEM, "pipe");
    ends->read = in[0];
    ends->write = out[1];
    u->to_prog = in[1];
    u->from_prog = out[0];
}

/* Duplicates the descriptors, because prog may close those of the connection. */
static void copy_connection(struct ucspitls_ends *ends, struct ucspitls *u)
{
    ends->read = fcntl(u->chain.connection.fdr, F_DUPFD_CLOEXEC, 3);
    ends->write = fcntl(u->chain.connection.fdw, F_DUPFD_CLOEXEC, 3);
    if (ends->read < 0 || ends->write < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
    u->to_prog = u->from_prog = -1;
}

void ucspitls_open_ends(struct ucspitls_ends *ends, struct ucspitls *u)
{
    open_control(ends, u);
    if (u->chain.options.mode == MODE_KERNEL)
        copy_connection(ends, u);
    else
        open_pipes(ends, u);
}

pid_t ucspitls_fork(void)
{
    pid_t const pid = fork();
    if (pid < 0) strerr_diefsys(EXIT_SYSTEM, "fork");
    return pid;
}

/* Uses a low number, because some shells accept only one digit in redirections. */
static void give_descriptor(stralloc *changes, char const *variable, int fd)
{
    int const given = dup(fd);
    if (given < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
    close(fd);
    program_change_number(changes, variable, (unsigned int)given);
}

void ucspitls_exec_prog(struct ucspitls_ends const *ends, struct ucspitls const *u)
{
    stralloc changes = STRALLOC_ZERO;
    close(u->control);
    if (u->to_prog >= 0) close(u->to_prog);
    if (u->from_prog >= 0) close(u->from_prog);
    chain_change_environment(&changes, &u->chain, NULL);
    give_descriptor(&changes, "SSLCTLFD", ends->control);
    give_descriptor(&changes, "SSLREADFD", ends->read);
    give_descriptor(&changes, "SSLWRITEFD", ends->write);
    program_exec(u->chain.prog, &changes);
}
