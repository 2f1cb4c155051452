/* ISC license. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

void chain_read_environment(struct chain_input *input)
{
    chain_read_ids(&input->uid, &input->gid);
    input->cadir = getenv("CADIR");
    input->cafile = getenv("CAFILE");
    input->crldir = getenv("CRLDIR");
    input->crlfile = getenv("CRLFILE");
    input->peerpin = getenv("PEERPIN");
    input->certdir = getenv("CERTDIR");
    input->ticketkeyfile = getenv("TICKETKEYFILE");
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

void chain_change(stralloc *changes, char const *variable, char const *value)
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
    static char const *const variables[] = { "CADIR",     "CAFILE",   "CRLDIR",  "CRLFILE",       "PEERPIN", "CERTFILE", "KEYFILE",
                                             "CERTFILE2", "KEYFILE2", "CERTDIR", "TICKETKEYFILE", "TLS_UID", "TLS_GID" };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) chain_change(changes, variables[i], "");
    drop_host_variables();
}

/* "": nothing to say. */
typedef void writer(stralloc *to, char const *variable, char const *value);

static void add(stralloc *variables, char const *variable, char const *value)
{
    if (!env_addmodif(variables, variable, *value ? value : NULL))
        strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

static void write_peer(stralloc *to, struct tls_session const *session, writer *write)
{
    char hash[] = "SHA256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (size_t i = 0; i < sizeof session->peer_hash; i++)
        snprintf(hash + 7 + 2 * i, 3, "%02x", session->peer_hash[i]);
    int const known = session->peer_verified;
    write(to, "SSL_PEER_CERT_HASH", known ? hash : "");
    write(to, "SSL_PEER_CERT_SUBJECT", known ? session->peer_subject : "");
    write(to, "SSL_PEER_CERT_SAN", known ? session->peer_alt_names : "");
}

static void write_session(stralloc *to, struct tls_session const *session, char const *path, writer *write)
{
    write(to, "SSL_PROTOCOL", session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    write(to, "SSL_CIPHER", session->suite->name);
    write(to, "SSL_PATH", path);
    write(to, "SSL_TLS_SNI_SERVERNAME", session->server_name);
    write(to, "SSL_ALPN", session->alpn);
    write_peer(to, session, write);
}

void chain_write_environment(stralloc *changes, struct tls_session const *session, char const *path, int keep)
{
    if (!keep) remove_input(changes);
    write_session(changes, session, path, &chain_change);
}

void chain_describe_session(stralloc *variables, struct tls_session const *session, char const *path)
{
    write_session(variables, session, path, &add);
}

void chain_clear_environment(stralloc *changes, int keep)
{
    static char const *const names[] = { "SSL_PROTOCOL", "SSL_CIPHER", "SSL_PATH", "SSL_TLS_SNI_SERVERNAME",
                                         "SSL_ALPN", "SSL_PEER_CERT_HASH", "SSL_PEER_CERT_SUBJECT",
                                         "SSL_PEER_CERT_SAN" };
    if (!keep) remove_input(changes);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) chain_change(changes, names[i], "");
}

void chain_set_number(stralloc *changes, char const *variable, unsigned int number)
{
    char text[UINT_FMT];
    text[uint_fmt(text, number)] = 0;
    chain_change(changes, variable, text);
}
