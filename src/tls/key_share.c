/* ISC license. */

#include "tls/handshake.h"

int tls_make_share(struct handshake *hs, uint16_t group)
{
    hs->session->group = group;
    return crypto_share_generate(&hs->share, group, &hs->config->random) ||
           tls_fail(hs, TLS_INTERNAL_ERROR, "no key share");
}

/* The first hello contains the share of a hybrid group's curve in addition to the hybrid share: it
   costs 36 bytes and no computation, and saves a round trip with servers that lack ML-KEM. */
int tls_sent_share(struct handshake const *hs, unsigned int group)
{
    unsigned char const *public_key;
    if (hs->retry_group) return group == hs->retry_group;
    return tls_has_group(hs, group) && crypto_share_public(&hs->share, (uint16_t)group, &public_key) > 0;
}
