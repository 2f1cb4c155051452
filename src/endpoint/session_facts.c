/* ISC license. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

#define PEER_HASH (7 + 2 * sizeof(((struct tls_session *)NULL)->peer_hash) + 1) /* SHA256:hex */

/* A folder or file of trust that is set to nothing is a mistake; to take it for
   one that is not set would trust others. */
static char const *read_path(char const *variable)
{
    char const *const value = getenv(variable);
    if (value && !*value) strerr_dief(EXIT_USAGE, variable, " is set and empty");
    return value;
}

void chain_read_environment(struct chain_input *input)
{
    struct program_error error;
    if (!program_read_ids(&input->uid, &input->gid, &error)) program_die(&error);
    input->cadir = read_path("CADIR");
    input->cafile = read_path("CAFILE");
    input->crldir = read_path("CRLDIR");
    input->crlfile = read_path("CRLFILE");
    input->peerpin = read_path("PEERPIN");
    input->certdir = read_path("CERTDIR");
    input->ticketkeyfile = getenv("TICKETKEYFILE");
    input->files[0] = (struct chain_files){ .certfile = getenv("CERTFILE"), .keyfile = getenv("KEYFILE") };
    input->files[1] = (struct chain_files){ .certfile = getenv("CERTFILE2"), .keyfile = getenv("KEYFILE2") };
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
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) program_change(changes, variables[i], "");
    drop_host_variables();
}

/* The pointers lead into these two. */
static struct program_session describe(struct tls_session const *session, char const *path, char hash[PEER_HASH])
{
    struct program_session facts = {
        .protocol = session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2",
        .cipher = session->suite->name,
        .path = path,
        .server_name = session->server_name,
        .alpn = session->alpn,
        .peer_hash = "",
        .peer_subject = "",
        .peer_alt_names = "",
    };
    if (!session->peer_verified) return facts;
    strcpy(hash, "SHA256:");
    for (size_t i = 0; i < sizeof session->peer_hash; i++)
        snprintf(hash + 7 + 2 * i, 3, "%02x", session->peer_hash[i]);
    facts.peer_hash = hash;
    facts.peer_subject = session->peer_subject;
    facts.peer_alt_names = session->peer_alt_names;
    return facts;
}

void chain_write_environment(stralloc *changes, struct tls_session const *session, char const *path, int keep)
{
    char hash[PEER_HASH];
    struct program_session const facts = describe(session, path, hash);
    if (!keep) remove_input(changes);
    program_change_session(changes, &facts);
}

void chain_describe_session(stralloc *variables, struct tls_session const *session, char const *path)
{
    char hash[PEER_HASH];
    struct program_session const facts = describe(session, path, hash);
    program_describe_session(variables, &facts);
}

void chain_clear_environment(stralloc *changes, int keep)
{
    static struct program_session const nothing = { "", "", "", "", "", "", "", "" };
    if (!keep) remove_input(changes);
    program_change_session(changes, &nothing);
}
