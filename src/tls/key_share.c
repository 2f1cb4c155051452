/* ISC license. */

#include "tls/handshake.h"

int make_share(struct handshake *hs, uint16_t group)
{
    hs->session->group = group;
    return crypto_share_generate(&hs->share, group, &hs->config->random) ||
           fail(hs, TLS_INTERNAL_ERROR, "no key share");
}
