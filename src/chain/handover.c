/* ISC license. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

/* A TLS 1.3 client would have to wait for tickets first: it is given the
   socket only when it asks. */
static int wants_kernel(enum chain_program program, struct chain_options const *options,
                        struct tls_session const *session)
{
    if (options->mode == MODE_KERNEL) return 1;
    return options->mode == MODE_AUTO && (program == CHAIN_TLSD || session->version == TLS_1_2);
}

static _Noreturn void die_unprotected(struct chain_connection const *connection, struct tls_session *session,
                                      char const *what)
{
    int const error = errno;
    chain_cut_connection(connection);
    crypto_wipe(session, sizeof *session);
    if (error == ENOENT) strerr_dief(EXIT_ENGINE, what, ": this kernel's TLS lacks the suite");
    errno = error;
    strerr_diefsys(EXIT_ENGINE, what);
}

/* 1: the socket is prog's. 0: the relay has to do it. */
static int give_to_kernel(enum chain_program program, struct chain_options const *options,
                          struct chain_connection const *connection, struct tls_session *session)
{
    if (!connection->attached || !wants_kernel(program, options, session)) return 0;
    int const installed = chain_install_keys(connection, session);
    if (installed < 0) die_unprotected(connection, session, "the kernel took the keys of one direction only");
    if (!installed && options->mode == MODE_KERNEL) die_unprotected(connection, session, "--mode kernel");
    return installed;
}

static void announce(struct tls_session const *session, char const *path)
{
    char const *version = session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2";
    char const *name = *session->server_name ? ", server name " : "";
    char const *alpn = *session->alpn ? ", ALPN " : "";
    char const *peer = session->peer_verified ? ", peer " : "";
    strerr_warni(version, " ", session->suite->name, ", records in ", path, name, session->server_name, alpn,
                 session->alpn, peer, session->peer_verified ? session->peer_subject : "");
}

static int save_keys(enum chain_program program, struct tls_session const *session)
{
    struct relay_keys keys;
    memset(&keys, 0, sizeof keys); /* padding travels too */
    keys.magic = RELAY_KEYS_MAGIC;
    keys.suite = session->suite->id;
    keys.client = program == CHAIN_TLSC;
    keys.tx = session->tx;
    keys.rx = session->rx;
    memcpy(keys.tx_secret, session->tx_secret, sizeof keys.tx_secret);
    memcpy(keys.rx_secret, session->rx_secret, sizeof keys.rx_secret);
    int const fd = chain_save_keys(&keys);
    crypto_wipe(&keys, sizeof keys);
    return fd;
}

static char const *format_number(char text[UINT_FMT], unsigned int number)
{
    text[uint_fmt(text, number)] = 0;
    return text;
}

static _Noreturn void exec_relay(struct chain_options const *options, int keys_fd, char const *const *prog,
                                 stralloc const *changes)
{
    char numbers[4][UINT_FMT];
    char const *const head[] = {
        "ktls-relay",
        options->close_notify ? "-S" : "-s",
        options->enforce_close_notify ? "-J" : "-j",
        "-v", format_number(numbers[0], options->verbosity),
        "-6", format_number(numbers[1], options->read_fd),
        "-7", format_number(numbers[2], options->write_fd),
        "-k", format_number(numbers[3], (unsigned int)keys_fd),
        "--",
    };
    size_t const head_count = sizeof head / sizeof *head;
    size_t count = 0;
    while (prog[count]) count++;
    char const **argv = calloc(head_count + count + 1, sizeof *argv);
    if (!argv) strerr_diefsys(EXIT_SYSTEM, "memory");
    memcpy(argv, head, sizeof head);
    memcpy(argv + head_count, prog, count * sizeof *prog);
    chain_exec_own(argv, changes);
}

void chain_hand_over(enum chain_program program, struct chain_options const *options,
                     struct chain_connection const *connection, struct chain_shield const *shield,
                     struct tls_session *session, char const *const *prog)
{
    stralloc changes = STRALLOC_ZERO;
    int const in_kernel = give_to_kernel(program, options, connection, session);
    int const has_tickets = program == CHAIN_TLSC && session->version == TLS_1_3;
    unsigned int const rtt_ms = session->rtt_ms;
    int const keys_fd = in_kernel ? -1 : save_keys(program, session);

    chain_write_environment(&changes, session, in_kernel ? "kernel" : "user", (int)options->keep);
    if (options->verbosity >= 2) announce(session, in_kernel ? "the kernel" : "user space");
    crypto_wipe(session, sizeof *session);
    chain_settle_connection(connection);
    if (in_kernel && has_tickets) chain_drain_tickets(connection, rtt_ms);
    chain_lower_shield(shield);
    if (in_kernel) chain_exec(prog, &changes);
    exec_relay(options, keys_fd, prog, &changes);
}
