/* ISC license. */

/* Allocates the state of a handshake, runs it, and returns its result. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/entry/entry.h"

struct handshake *tls_handshake_new(struct tls_config const *config, struct tls_transport const *transport,
                                struct tls_session *session, struct tls_error *error)
{
    struct handshake *hs = calloc(1, sizeof *hs);
    if (!hs) {
        *error = (struct tls_error){ .kind = TLS_ERROR_SYSTEM, .number = errno, .reason = "memory" };
        return NULL;
    }
    hs->config = config;
    hs->enables12 = tls_config_enables(config, TLS_1_2) != 0;
    hs->enables13 = tls_config_enables(config, TLS_1_3) != 0;
    hs->transport = *transport;
    hs->session = session;
    hs->error = error;
    memset(session, 0, sizeof *session);
    memset(error, 0, sizeof *error);
    crypto_transcript_init(&hs->transcript);
    return hs;
}

/* Wipes only the used part of the buffers: most of their pages were never touched. */
void tls_handshake_free(struct handshake *hs)
{
    crypto_wipe(hs->in, hs->in_used);
    crypto_wipe(hs->stage_bytes, hs->stage.len);
    crypto_wipe(hs, offsetof(struct handshake, in));
    free(hs);
}

void tls_handshake_fill_session(struct handshake *hs)
{
    struct tls_session *session = hs->session;
    session->version = hs->version;
    session->suite = hs->suite;
    session->tx = hs->tx;
    session->rx = hs->rx;
    session->resumed = hs->resumes;
    session->credential = hs->credential;
    session->bytes_sent = hs->bytes_sent;
    session->extended_master_secret = hs->extended_master_secret;
    memcpy(session->client_random, hs->client_random, sizeof session->client_random);
    memcpy(session->server_random, hs->server_random, sizeof session->server_random);
    memcpy(session->exporter_secret, hs->version == TLS_1_3 ? hs->secret.exporter : hs->secret.master,
           TLS_MAX_SECRET);
    if (hs->version == TLS_1_2) return;
    memcpy(session->tx_secret, hs->is_server ? hs->secret.server : hs->secret.client, TLS_MAX_SECRET);
    memcpy(session->rx_secret, hs->is_server ? hs->secret.client : hs->secret.server, TLS_MAX_SECRET);
}

static int end(struct handshake *hs, int done)
{
    if (done && hs->error->kind != TLS_ERROR_NONE) {
        hs->error->went_on = 1;
        done = 0;
    }
    if (done) tls_handshake_fill_session(hs);
    else crypto_wipe(hs->session, sizeof *hs->session);
    if (hs->error->kind == TLS_ERROR_SENT) tls_send_alert(hs, TLS_FATAL, (unsigned int)hs->error->number);
    tls_handshake_free(hs);
    crypto_wipe_stack();
    return done;
}

int tls_client_handshake(struct tls_config const *config, struct tls_transport const *transport,
                         struct tls_session *session, struct tls_error *error)
{
    struct handshake *hs = tls_handshake_new(config, transport, session, error);
    return hs && end(hs, tls_client_send_hello(hs) && tls_client_after_hello(hs));
}

int tls_server_handshake(struct tls_config const *config, struct tls_transport const *transport,
                         struct tls_session *session, struct tls_error *error)
{
    struct handshake *hs = tls_handshake_new(config, transport, session, error);
    return hs && end(hs, tls_server_start(hs));
}
