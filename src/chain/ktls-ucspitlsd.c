/* ISC license. */

#include "chain/chain.h"

int main(int argc, char const *const *argv)
{
    PROG = "ktls-ucspitlsd";
    chain_ucspitls(CHAIN_UCSPITLSD, &tls_server_handshake, argc, argv);
}
