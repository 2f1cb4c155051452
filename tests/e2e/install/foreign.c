/* ISC license. */

/* What a user of the installed archives writes; fail() and read8() are names
   that the layers use inside. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tls/tls.h"

struct side {
    struct tls_config config;
    struct tls_session session;
    struct tls_error error;
    int fd;
    int done;
};

int fail(struct side const *side, char const *who);
unsigned int read8(unsigned char const *p);

int fail(struct side const *side, char const *who)
{
    char text[256];
    tls_error_text(&side->error, text, sizeof text);
    fprintf(stderr, "%s: %s\n", who, text);
    return 1;
}

unsigned int read8(unsigned char const *p)
{
    return *p;
}

static void *serve(void *arg)
{
    struct side *server = arg;
    struct tls_fd_transport fds = { .fdr = server->fd, .fdw = server->fd, .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    server->done = tls_server_handshake(&server->config, &transport, &server->session, &server->error);
    return NULL;
}

static void call(struct side *client)
{
    struct tls_fd_transport fds = { .fdr = client->fd, .fdw = client->fd, .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    client->done = tls_client_handshake(&client->config, &transport, &client->session, &client->error);
}

int main(int argc, char **argv)
{
    static struct side client, server;
    struct x509_credential credential;
    struct x509_trust trust;
    char const *culprit = "";
    pthread_t thread;
    int pair[2];

    if (argc != 4 || x509_credential_load(&credential, argv[1], argv[2], &culprit) ||
        x509_trust_load(&trust, NULL, argv[3], &culprit)) {
        fprintf(stderr, "cannot load %s\n", culprit);
        return 1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return 1;
    tls_config_init(&server.config);
    tls_config_init(&client.config);
    server.fd = pair[0];
    client.fd = pair[1];
    server.config.credential[0] = &credential;
    client.config.trust = &trust;
    client.config.server_name = "localhost";
    if (pthread_create(&thread, NULL, serve, &server)) return 1;
    call(&client);
    pthread_join(thread, NULL);
    x509_credential_free(&credential);
    x509_trust_free(&trust);
    if (!server.done) return fail(&server, "server");
    if (!client.done) return fail(&client, "client");
    return read8(client.session.tx.key) != read8(server.session.rx.key);
}
