/* ISC license. */

#include <errno.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

static struct endpoint_settings const *settings_of(struct chain const *chain)
{
    return &chain->options.settings;
}

void chain_configure(struct chain *chain, enum chain_program program, int argc, char const *const *argv)
{
    struct chain_options *options = &chain->options;
    struct program_error error;
    chain->prog = chain_parse_options(options, program, argc, argv);
    chain->connection = (struct endpoint_connection){ .fdr = (int)options->read_fd, .fdw = (int)options->write_fd };
    chain->keys_fd = -1;
    if (!endpoint_read_variables(&options->settings, &error)
        || !endpoint_configure(&chain->config, &options->settings, &error))
        program_die(&error);
    chain->config.ask_tickets = options->mode == MODE_KERNEL;
}

/* ---- the handshake ---- */

static _Noreturn void die_unattached(int error)
{
    if (error == ENOTSOCK || error == EOPNOTSUPP)
        strerr_dief(EXIT_ENGINE, "--mode kernel: the descriptors are not one TCP connection without TLS");
    if (error == ENOENT || error == ENOPROTOOPT)
        strerr_dief(EXIT_ENGINE, "--mode kernel: this kernel has no TLS (modprobe tls?)");
    errno = error;
    strerr_diefsys(EXIT_ENGINE, "--mode kernel: attaching TLS to the socket");
}

void chain_open_connection(struct chain *chain)
{
    struct endpoint_connection *connection = &chain->connection;
    endpoint_open(connection, connection->fdr, connection->fdw, chain->options.mode == MODE_USER);
    /* After ENOTCONN the handshake will fail and report that the peer has gone. */
    if (chain->options.mode == MODE_KERNEL && connection->unattached && connection->unattached != ENOTCONN)
        die_unattached(connection->unattached);
}

/* After an upgrade to TLS, plaintext from the peer may be an injection. */
static int is_worth_a_line(struct chain_options const *options, struct program_error const *error)
{
    if (options->verbosity >= 2 || error->first_bytes == PEER_SENT_TLS) return 1;
    return options->is_upgrade && error->first_bytes == PEER_SENT_OTHER;
}

/* Reports the failure before it waits for the peer. */
static _Noreturn void die_handshake(struct chain *chain, struct program_error const *error)
{
    if (is_worth_a_line(&chain->options, error)) program_tell(error);
    endpoint_linger(&chain->connection);
    _exit(error->code);
}

void chain_shake_hands(struct chain *chain, endpoint_handshake *handshake)
{
    struct program_error error;
    chain->connection.deadline = tls_deadline_after(chain->options.handshake_timeout);
    if (!endpoint_shake_hands(settings_of(chain), &chain->config, &chain->connection, handshake, &chain->session,
                              &error))
        die_handshake(chain, &error);
    chain->has_tickets = settings_of(chain)->role == KTLS_CLIENT && chain->session.version == TLS_1_3;
    chain->rtt_ms = chain->session.rtt_ms;
}

/* ---- where the keys go ---- */

/* With a TLS 1.3 server prog gets the socket only in mode kernel, where it must cope with session
   tickets, and under ktls-eof, which discards them. */
static int wants_socket(struct chain const *chain)
{
    enum chain_mode const mode = chain->options.mode;
    return mode == MODE_KERNEL || mode == MODE_EOF || (mode == MODE_AUTO && !chain->has_tickets);
}

/* A relay must follow the peer's KeyUpdate: when the kernel cannot replace keys, the relay
   keeps them in user space. */
static int can_relay_in_kernel(struct tls_session const *session)
{
    return session->version == TLS_1_2 || ktls_can_rekey((uint16_t)session->suite->cipher);
}

static _Noreturn void die_unprotected(struct chain *chain, char const *what)
{
    int const error = errno;
    endpoint_cut(&chain->connection);
    crypto_wipe(&chain->session, sizeof chain->session);
    if (error == ENOENT) strerr_dief(EXIT_ENGINE, what, ": this kernel's TLS lacks the suite");
    errno = error;
    strerr_diefsys(EXIT_ENGINE, what);
}

/* 0: the keys stay in user space. */
static int install_in_kernel(struct chain *chain)
{
    int const installed = endpoint_install_keys(&chain->connection, &chain->session);
    if (installed < 0) die_unprotected(chain, "the kernel took the keys of one direction only");
    if (!installed && chain->options.mode == MODE_KERNEL) die_unprotected(chain, "--mode kernel");
    return installed;
}

static void save_keys(struct chain *chain)
{
    struct relay_keys keys;
    relay_keys_of_session(&keys, &chain->session, settings_of(chain)->role);
    keys.in_kernel = chain->path == PATH_RELAY;
    chain->keys_fd = relay_save_keys(&keys);
    crypto_wipe(&keys, sizeof keys);
    if (chain->keys_fd < 0) strerr_diefsys(EXIT_SYSTEM, "memory file for keys");
}

void chain_place_keys(struct chain *chain)
{
    int const as_socket = wants_socket(chain), mode = (int)chain->options.mode;
    errno = ENOTCONN;
    if (mode == MODE_KERNEL && chain->connection.unattached) die_unprotected(chain, "--mode kernel");
    chain->path = PATH_USER;
    if (!chain->connection.unattached && mode != MODE_USER && (as_socket || can_relay_in_kernel(&chain->session))
        && install_in_kernel(chain))
        chain->path = as_socket ? PATH_KERNEL : PATH_RELAY;
    /* ktls-eof needs the secrets to follow KeyUpdate. */
    if (chain->path != PATH_KERNEL || (mode == MODE_EOF && chain->session.version == TLS_1_3)) save_keys(chain);
}

/* ---- reporting ---- */

char const *chain_path_name(enum chain_path path)
{
    static char const *const names[] = { "kernel", "relay", "user" };
    return names[path];
}

void chain_announce(struct chain const *chain)
{
    struct tls_session const *session = &chain->session;
    if (chain->options.verbosity < 2) return;
    char const *version = session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2";
    char const *name = *session->server_name ? ", server name " : "";
    char const *alpn = *session->alpn ? ", ALPN " : "";
    char const *peer = session->peer_verified ? ", peer " : "";
    char const *resumed = session->resumed ? ", resumed" : "";
    strerr_warni(version, " ", session->suite->name, resumed, ", path ", chain_path_name(chain->path), name,
                 session->server_name, alpn, session->alpn, peer,
                 session->peer_verified ? session->peer_subject : "");
}

void chain_forget_session(struct chain *chain)
{
    crypto_wipe(&chain->session, sizeof chain->session);
    endpoint_settle(&chain->connection);
}

void chain_drain_tickets(struct chain const *chain)
{
    struct program_error error;
    if (chain->path != PATH_KERNEL || !chain->has_tickets || chain->options.mode == MODE_EOF) return;
    if (!endpoint_drain(settings_of(chain), &chain->connection, chain->rtt_ms, &error)) program_die(&error);
}
