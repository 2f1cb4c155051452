/* ISC license. */

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>

#include "chain/ucspitls.h"

/* While the helper had prog's ends, too, it would not notice when prog closes them. */
static void close_what_is_progs(struct ucspitls const *u)
{
    struct endpoint_connection const *connection = &u->chain.connection;
    int const kept[] = { 2, connection->fdr, connection->fdw, u->control, u->to_prog, u->from_prog };
    process_close_others(kept, sizeof kept / sizeof *kept, 0);
    program_check_descriptors(connection->fdr, connection->fdw);
}

/* Waits for a request of prog. */
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
        strerr_dief(EXIT_USAGE, "the byte on SSLCTLFD is neither y nor Y");
}

/* In mode kernel prog has the connection itself and expects it to be protected. So a child
   performs the handshake; when it fails in any way, the connection is shut down before prog
   is told. */
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

/* It is not an error when prog does not read the answer. */
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
