/* ISC license. */

#include <errno.h>

#include "endpoint/privsep.h"

/* What a peer that goes away makes of our calls. */
static int is_peer_gone(int error)
{
    static int const errors[] = { ECONNRESET, EPIPE, ETIMEDOUT, ECONNABORTED, EHOSTUNREACH,
                                  ENETUNREACH, ENOTCONN };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (error == errors[i]) return 1;
    return 0;
}

static int has_sent_bytes(struct tls_error const *why)
{
    return why->kind == TLS_ERROR_SENT || why->kind == TLS_ERROR_RECEIVED;
}

static int explain_failure(struct tls_error const *why, struct program_error *error)
{
    char detail[240];
    int const is_ours = why->kind == TLS_ERROR_SYSTEM && !is_peer_gone(why->number);
    if (error->code) return 0; /* the certificate for this hello could not be loaded */
    tls_error_text(why, detail, sizeof detail);
    program_fail(error, is_ours ? EXIT_SYSTEM : EXIT_TLS, "TLS handshake: %s", detail);
    if (error->code == EXIT_TLS && why->no_hello)
        error->first_bytes = has_sent_bytes(why) ? PEER_SENT_OTHER : PEER_SENT_NOTHING;
    error->is_about_peer = 1;
    return 0;
}

static int run_handshake(struct handshake_task const *task, struct tls_session *session, struct program_error *error)
{
    struct endpoint_connection *connection = task->connection;
    struct tls_fd_transport fds = { .fdr = connection->fdr, .fdw = connection->fdw, .deadline = connection->deadline };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    struct tls_error why = { .kind = TLS_ERROR_NONE };
    if (task->handshake(task->config, &transport, session, &why)) return 1;
    connection->has_sent_alert = why.kind == TLS_ERROR_SENT;
    return explain_failure(&why, error);
}

int handshake_perform(struct handshake_task const *task,
                      int (*enter)(void *ctx, struct credentials *credentials, struct program_error *error), void *ctx,
                      struct tls_session *session, struct program_error *error)
{
    struct credentials credentials;
    error->code = 0;
    int const done = credentials_load(&credentials, task->config, task->settings, error) &&
                     (!enter || enter(ctx, &credentials, error)) && run_handshake(task, session, error);
    credentials_free(&credentials);
    return done;
}

void handshake_linger(struct endpoint_connection const *connection)
{
    struct tls_fd_transport const fds = { .fdr = connection->fdr, .fdw = connection->fdw };
    if (connection->has_sent_alert) tls_transport_linger(&fds);
}
