/* ISC license. */

#include <stdio.h>
#include <string.h>

#include "endpoint/endpoint.h"

void endpoint_describe(struct program_session *facts, struct tls_session const *session, char const *path,
                       char hash[ENDPOINT_PEER_HASH])
{
    *facts = (struct program_session){
        .protocol = session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2",
        .cipher = session->suite->name,
        .path = path,
        .server_name = session->server_name,
        .alpn = session->alpn,
        .peer_hash = "",
        .peer_subject = "",
        .peer_alt_names = "",
    };
    if (!session->peer_verified) return;
    strcpy(hash, "SHA256:");
    for (size_t i = 0; i < sizeof session->peer_hash; i++)
        snprintf(hash + 7 + 2 * i, 3, "%02x", session->peer_hash[i]);
    facts->peer_hash = hash;
    facts->peer_subject = session->peer_subject;
    facts->peer_alt_names = session->peer_alt_names;
}
