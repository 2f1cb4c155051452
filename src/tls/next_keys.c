/* ISC license. */

#include "tls/tls.h"

void tls_next_keys(struct crypto_suite const *suite, unsigned char secret[TLS_MAX_SECRET],
                   struct ktls_traffic_keys *keys)
{
    unsigned char next[TLS_MAX_SECRET];
    size_t const size = crypto_hash_size(suite->hash);
    crypto_hkdf_expand_label(suite->hash, secret, "traffic upd", NULL, 0, next, size);
    for (size_t i = 0; i < size; i++) secret[i] = next[i];
    crypto_wipe(next, sizeof next);
    crypto_traffic_keys(suite, secret, keys);
}
