/* ISC license. */

#include "chain/chain.h"

int main(int argc, char const *const *argv)
{
    PROG = "ktls-ucspitlsc";
    chain_ucspitls(CHAIN_UCSPITLSC, &tls_client_handshake, argc, argv);
}
