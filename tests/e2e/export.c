/* ISC license. */

/* export client|server VERSION LABEL LENGTH [CONTEXT]: a handshake on the
   socket that is descriptor 0, then the exported keying material in hexadecimal.
   Verifies nobody; a server's certificate is $CERTFILE with $KEYFILE. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls.h"

static struct tls_session session;

static int is_client(char const *role)
{
    return !strcmp(role, "client");
}

static int shake_hands(struct tls_config const *config, char const *role)
{
    struct tls_fd_transport fds = { .fdr = 0, .fdw = 0, .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    struct tls_error error;
    char text[256];
    if ((is_client(role) ? tls_client_handshake : tls_server_handshake)(config, &transport, &session, &error))
        return 1;
    tls_error_text(&error, text, sizeof text);
    fprintf(stderr, "%s: %s\n", role, text);
    return 0;
}

static int print_material(char const *label, size_t len, char const *context)
{
    unsigned char out[256];
    if (len > sizeof out || !tls_export(&session, label, context, context ? strlen(context) : 0, out, len))
        return 0;
    for (size_t i = 0; i < len; i++) printf("%02X", out[i]);
    puts("");
    return !fflush(stdout);
}

int main(int argc, char **argv)
{
    struct tls_config config;
    struct x509_credential credential;
    char const *culprit;
    if (argc < 5) return 100;
    tls_config_init(&config);
    config.min_version = config.max_version = strcmp(argv[2], "1.2") ? TLS_1_3 : TLS_1_2;
    if (!is_client(argv[1])) {
        if (x509_credential_load(&credential, getenv("CERTFILE"), getenv("KEYFILE"), &culprit)) return 96;
        config.credential[0] = &credential;
    }
    if (!shake_hands(&config, argv[1])) return 98;
    return print_material(argv[3], (size_t)atoi(argv[4]), argv[5]) ? 0 : 97;
}
