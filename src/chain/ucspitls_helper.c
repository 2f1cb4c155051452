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
    struct endpoint_connection const *connection = &u->chain.connection;
    int const kept[] = { 2, connection->fdr, connection->fdw, u->control, u->to_prog, u->from_prog };
    process_close_others(kept, sizeof kept / sizeof *kept, 0);
    program_check_descriptors(connection->fdr, connection->fdw);
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

/* In mode kernel prog holds the connection as that which is to be protected. A
   child does the work; when it fails, however it does, no byte passes there any
   more, and only then is prog told so. */
static void watch_over_connection(struct endpoint_connection const *connection)
{
    int status;
    signal(SIGCHLD, SIG_DFL); /* ignored, as it may have been inherited, there is no status */
    pid_t const pid = fork();
    if (!pid) return;
    if (pid < 0 || wait_pid(pid, &status) < 0) {
        endpoint_cut(connection);
        strerr_diefsys(EXIT_SYSTEM, "process for the handshake");
    }
    int const code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ENGINE;
    if (code) endpoint_cut(connection);
    _exit(code);
}

/* A prog that does not listen any more does not want to know. */
static void answer_prog(int control, stralloc *variables)
{
    if (!stralloc_0(variables)) strerr_diefsys(EXIT_SYSTEM, "memory");
    for (size_t sent = 0; sent < variables->len;) {
        ssize_t const r = send(control, variables->s + sent, variables->len - sent, MSG_NOSIGNAL);
        if (r < 0) break;
        sent += (size_t)r;
    }
    close(control);
}

void ucspitls_help(struct ucspitls *u, endpoint_handshake *handshake)
{
    struct chain *chain = &u->chain;
    struct process_hardening before;
    struct ucspitls_guard guard;
    stralloc variables = STRALLOC_ZERO;

    close_what_is_progs(u);
    program_harden(&before);
    char const request = await_request(u->control);
    if (chain->options.mode == MODE_KERNEL) watch_over_connection(&chain->connection);
    check_request(request);
    program_name_peer(chain->connection.fdr);
    ucspitls_start_guard(&guard, chain);
    chain_open_connection(chain);
    chain_shake_hands(chain, handshake);
    chain_place_keys(chain);
    ucspitls_end_guard(&guard, chain->session.bytes_sent);
    if (request == 'Y') chain_describe_session(&variables, chain);
    chain_announce(chain);
    chain_forget_session(chain);
    chain_drain_tickets(chain);
    answer_prog(u->control, &variables);
    if (chain->path == PATH_KERNEL) _exit(0);
    chain_become_relay(chain, u->to_prog, u->from_prog);
}
