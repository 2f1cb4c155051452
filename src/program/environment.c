/* ISC license. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "program/program.h"

static void modify_environment(stralloc *changes, char const *variable, char const *value)
{
    if (!env_addmodif(changes, variable, value)) strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

/* Each modification removes one entry, but a hostile environment may contain duplicates. */
static void remove_all(stralloc *changes, char const *variable)
{
    size_t const len = strlen(variable);
    for (char *const *entry = environ; *entry; entry++)
        if (!strncmp(*entry, variable, len) && (*entry)[len] == '=') modify_environment(changes, variable, NULL);
}

void program_change_number(stralloc *changes, char const *variable, unsigned int number)
{
    char text[UINT_FMT];
    text[uint_fmt(text, number)] = 0;
    program_change(changes, variable, text);
}

/* As in s6-networking, a variable that is 0 or not set changes nothing. */
static int read_id(uint32_t *id, char const *variable, struct program_error *error)
{
    char const *value = getenv(variable);
    *id = 0;
    if (!value || geteuid() || (uint320_scan(value, id) && *id != UINT32_MAX)) return 1;
    return program_fail(error, EXIT_USAGE, "%s is not the number of a user or group: %s", variable, value);
}

int program_read_ids(uid_t *uid, gid_t *gid, struct program_error *error)
{
    return read_id(uid, "TLS_UID", error) && read_id(gid, "TLS_GID", error);
}

void program_change(stralloc *changes, char const *variable, char const *value)
{
    remove_all(changes, variable);
    if (*value) modify_environment(changes, variable, value);
}

static void describe_variable(stralloc *variables, char const *variable, char const *value)
{
    modify_environment(variables, variable, *value ? value : NULL);
}

typedef void writer(stralloc *to, char const *variable, char const *value);

static void write_session_facts(stralloc *to, struct program_session const *session, writer *write)
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
    write_session_facts(changes, session, &program_change);
}

void program_describe_session(stralloc *variables, struct program_session const *session)
{
    write_session_facts(variables, session, &describe_variable);
}
