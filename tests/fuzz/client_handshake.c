/* ISC license. */

/* A client, and a peer that sends the input. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    return fuzz_one(tls_client_handshake, client_config, data, size);
}
