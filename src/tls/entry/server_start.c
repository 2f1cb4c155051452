/* ISC license. */

/* The server up to the choice of the version (RFC 8446, 4.1.1). */

#include <string.h>

#include "tls/entry/entry.h"
#include "tls/v12/v12.h"
#include "tls/v13/v13.h"

int tls_server_start(struct handshake *hs)
{
    struct message m;
    struct client_hello hello;

    hs->is_server = 1;
    if (!tls_expect_message(hs, TLS_CLIENT_HELLO, &m) || !tls_parse_client_hello(hs, &m, &hello)) return 0;
    if (!tls_at_record_boundary(hs) || !tls_choose_version(hs, &hello)) return 0;
    memcpy(hs->client_random, hello.random.p, sizeof hs->client_random);
    tls_note_server_name(hs, hello.server_name);
    tls_add_hello_to_transcript(hs, &m, &hello);
    return hs->version == TLS_1_3 ? tls_server13(hs, &hello) : tls_server12(hs, &hello);
}
