/* ISC license. */

/* Finds those of our certificates that the peer can use (RFC 8446, 4.4.2.2 and 4.4.2.3; RFC 8422, 5.1). */

#include <string.h>

#include "tls/handshake.h"

/* RFC 8422, 5.1: in 1.2 supported_groups also says which keys the client can verify. */
static int has_curve(struct handshake const *hs, struct client_hello const *hello,
                     struct x509_credential const *credential)
{
    uint16_t const group = credential->public_key.group;
    return hs->version == TLS_1_3 || credential->public_key.type != CRYPTO_EC || !hello->groups.p ||
           tls_list16_has(hello->groups, group);
}

struct crypto_scheme const *tls_scheme_for(struct handshake const *hs, struct client_hello const *hello,
                                       struct x509_credential const *credential)
{
    if (!has_curve(hs, hello, credential)) return NULL;
    return tls_choose_scheme(hs, credential, hello->signature_algorithms);
}

static int has_suite_for(struct handshake const *hs, struct client_hello const *hello,
                         enum crypto_key_type type)
{
    for (size_t i = 0; i < hs->config->suite_count; i++) {
        struct crypto_suite const *suite = crypto_suite_by_id(hs->config->suites[i]);
        if (!tls_is_common_suite(hs, hello, suite)) continue;
        if (suite->auth == CRYPTO_ANY_KEY || suite->auth == type) return 1;
    }
    return 0;
}

static int has_scheme_for(struct handshake const *hs, struct client_hello const *hello,
                          enum crypto_key_type type)
{
    for (size_t i = 0; i < CRYPTO_SCHEMES; i++) {
        struct crypto_scheme const *scheme = crypto_schemes + i;
        struct crypto_public_key const key = { .type = type, .group = scheme->group };
        if (!tls_has_scheme(hs, scheme->id) || !tls_list16_has(hello->signature_algorithms, scheme->id)) continue;
        if (crypto_scheme_fits(scheme, &key, hs->version)) return 1;
    }
    return 0;
}

static unsigned int usable_key_types(struct handshake const *hs, struct client_hello const *hello)
{
    static enum crypto_key_type const types[] = { CRYPTO_RSA, CRYPTO_EC };
    unsigned int mask = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (has_suite_for(hs, hello, types[i]) && has_scheme_for(hs, hello, types[i])) mask |= 1u << types[i];
    return mask;
}

static int all_known(struct x509_chain const *chain, struct span schemes)
{
    for (size_t i = 0; i < chain->count; i++) {
        uint16_t const scheme = x509_signature_scheme(chain->cert + i);
        if (scheme && !tls_list16_has(schemes, scheme)) return 0;
    }
    return 1;
}

static int suits(struct handshake const *hs, struct client_hello const *hello,
                 struct x509_credential const *credential)
{
    struct span const known =
        hello->certificate_schemes.p ? hello->certificate_schemes : hello->signature_algorithms;
    return has_suite_for(hs, hello, credential->public_key.type) && tls_scheme_for(hs, hello, credential) &&
           all_known(&credential->chain, known);
}

int tls_hello_suits(struct tls_hello const *hello, struct x509_credential const *credential)
{
    return suits(hello->offer->hs, hello->offer->hello, credential);
}

/* The signatures in the chains only decide between two usable credentials; they never exclude the only one. */
static void prefer_known_signatures(struct handshake *hs, struct client_hello const *hello)
{
    if (!hs->own[0] || !hs->own[1]) return;
    int const first = suits(hs, hello, hs->own[0]), second = suits(hs, hello, hs->own[1]);
    if (first == second) return;
    if (second) hs->own[0] = hs->own[1];
    hs->own[1] = NULL;
}

static int ask(struct handshake *hs, struct client_hello const *hello)
{
    struct tls_choose const *choose = &hs->config->choose;
    struct tls_offer const offer = { hs, hello };
    struct tls_hello const told = {
        .server_name = hs->session->server_name,
        .alpn = hello->alpn.p,
        .alpn_len = hello->alpn.len,
        .key_types = usable_key_types(hs, hello),
        .offer = &offer,
    };
    int const answer = choose->function(choose->ctx, &told, hs->own);
    if (answer > 0) return 1;
    if (answer < 0) return tls_fail(hs, TLS_INTERNAL_ERROR, "cannot choose a certificate");
    return tls_fail(hs, TLS_UNRECOGNIZED_NAME,
                hello->server_name.p ? "no certificate for the server name that the client sent"
                                     : "the client sent no usable server name");
}

int tls_find_credentials(struct handshake *hs, struct client_hello const *hello)
{
    memcpy(hs->own, hs->config->credential, sizeof hs->own);
    if (hs->config->choose.function && !ask(hs, hello)) return 0;
    prefer_known_signatures(hs, hello);
    return 1;
}

/* When no credential suits the server, the answer is an empty Certificate. */
int tls_choose_client_credential(struct handshake *hs, struct request const *request)
{
    for (int insist = 1; insist >= 0; insist--)
        for (size_t i = 0; i < 2; i++) {
            struct x509_credential const *credential = hs->config->credential[i];
            if (!credential || !(request->key_types & 1u << credential->public_key.type)) continue;
            if (insist && !all_known(&credential->chain, request->certificate_schemes)) continue;
            hs->scheme = tls_choose_scheme(hs, credential, request->schemes);
            if (!hs->scheme) continue;
            hs->credential = credential;
            return 1;
        }
    return 1;
}
