/* ISC license. */

#include "chain/chain.h"

int main(int argc, char const *const *argv)
{
    PROG = "ktls-tlsd";
    chain_step(CHAIN_TLSD, &tls_server_handshake, argc, argv);
}
