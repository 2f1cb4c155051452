/* ISC license. */

/* The server's choice of version, suite, credential and ALPN protocol. */

#include <string.h>

#include "tls/handshake.h"

#define FALLBACK_SCSV 0x5600 /* RFC 7507 */

static uint16_t best_version(struct handshake const *hs, struct client_hello const *hello)
{
    if (!hello->versions.p) return hs->enables12 && hello->legacy_version >= TLS_1_2 ? TLS_1_2 : 0;
    if (hs->enables13 && tls_list16_has(hello->versions, TLS_1_3)) return TLS_1_3;
    return hs->enables12 && tls_list16_has(hello->versions, TLS_1_2) ? TLS_1_2 : 0;
}

int tls_choose_version(struct handshake *hs, struct client_hello const *hello)
{
    /* RFC 8446, D.5: a legacy_version of SSL 3.0 is refused even when a later version is offered. */
    hs->version = hello->legacy_version <= 0x0300 ? 0 : best_version(hs, hello);
    if (!hs->version) return tls_fail(hs, TLS_PROTOCOL_VERSION, "no common protocol version");
    if (hs->version == TLS_1_2 && hs->enables13 && tls_list16_has(hello->cipher_suites, FALLBACK_SCSV))
        return tls_fail(hs, TLS_INAPPROPRIATE_FALLBACK, "the client fell back to a lower protocol version");
    return 1;
}

static int choose_credential(struct handshake *hs, struct client_hello const *hello, enum crypto_key_type type)
{
    for (size_t i = 0; i < 2; i++) {
        struct x509_credential const *credential = hs->own[i];
        if (!credential || (type != CRYPTO_ANY_KEY && credential->public_key.type != type)) continue;
        hs->scheme = tls_scheme_for(hs, hello, credential);
        if (!hs->scheme) continue;
        hs->credential = credential;
        return 1;
    }
    return 0;
}

static int try_suite(struct handshake *hs, struct client_hello const *hello, struct crypto_suite const *suite)
{
    if (!tls_is_common_suite(hs, hello, suite) || !choose_credential(hs, hello, suite->auth)) return 0;
    hs->suite = suite;
    return 1;
}

/* A client that prefers ChaCha20 probably lacks AES instructions, so its preference is followed. */
static int client_prefers_chacha(struct handshake const *hs, struct client_hello const *hello)
{
    struct reader r = tls_reader_on(hello->cipher_suites);
    while (r.left && !r.bad) {
        struct crypto_suite const *suite = crypto_suite_by_id((uint16_t)tls_read16(&r));
        if (suite && suite->version == hs->version) return suite->cipher == KTLS_CHACHA20_POLY1305;
    }
    return 0;
}

int tls_choose_suite_and_credential(struct handshake *hs, struct client_hello const *hello)
{
    struct tls_config const *config = hs->config;
    int const chacha_first = client_prefers_chacha(hs, hello);
    int common = 0;

    if (!tls_find_credentials(hs, hello)) return 0;
    for (int pass = !chacha_first; pass < 2; pass++)
        for (size_t i = 0; i < config->suite_count; i++) {
            struct crypto_suite const *suite = crypto_suite_by_id(config->suites[i]);
            if (!pass && suite && suite->cipher != KTLS_CHACHA20_POLY1305) continue;
            if (try_suite(hs, hello, suite)) return 1;
            common |= tls_is_common_suite(hs, hello, suite);
        }
    return tls_fail(hs, TLS_HANDSHAKE_FAILURE,
                common ? "the client supports none of our certificates" : "no common cipher suite");
}

int tls_choose_alpn(struct handshake *hs, struct client_hello const *hello)
{
    if (!hello->alpn.p || !hs->config->alpn_len) return 1;
    struct reader ours = tls_reader_on((struct span){ hs->config->alpn, hs->config->alpn_len });
    while (ours.left && !ours.bad)
        if (tls_use_alpn(hs, hello->alpn, tls_read_vector8(&ours))) return 1;
    return tls_fail(hs, TLS_NO_APPLICATION_PROTOCOL, "no common application protocol");
}

void tls_put_chosen_alpn(struct handshake const *hs, struct writer *w)
{
    size_t const extension = tls_open_extension(w, EXT_ALPN);
    size_t const list = tls_open_vector(w, 2);
    size_t const name = tls_open_vector(w, 1);
    tls_write_bytes(w, hs->session->alpn, strlen(hs->session->alpn));
    tls_close_vector(w, name, 1);
    tls_close_vector(w, list, 2);
    tls_close_extension(w, extension);
}
