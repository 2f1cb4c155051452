/* ISC license. */

#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/strerr.h>

#include "program/program.h"

static void add(stralloc *changes, char const *variable, char const *value)
{
    if (!env_addmodif(changes, variable, value)) strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

/* Each modification takes away one entry, but a hostile environment may have several. */
static void remove_all(stralloc *changes, char const *variable)
{
    size_t const len = strlen(variable);
    for (char *const *entry = environ; *entry; entry++)
        if (!strncmp(*entry, variable, len) && (*entry)[len] == '=') add(changes, variable, NULL);
}

void program_change(stralloc *changes, char const *variable, char const *value)
{
    remove_all(changes, variable);
    if (*value) add(changes, variable, value);
}

static void describe(stralloc *variables, char const *variable, char const *value)
{
    add(variables, variable, *value ? value : NULL);
}

typedef void writer(stralloc *to, char const *variable, char const *value);

static void write_session(stralloc *to, struct program_session const *session, writer *write)
{
    write(to, "SSL_PROTOCOL", session->protocol);
    write(to, "SSL_CIPHER", session->cipher);
    write(to, "SSL_PATH", session->path);
    write(to, "SSL_TLS_SNI_SERVERNAME", session->server_name);
    write(to, "SSL_ALPN", session->alpn);
    write(to, "SSL_PEER_CERT_HASH", session->peer_hash);
    write(to, "SSL_PEER_CERT_SUBJECT", session->peer_subject);
    write(to, "SSL_PEER_CERT_SAN", session->peer_alt_names);
}

void program_change_session(stralloc *changes, struct program_session const *session)
{
    write_session(changes, session, &program_change);
}

void program_describe_session(stralloc *variables, struct program_session const *session)
{
    write_session(variables, session, &describe);
}
