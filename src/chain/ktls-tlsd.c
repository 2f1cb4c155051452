/* ISC license. */

/* Makes the connection on 0 and 1 a TLS connection, as server, then executes prog. */

#include "chain/chain.h"

int main(int argc, char const *const *argv)
{
    static struct chain chain;
    struct process_hardening before;
    stralloc changes = STRALLOC_ZERO;

    PROG = "ktls-tlsd";
    chain_configure(&chain, CHAIN_TLSD, argc, argv);
    program_check_descriptors(chain.connection.fdr, chain.connection.fdw);
    program_harden(&before);
    program_name_peer(chain.connection.fdr);
    chain_open_connection(&chain);
    chain_shake_hands(&chain, &tls_server_handshake);
    chain_choose_mode(&chain);
    chain_place_keys(&chain);
    chain_change_environment(&changes, &chain, &chain.session);
    chain_announce(&chain);
    chain_forget_session(&chain);
    program_unharden(&before);
    chain_exec_prog(&chain, &changes);
}
