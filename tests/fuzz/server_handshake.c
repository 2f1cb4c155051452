/* ISC license. */

/* A server, and a peer that sends the input. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    return fuzz_one(tls_server_handshake, server_config, data, size);
}
