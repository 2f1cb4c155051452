/* ISC license. */

/*
 * Client and server in one process, a thread each, over a socket pair. Keys and
 * certificates are those of tests/lib/pki, in $KTLS_PKI.
 */

#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"
#include "tls/entry/entry.h"

struct side {
    struct tls_config config;
    struct tls_session session;
    struct tls_error error;
    int (*run)(struct side *side, struct tls_transport const *transport);
    int fd, done;
    size_t left; /* bytes that the handshake left in the socket */
};

static struct side client, server;
static struct x509_trust trust;

static inline char const *pki_path(char const *name, char const *suffix)
{
    static char paths[4][512];
    static unsigned int turn;
    char *const path = paths[turn++ % 4];
    char const *dir = getenv("KTLS_PKI");
    if (!dir) skip_all("KTLS_PKI is not set");
    snprintf(path, sizeof paths[0], "%s/%s%s", dir, name, suffix);
    return path;
}

/* Loaded once and kept. */
static inline struct x509_credential const *credential(char const *name)
{
    static struct {
        char name[32];
        struct x509_credential credential;
    } known[24];
    static size_t count;
    char const *culprit;

    for (size_t i = 0; i < count; i++)
        if (!strcmp(known[i].name, name)) return &known[i].credential;
    if (count == sizeof known / sizeof *known) abort();
    enum x509_error const error = x509_credential_load(&known[count].credential, pki_path(name, ".crt"),
                                                       pki_path(name, ".key"), &culprit);
    if (error) {
        diag("%s: %s", culprit, x509_strerror(error));
        exit(1);
    }
    snprintf(known[count].name, sizeof known[count].name, "%s", name);
    return &known[count++].credential;
}

static inline void load_trust(void)
{
    char const *culprit;
    if (x509_trust_load(&trust, NULL, pki_path("ca", ".pem"), &culprit)) exit(1);
}

static inline int run_client(struct side *side, struct tls_transport const *transport)
{
    return tls_client_handshake(&side->config, transport, &side->session, &side->error);
}

static inline int run_server(struct side *side, struct tls_transport const *transport)
{
    return tls_server_handshake(&side->config, transport, &side->session, &side->error);
}

/* A client that verifies localhost, a server with an EC key. */
static inline void loopback_reset(void)
{
    if (!trust.certificates.bytes) load_trust();
    client = (struct side){ .run = run_client };
    server = (struct side){ .run = run_server };
    tls_config_init(&client.config);
    tls_config_init(&server.config);
    client.config.trust = server.config.trust = &trust;
    client.config.server_name = "localhost";
    server.config.credential[0] = credential("ec256");
}

static inline void *side_main(void *arg)
{
    struct side *side = arg;
    struct tls_fd_transport fds = { .fdr = side->fd, .fdw = side->fd, .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    unsigned char rest[1024];
    side->done = side->run(side, &transport);
    ssize_t const left = recv(side->fd, rest, sizeof rest, MSG_DONTWAIT);
    side->left = left < 0 ? 0 : (size_t)left;
    shutdown(side->fd, SHUT_WR);
    return NULL;
}

/* A failure is the handshake's end, whatever the peer sends after it. */
static inline void check_end(struct side const *side, char const *who)
{
    if (side->error.went_on || (side->done && side->error.kind != TLS_ERROR_NONE))
        ok(0, "%s goes on after '%s'", who, side->error.reason);
}

/* The client's last words are read by nobody once the server has given up. */
static inline void loopback_run(void)
{
    int fds[2];
    pthread_t thread;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) exit(111);
    client.fd = fds[0];
    server.fd = fds[1];
    if (pthread_create(&thread, NULL, side_main, &server)) exit(111);
    side_main(&client);
    pthread_join(thread, NULL);
    close(fds[0]);
    close(fds[1]);
    check_end(&client, "the client");
    check_end(&server, "the server");
}

static inline char const *error_text(struct side const *side)
{
    static char text[2][256];
    char *const to = text[side == &server];
    if (side->done) snprintf(to, sizeof *text, "done");
    else tls_error_text(&side->error, to, sizeof *text);
    return to;
}

static inline int both_done(char const *what)
{
    return ok(client.done && server.done, "%s: client %s, server %s", what, error_text(&client),
              error_text(&server));
}

static inline int sent(struct side const *side, int alert)
{
    return !side->done && side->error.kind == TLS_ERROR_SENT && side->error.number == alert;
}

static inline int received(struct side const *side, int alert)
{
    return !side->done && side->error.kind == TLS_ERROR_RECEIVED && side->error.number == alert;
}

static inline void server_refuses(int alert, char const *what)
{
    ok(sent(&server, alert), "%s: server sends %s: %s", what, tls_alert_name((unsigned int)alert),
       error_text(&server));
    ok(received(&client, alert), "%s: client receives it: %s", what, error_text(&client));
}

static inline void client_refuses(int alert, char const *what)
{
    ok(sent(&client, alert), "%s: client sends %s: %s", what, tls_alert_name((unsigned int)alert),
       error_text(&client));
    ok(received(&server, alert), "%s: server receives it: %s", what, error_text(&server));
}

static inline void only_version(struct tls_config *config, uint16_t version)
{
    config->min_version = config->max_version = version;
}

#endif
