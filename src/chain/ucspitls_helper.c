/* ISC license. */

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>

#include "chain/ucspitls.h"

/* prog's ends above all: while we had them, nobody would see them closed. */
static void close_what_is_progs(struct ucspitls const *u)
{
    struct chain_options const *options = &u->options;
    int const kept[] = { 2, (int)options->read_fd, (int)options->write_fd, u->control,
                         u->pipes.to_prog, u->pipes.from_prog };
    process_close_others(kept, sizeof kept / sizeof *kept, 0);
    program_check_descriptors((int)options->read_fd, (int)options->write_fd);
}

/* Returns when prog has said something. */
static char await_request(int control)
{
    char request;
    ssize_t const r = read(control, &request, 1);
    if (r < 0) strerr_diefsys(EXIT_SYSTEM, "reading SSLCTLFD");
    if (r == 0) _exit(0);
    return request;
}

static void check_request(char request)
{
    if (request != 'y' && request != 'Y')
        strerr_dief(EXIT_USAGE, "a byte on SSLCTLFD that is neither y nor Y");
}

static struct chain_connection connection_of(struct chain_options const *options)
{
    return (struct chain_connection){ .fdr = (int)options->read_fd, .fdw = (int)options->write_fd };
}

/* In mode kernel prog holds the connection as that which is to be protected. A
   child does the work; when it fails, however it does, no byte passes there any
   more, and only then is prog told so. */
static void watch_over_connection(struct chain_options const *options)
{
    struct chain_connection const connection = connection_of(options);
    int status;
    signal(SIGCHLD, SIG_DFL); /* ignored, as it may have been inherited, there is no status */
    pid_t const pid = fork();
    if (!pid) return;
    if (pid < 0 || wait_pid(pid, &status) < 0) {
        chain_cut_connection(&connection);
        strerr_diefsys(EXIT_SYSTEM, "process for the handshake");
    }
    int const code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ENGINE;
    if (code) chain_cut_connection(&connection);
    _exit(code);
}

/* A prog that does not listen any more does not want to know. */
static void answer(int control, stralloc *variables)
{
    if (!stralloc_0(variables)) strerr_diefsys(EXIT_SYSTEM, "memory");
    for (size_t sent = 0; sent < variables->len;) {
        ssize_t const r = send(control, variables->s + sent, variables->len - sent, MSG_NOSIGNAL);
        if (r < 0) break;
        sent += (size_t)r;
    }
    close(control);
}

static _Noreturn void become_engine(struct ucspitls const *u, int keys_fd)
{
    char const *const no_prog = NULL;
    stralloc const no_changes = STRALLOC_ZERO;
    if (uncoe(u->pipes.to_prog) < 0 || uncoe(u->pipes.from_prog) < 0)
        strerr_diefsys(EXIT_SYSTEM, "fcntl");
    chain_exec_relay(&u->options, &u->input, &u->pipes, keys_fd, &no_prog, &no_changes);
}

static void shake_hands(struct ucspitls *u, struct chain_connection *connection,
                        struct ucspitls_guard *guard, struct tls_session *session)
{
    struct chain_options const *options = &u->options;
    *connection = connection_of(options);
    program_name_peer(connection->fdr);
    ucspitls_start_guard(guard, u->role, connection);
    chain_open_connection(connection, options);
    chain_shake_hands(u->role, u->handshake, options, &u->input, &u->config, connection, session);
}

void ucspitls_help(struct ucspitls *u)
{
    struct process_hardening before;
    struct chain_connection connection;
    struct ucspitls_guard guard;
    struct tls_session session;
    stralloc variables = STRALLOC_ZERO;
    int keys_fd;

    close_what_is_progs(u);
    program_harden(&before);
    char const request = await_request(u->control);
    if (u->options.mode == MODE_KERNEL) watch_over_connection(&u->options);
    check_request(request);
    shake_hands(u, &connection, &guard, &session);
    enum chain_path const path = chain_place_keys(u->role, &u->options, &connection, &session, &keys_fd);
    ucspitls_end_guard(&guard, session.bytes_sent);

    int const has_tickets = u->role == CHAIN_TLSC && session.version == TLS_1_3;
    unsigned int const rtt_ms = session.rtt_ms;
    if (request == 'Y') chain_describe_session(&variables, &session, chain_path_name(path));
    chain_announce(&u->options, &session, path);
    crypto_wipe(&session, sizeof session);
    chain_settle_connection(&connection);
    if (path == PATH_KERNEL && has_tickets) chain_drain_or_die(&u->input, &connection, rtt_ms);
    answer(u->control, &variables);
    if (path == PATH_KERNEL) _exit(0);
    become_engine(u, keys_fd);
}
