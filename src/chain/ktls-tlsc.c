/* ISC license. */

/* Makes the connection on 6 and 7 a TLS connection, as client, then executes prog. */

#include "chain/chain.h"

int main(int argc, char const *const *argv)
{
    static struct chain chain;
    struct process_hardening before;
    stralloc changes = STRALLOC_ZERO;

    PROG = "ktls-tlsc";
    chain_configure(&chain, CHAIN_TLSC, argc, argv);
    program_check_descriptors(chain.connection.fdr, chain.connection.fdw);
    program_harden(&before);
    program_name_peer(chain.connection.fdr);
    chain_open_connection(&chain);
    chain_shake_hands(&chain, &tls_client_handshake);
    chain_choose_mode(&chain);
    chain_place_keys(&chain);
    chain_change_environment(&changes, &chain, &chain.session);
    chain_announce(&chain);
    chain_forget_session(&chain);
    chain_drain_tickets(&chain);
    program_unharden(&before);
    chain_exec_prog(&chain, &changes);
}
