/* ISC license. */

/* Executes prog, which requests TLS as a server when it needs it. */

#include "chain/ucspitls.h"

int main(int argc, char const *const *argv)
{
    static struct ucspitls u;
    struct ucspitls_ends ends;

    PROG = "ktls-ucspitlsd";
    chain_configure(&u.chain, CHAIN_UCSPITLSD, argc, argv);
    program_check_descriptors(u.chain.connection.fdr, u.chain.connection.fdw);
    ucspitls_open_ends(&ends, &u);
    if (!ucspitls_fork()) ucspitls_help(&u, &tls_server_handshake);
    ucspitls_exec_prog(&ends, &u);
}
