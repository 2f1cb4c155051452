/* ISC license. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

/* As with s6-networking: 0 and what is not set change nothing. */
static unsigned int read_id(char const *variable)
{
    uint32_t id = 0;
    char const *value = getenv(variable);
    if (value && (!uint320_scan(value, &id) || id == UINT32_MAX))
        strerr_dief(EXIT_USAGE, variable, " is not a number of a user or group: ", value);
    return id;
}

void chain_read_environment(struct chain_input *input)
{
    int const is_root = geteuid() == 0;
    input->uid = is_root ? read_id("TLS_UID") : 0;
    input->gid = is_root ? read_id("TLS_GID") : 0;
    input->cadir = getenv("CADIR");
    input->cafile = getenv("CAFILE");
    input->files[0] = (struct chain_files){ .certfile = getenv("CERTFILE"), .keyfile = getenv("KEYFILE") };
    input->files[1] = (struct chain_files){ .certfile = getenv("CERTFILE2"), .keyfile = getenv("KEYFILE2") };
}

/* Each modification takes away one entry, but a hostile environment may have several. */
static void remove_all(stralloc *changes, char const *variable)
{
    size_t const len = strlen(variable);
    for (char *const *entry = environ; *entry; entry++)
        if (!strncmp(*entry, variable, len) && (*entry)[len] == '=' && !env_addmodif(changes, variable, NULL))
            strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

/* "" removes the variable. */
static void change(stralloc *changes, char const *variable, char const *value)
{
    remove_all(changes, variable);
    if (*value && !env_addmodif(changes, variable, value)) strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

/* There may be thousands: they go at once, not one by one at exec. */
static void drop_host_variables(void)
{
    char **kept = environ;
    for (char **entry = environ; *entry; entry++)
        if (!chain_is_host_variable(*entry)) *kept++ = *entry;
    *kept = NULL;
}

static void remove_input(stralloc *changes)
{
    static char const *const variables[] = { "CADIR", "CAFILE", "CERTFILE", "KEYFILE",
                                             "CERTFILE2", "KEYFILE2", "TLS_UID", "TLS_GID" };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) change(changes, variables[i], "");
    drop_host_variables();
}

static void write_peer(stralloc *changes, struct tls_session const *session)
{
    char hash[] = "SHA256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (size_t i = 0; i < sizeof session->peer_hash; i++)
        snprintf(hash + 7 + 2 * i, 3, "%02x", session->peer_hash[i]);
    int const known = session->peer_verified;
    change(changes, "SSL_PEER_CERT_HASH", known ? hash : "");
    change(changes, "SSL_PEER_CERT_SUBJECT", known ? session->peer_subject : "");
    change(changes, "SSL_PEER_CERT_SAN", known ? session->peer_alt_names : "");
}

void chain_write_environment(stralloc *changes, struct tls_session const *session, char const *path, int keep)
{
    if (!keep) remove_input(changes);
    change(changes, "SSL_PROTOCOL", session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    change(changes, "SSL_CIPHER", session->suite->name);
    change(changes, "SSL_PATH", path);
    change(changes, "SSL_TLS_SNI_SERVERNAME", session->server_name);
    change(changes, "SSL_ALPN", session->alpn);
    write_peer(changes, session);
}
