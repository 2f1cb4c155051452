/* ISC license. */

/* Finds the parameters that both peers support. */

#include <string.h>

#include "tls/handshake.h"

static int has(uint16_t const *list, size_t count, unsigned int id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == id) return 1;
    return 0;
}

int tls_has_group(struct handshake const *hs, unsigned int group)
{
    return has(hs->config->groups, hs->config->group_count, group);
}

int tls_has_scheme(struct handshake const *hs, unsigned int scheme)
{
    return has(hs->config->schemes, hs->config->scheme_count, scheme);
}

struct crypto_scheme const *tls_choose_scheme(struct handshake const *hs, struct x509_credential const *credential,
                                          struct span offered)
{
    struct reader r = tls_reader_on(offered);
    while (r.left && !r.bad) {
        struct crypto_scheme const *scheme = crypto_scheme_by_id((uint16_t)tls_read16(&r));
        if (!scheme || !tls_has_scheme(hs, scheme->id)) continue;
        if (crypto_scheme_fits(scheme, &credential->public_key, hs->version)) return scheme;
    }
    return NULL;
}

int tls_is_common_suite(struct handshake const *hs, struct client_hello const *hello,
                    struct crypto_suite const *suite)
{
    return suite && suite->version == hs->version && tls_list16_has(hello->cipher_suites, suite->id);
}

int tls_use_alpn(struct handshake *hs, struct span offered, struct span name)
{
    struct reader r = tls_reader_on(offered);
    while (r.left && !r.bad) {
        if (!tls_span_equal(tls_read_vector8(&r), name)) continue;
        memcpy(hs->session->alpn, name.p, name.len);
        hs->session->alpn[name.len] = 0;
        return 1;
    }
    return 0;
}
