/* ISC license. */

#include <stdlib.h>

#include "endpoint/endpoint.h"

#define MAX_ALPN 1024

char const *const endpoint_variables[] = { "CADIR",    "CAFILE",    "CRLDIR",   "CRLFILE", "PEERPIN",
                                           "CERTFILE", "KEYFILE",   "CERTFILE2", "KEYFILE2",
                                           "CERTDIR",  "TICKETKEYFILE", "TLS_UID", "TLS_GID", NULL };

/* A folder or file of trust that is set to nothing is a mistake; to take it for
   one that is not set would trust others. */
static int read_path(char const **path, char const *variable, struct program_error *error)
{
    *path = getenv(variable);
    return !*path || **path || program_fail(error, EXIT_USAGE, "%s is set and empty", variable);
}

int endpoint_read_variables(struct endpoint_settings *settings, struct program_error *error)
{
    settings->ticketkeyfile = getenv("TICKETKEYFILE");
    settings->files[0] = (struct endpoint_files){ .certfile = getenv("CERTFILE"), .keyfile = getenv("KEYFILE") };
    settings->files[1] = (struct endpoint_files){ .certfile = getenv("CERTFILE2"), .keyfile = getenv("KEYFILE2") };
    return program_read_ids(&settings->uid, &settings->gid, error) && read_path(&settings->cadir, "CADIR", error) &&
           read_path(&settings->cafile, "CAFILE", error) && read_path(&settings->crldir, "CRLDIR", error) &&
           read_path(&settings->crlfile, "CRLFILE", error) && read_path(&settings->peerpin, "PEERPIN", error) &&
           read_path(&settings->certdir, "CERTDIR", error);
}

static int configure_suites(struct tls_config *config, struct endpoint_settings const *settings,
                            struct program_error *error)
{
    if (settings->ciphers && !tls_parse_suites(config, settings->ciphers))
        return program_fail(error, EXIT_USAGE, "--ciphers has an unknown suite: %s", settings->ciphers);
    if (settings->only_version) config->min_version = config->max_version = settings->only_version;
    if (tls_config_enables(config, TLS_1_2) || tls_config_enables(config, TLS_1_3)) return 1;
    return program_fail(error, EXIT_USAGE, "--ciphers has no suite of the version that --tls asks for");
}

static int configure_alpn(struct tls_config *config, char const *list, struct program_error *error)
{
    static unsigned char alpn[MAX_ALPN];
    if (!list) return 1;
    config->alpn = alpn;
    config->alpn_len = tls_parse_alpn(alpn, sizeof alpn, list);
    return config->alpn_len || program_fail(error, EXIT_USAGE, "--alpn is not a list of protocols: %s", list);
}

/* An empty name is no name. */
static int configure_server_name(struct tls_config *config, char const *given, struct program_error *error)
{
    static char name[X509_MAX_NAME + 1];
    if (!given || !*given) return 1;
    char const *const why = x509_reference_name(name, given);
    config->server_name = name;
    return !why || program_fail(error, EXIT_USAGE, "--servername %s: %s", given, why);
}

int endpoint_configure(struct tls_config *config, struct endpoint_settings const *settings,
                       struct program_error *error)
{
    tls_config_init(config);
    return configure_suites(config, settings, error) && configure_alpn(config, settings->alpn, error) &&
           configure_server_name(config, settings->servername, error);
}

int endpoint_chooses_by_hello(struct endpoint_settings const *settings)
{
    return settings->sni_level || settings->certdir || settings->files[1].certfile;
}
