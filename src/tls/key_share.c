/* ISC license. */

#include "tls/handshake.h"

int tls_make_share(struct handshake *hs, uint16_t group)
{
    hs->session->group = group;
    return crypto_share_generate(&hs->share, group, &hs->config->random) ||
           tls_fail(hs, TLS_INTERNAL_ERROR, "no key share");
}
