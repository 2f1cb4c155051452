/* ISC license. */

#include "chain/chain.h"

static void remove_variables(stralloc *changes)
{
    for (char const *const *variable = endpoint_variables; *variable; variable++)
        program_change(changes, *variable, "");
    hosts_remove_variables();
}

void chain_change_environment(stralloc *changes, struct chain const *chain, struct tls_session const *session)
{
    char hash[ENDPOINT_PEER_HASH];
    struct program_session facts = { "", "", "", "", "", "", "", "" };
    if (session) endpoint_describe(&facts, session, chain_path_name(chain->path), hash);
    if (!chain->options.keep) remove_variables(changes);
    program_change_session(changes, &facts);
}

void chain_describe_session(stralloc *variables, struct chain const *chain)
{
    char hash[ENDPOINT_PEER_HASH];
    struct program_session facts;
    endpoint_describe(&facts, &chain->session, chain_path_name(chain->path), hash);
    program_describe_session(variables, &facts);
}
