/* ISC license. */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

#define MAX_ALPN 1024
#define MAX_EXPLANATION 1280 /* with a path */

void chain_configure(struct tls_config *config, struct chain_options const *options)
{
    static unsigned char alpn[MAX_ALPN];
    tls_config_init(config);
    if (options->ciphers && !tls_parse_suites(config, options->ciphers))
        strerr_dief(EXIT_USAGE, "--ciphers has an unknown suite: ", options->ciphers);
    if (options->only_version) config->min_version = config->max_version = options->only_version;
    if (!tls_config_enables(config, TLS_1_2) && !tls_config_enables(config, TLS_1_3))
        strerr_dief(EXIT_USAGE, "--ciphers has no suite of the version that --tls asks for");
    if (options->alpn) {
        config->alpn = alpn;
        config->alpn_len = tls_parse_alpn(alpn, sizeof alpn, options->alpn);
        if (!config->alpn_len) strerr_dief(EXIT_USAGE, "--alpn is not a list of protocols: ", options->alpn);
    }
    config->server_name = options->servername;
    config->ask_tickets = options->mode == MODE_KERNEL;
}

static _Noreturn void die_handshake(struct chain_options const *options, struct tls_error const *error,
                                    struct chain_credentials const *credentials,
                                    struct tls_fd_transport const *fds)
{
    char text[MAX_EXPLANATION];
    int const code = chain_explain(error, credentials, text, sizeof text);
    if (chain_is_worth_a_line(options, error)) program_complain(text);
    if (error->kind == TLS_ERROR_SENT) tls_transport_linger(fds);
    _exit(code);
}

static void shake_hands_here(struct chain_task const *task, struct tls_session *session)
{
    struct chain_connection const *connection = task->connection;
    struct chain_credentials credentials;
    struct tls_error error = { .kind = TLS_ERROR_NONE };
    struct tls_fd_transport fds = { connection->fdr, connection->fdw, connection->deadline };
    struct tls_transport const transport = tls_transport_on_fds(&fds);

    chain_load_credentials(&credentials, task->config, task->program, task->options, task->input);
    int const done = task->handshake(task->config, &transport, session, &error);
    chain_free_credentials(&credentials);
    if (!done) die_handshake(task->options, &error, &credentials, &fds);
}

void chain_shake_hands(enum chain_program program, chain_handshake *handshake,
                       struct chain_options const *options, struct chain_input const *input,
                       struct tls_config *config, struct chain_connection *connection,
                       struct tls_session *session)
{
    struct chain_task const task = { program, handshake, options, input, config, connection };
    connection->deadline = tls_deadline_after(options->handshake_timeout);
    if (chain_is_apart(input))
        chain_shake_hands_apart(&task, session);
    else
        shake_hands_here(&task, session);
}

void chain_step(enum chain_program program, chain_handshake *handshake, int argc, char const *const *argv)
{
    struct chain_options options;
    struct chain_input input;
    struct process_hardening before;
    struct chain_connection connection;
    struct tls_config config;
    struct tls_session session;

    char const *const *prog = chain_parse_options(&options, program, argc, argv);
    chain_read_environment(&input);
    chain_configure(&config, &options);
    program_check_descriptors((int)options.read_fd, (int)options.write_fd);
    program_harden(&before);
    program_name_peer((int)options.read_fd);
    chain_open_connection(&connection, &options);
    chain_shake_hands(program, handshake, &options, &input, &config, &connection, &session);
    chain_hand_over(program, &options, &input, &connection, &before, &session, prog);
}
