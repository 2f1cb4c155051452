/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"
#include "chain/preload.h"

#define SECRETS_FD 500 /* and above */

static int is_server(enum chain_program program)
{
    return program == CHAIN_TLSD;
}

/* A TLS 1.3 client would have to wait for tickets first: it is given the
   socket only when it asks, or when it passes them over. */
static int wants_socket(enum chain_program program, struct chain_options const *options,
                        struct tls_session const *session)
{
    if (options->mode == MODE_KERNEL || options->mode == MODE_EOF) return 1;
    return options->mode == MODE_AUTO && (is_server(program) || session->version == TLS_1_2);
}

/* A relay must be able to follow the peer's KeyUpdate: where the kernel cannot,
   all of it is done in user space. */
static int can_relay_in_kernel(struct tls_session const *session)
{
    return session->version == TLS_1_2 || ktls_can_rekey((uint16_t)session->suite->cipher);
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

/* 0: user space has to do it. */
static int give_to_kernel(struct chain_options const *options, struct chain_connection const *connection,
                          struct tls_session *session)
{
    int const installed = chain_install_keys(connection, session);
    if (installed < 0) die_unprotected(connection, session, "the kernel took the keys of one direction only");
    if (!installed && options->mode == MODE_KERNEL) die_unprotected(connection, session, "--mode kernel");
    return installed;
}

char const *chain_path_name(enum chain_path path)
{
    static char const *const names[] = { "kernel", "relay", "user" };
    return names[path];
}

void chain_announce(struct chain_options const *options, struct tls_session const *session,
                    enum chain_path path)
{
    if (options->verbosity < 2) return;
    char const *version = session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2";
    char const *name = *session->server_name ? ", server name " : "";
    char const *alpn = *session->alpn ? ", ALPN " : "";
    char const *peer = session->peer_verified ? ", peer " : "";
    char const *resumed = session->resumed ? ", resumed" : "";
    strerr_warni(version, " ", session->suite->name, resumed, ", path ", chain_path_name(path), name,
                 session->server_name, alpn, session->alpn, peer,
                 session->peer_verified ? session->peer_subject : "");
}

static int save_keys(enum chain_program program, struct tls_session const *session, enum chain_path path)
{
    struct relay_keys keys;
    relay_keys_of_session(&keys, session, is_server(program) ? KTLS_SERVER : KTLS_CLIENT);
    keys.in_kernel = path == PATH_RELAY;
    int const fd = relay_save_keys(&keys);
    if (fd < 0) strerr_diefsys(EXIT_SYSTEM, "memory file for keys");
    crypto_wipe(&keys, sizeof keys);
    return fd;
}

enum chain_path chain_place_keys(enum chain_program program, struct chain_options const *options,
                                 struct chain_connection const *connection, struct tls_session *session,
                                 int *keys_fd)
{
    int const as_socket = wants_socket(program, options, session);
    enum chain_path path = PATH_USER;
    *keys_fd = -1;
    errno = ENOTCONN;
    if (options->mode == MODE_KERNEL && !connection->attached)
        die_unprotected(connection, session, "--mode kernel");
    if (connection->attached && options->mode != MODE_USER && (as_socket || can_relay_in_kernel(session))
        && give_to_kernel(options, connection, session))
        path = as_socket ? PATH_KERNEL : PATH_RELAY;
    if (path != PATH_KERNEL) *keys_fd = save_keys(program, session, path);
    return path;
}

enum { OWN_WORDS = 28, OWN_NUMBERS = 9 };

/* The words of a command line, and the numbers in it. */
struct command {
    char const **word;
    size_t count;
    char numbers[OWN_NUMBERS][UINT_FMT];
    size_t number_count;
};

static void add(struct command *command, char const *word)
{
    command->word[command->count++] = word;
}

static void add_number(struct command *command, char const *option, unsigned int number)
{
    char *text = command->numbers[command->number_count++];
    text[uint_fmt(text, number)] = 0;
    add(command, option);
    add(command, text);
}

void chain_exec_relay(struct chain_options const *options, struct chain_input const *input,
                      struct chain_prog_ends const *ends, int keys_fd, char const *const *prog, stralloc const *changes)
{
    struct command command = { .count = 0 };
    size_t count = 0;
    while (prog[count]) count++;
    command.word = calloc(OWN_WORDS + count + 1, sizeof *command.word);
    if (!command.word) strerr_diefsys(EXIT_SYSTEM, "memory");
    add(&command, "ktls-relay");
    if (options->farewell == RELAY_FAREWELL_ALWAYS) add(&command, "-S");
    if (options->farewell == RELAY_FAREWELL_NEVER) add(&command, "-s");
    add(&command, options->enforce_close_notify ? "-J" : "-j");
    add_number(&command, "-v", options->verbosity);
    add_number(&command, "-6", options->read_fd);
    add_number(&command, "-7", options->write_fd);
    add_number(&command, "-k", (unsigned int)keys_fd);
    if (options->idle_timeout) add_number(&command, "-K", options->idle_timeout);
    if (options->one_socket) add(&command, "--socket");
    if (input->uid) add_number(&command, "--uid", input->uid);
    if (input->gid) add_number(&command, "--gid", input->gid);
    if (ends) {
        add_number(&command, "--to-prog", (unsigned int)ends->to_prog);
        add_number(&command, "--from-prog", (unsigned int)ends->from_prog);
    }
    add(&command, "--");
    memcpy(command.word + command.count, prog, count * sizeof *prog);
    program_exec_own(command.word, changes);
}

/* ---- prog under ktls-eof ---- */

static int is_eof_step(char const *prog)
{
    char const *const slash = strrchr(prog, '/');
    return !strcmp(slash ? slash + 1 : prog, EOF_PROGRAM);
}

/* MODE_EOF where prog will run under ktls-eof; where it cannot, a relay does it. */
static enum chain_mode decide_mode(struct chain_options const *options, char const *const *prog)
{
    char library[PATH_MAX];
    if (options->mode == MODE_AUTO && is_eof_step(*prog)) return MODE_EOF;
    if (options->mode != MODE_EOF || is_eof_step(*prog)) return options->mode;
    return preload_refusal(*prog, library) ? MODE_RELAY : MODE_EOF;
}

/* For KeyUpdate: under a number that no program expects. */
static void give_secrets(stralloc *changes, int fd)
{
    int const given = fcntl(fd, F_DUPFD, SECRETS_FD);
    if (given >= 0) close(fd);
    program_change_number(changes, EOF_KEYS_FD, (unsigned int)(given < 0 ? fd : given));
}

static _Noreturn void exec_on_socket(enum chain_mode mode, int secrets_fd, char const *const *prog, stralloc *changes)
{
    struct command command = { .count = 0 };
    size_t count = 0;
    if (secrets_fd >= 0) give_secrets(changes, secrets_fd);
    if (mode != MODE_EOF || is_eof_step(*prog)) program_exec(prog, changes);
    while (prog[count]) count++;
    command.word = calloc(count + 3, sizeof *command.word);
    if (!command.word) strerr_diefsys(EXIT_SYSTEM, "memory");
    add(&command, EOF_PROGRAM);
    add(&command, "--");
    memcpy(command.word + command.count, prog, count * sizeof *prog);
    program_exec_own(command.word, changes);
}

static int needs_secrets(enum chain_mode mode, enum chain_path path, struct tls_session const *session)
{
    return mode == MODE_EOF && path == PATH_KERNEL && session->version == TLS_1_3;
}

void chain_hand_over(enum chain_program program, struct chain_options const *options,
                     struct chain_input const *input, struct chain_connection const *connection,
                     struct process_hardening const *before, struct tls_session *session,
                     char const *const *prog)
{
    stralloc changes = STRALLOC_ZERO;
    struct chain_options decided = *options;
    int keys_fd;
    decided.mode = decide_mode(options, prog);
    enum chain_path const path = chain_place_keys(program, &decided, connection, session, &keys_fd);
    int const has_tickets = !is_server(program) && session->version == TLS_1_3 && decided.mode != MODE_EOF;
    if (needs_secrets(decided.mode, path, session)) keys_fd = save_keys(program, session, path);
    unsigned int const rtt_ms = session->rtt_ms;

    program_change(&changes, EOF_KEYS_FD, "");
    chain_write_environment(&changes, session, chain_path_name(path), (int)options->keep);
    chain_announce(options, session, path);
    crypto_wipe(session, sizeof *session);
    chain_settle_connection(connection);
    if (path == PATH_KERNEL && has_tickets) chain_drain_or_die(input, connection, rtt_ms);
    program_unharden(before);
    if (path == PATH_KERNEL) exec_on_socket(decided.mode, keys_fd, prog, &changes);
    chain_exec_relay(options, input, NULL, keys_fd, prog, &changes);
}
