/* ISC license. */

#include "chain/chain.h"

int main(int argc, char const *const *argv)
{
    PROG = "ktls-tlsc";
    chain_step(CHAIN_TLSC, &tls_client_handshake, argc, argv);
}
