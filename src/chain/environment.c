/* ISC license. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/strerr.h>

#include "chain/chain.h"

static void refuse_separation(char const *variable)
{
    if (getenv(variable) && geteuid() == 0)
        strerr_dief(EXIT_USAGE, variable, " is set: this version has no handshake under another uid");
}

void chain_read_environment(struct chain_input *input)
{
    refuse_separation("TLS_UID");
    refuse_separation("TLS_GID");
    input->cadir = getenv("CADIR");
    input->cafile = getenv("CAFILE");
    input->certfile = getenv("CERTFILE");
    input->keyfile = getenv("KEYFILE");
}

/* Each modification takes away one entry, but a hostile environment may have several. */
static void remove_all(stralloc *changes, char const *variable)
{
    size_t const len = strlen(variable);
    for (char *const *entry = environ; *entry; entry++)
        if (!strncmp(*entry, variable, len) && (*entry)[len] == '=' && !env_addmodif(changes, variable, NULL))
            strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

/* NULL removes the variable. */
static void change(stralloc *changes, char const *variable, char const *value)
{
    remove_all(changes, variable);
    if (value && !env_addmodif(changes, variable, value)) strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

static void change_unless_empty(stralloc *changes, char const *variable, char const *value)
{
    change(changes, variable, *value ? value : NULL);
}

static int is_per_name(char const *entry)
{
    return !strncmp(entry, "CERTFILE:", 9) || !strncmp(entry, "KEYFILE:", 8);
}

static void remove_entry(stralloc *changes, char const *entry)
{
    if (!stralloc_catb(changes, entry, strcspn(entry, "=")) || !stralloc_0(changes))
        strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

static void remove_input(stralloc *changes)
{
    static char const *const variables[] = { "CADIR", "CAFILE", "CERTFILE", "KEYFILE", "TLS_UID", "TLS_GID" };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) change(changes, variables[i], NULL);
    for (char *const *entry = environ; *entry; entry++)
        if (is_per_name(*entry)) remove_entry(changes, *entry);
}

static void write_peer(stralloc *changes, struct tls_session const *session)
{
    char hash[] = "SHA256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (size_t i = 0; i < sizeof session->peer_hash; i++)
        snprintf(hash + 7 + 2 * i, 3, "%02x", session->peer_hash[i]);
    change(changes, "SSL_PEER_CERT_HASH", session->peer_verified ? hash : NULL);
    change(changes, "SSL_PEER_CERT_SUBJECT", session->peer_verified ? session->peer_subject : NULL);
}

void chain_write_environment(stralloc *changes, struct tls_session const *session, char const *path, int keep)
{
    if (!keep) remove_input(changes);
    change(changes, "SSL_PROTOCOL", session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    change(changes, "SSL_CIPHER", session->suite->name);
    change(changes, "SSL_PATH", path);
    change_unless_empty(changes, "SSL_TLS_SNI_SERVERNAME", session->server_name);
    change_unless_empty(changes, "SSL_ALPN", session->alpn);
    write_peer(changes, session);
}
