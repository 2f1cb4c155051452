/* ISC license. */

/* Keying material exporters (RFC 8446, 7.5; RFC 5705). */

#include <string.h>

#include "tls/tls.h"

#define MAX_LABEL 249 /* of HkdfLabel, after "tls13 " */

/* RFC 5705, 4: with one of these labels the exporter would reveal secrets of the connection. */
static int is_reserved(char const *label)
{
    static char const *const reserved[] = { "client finished", "server finished", "master secret",
                                            "extended master secret", "key expansion" };
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strcmp(label, reserved[i])) return 1;
    return 0;
}

static void export13(struct tls_session const *session, char const *label, void const *context,
                     size_t context_len, unsigned char *out, size_t len)
{
    enum crypto_hash const hash = session->suite->hash;
    size_t const size = crypto_hash_size(hash);
    unsigned char digest[CRYPTO_MAX_HASH], secret[CRYPTO_MAX_HASH];

    crypto_hash(hash, "", 0, digest);
    crypto_hkdf_expand_label(hash, session->exporter_secret, label, digest, size, secret, size);
    crypto_hash(hash, context ? context : "", context_len, digest);
    crypto_hkdf_expand_label(hash, secret, "exporter", digest, size, out, len);
    crypto_wipe(secret, sizeof secret);
}

static void export12(struct tls_session const *session, char const *label, void const *context,
                     size_t context_len, unsigned char *out, size_t len)
{
    unsigned char seed[64 + 2 + TLS_MAX_EXPORT_CONTEXT];
    size_t seed_len = 64;

    memcpy(seed, session->client_random, 32);
    memcpy(seed + 32, session->server_random, 32);
    if (context) {
        seed[64] = (unsigned char)(context_len >> 8);
        seed[65] = (unsigned char)context_len;
        memcpy(seed + 66, context, context_len);
        seed_len += 2 + context_len;
    }
    crypto_tls12_prf(session->suite->hash, session->exporter_secret, sizeof session->exporter_secret, label,
                     seed, seed_len, out, len);
}

int tls_export(struct tls_session const *session, char const *label, void const *context, size_t context_len,
               unsigned char *out, size_t len)
{
    size_t const label_len = strlen(label);
    if (!label_len || label_len > MAX_LABEL || is_reserved(label)) return 0;
    if (!context) context_len = 0;
    if (!len || len > TLS_MAX_EXPORT || context_len > TLS_MAX_EXPORT_CONTEXT) return 0;
    if (session->version == TLS_1_2 && !session->extended_master_secret) return 0;
    if (session->version == TLS_1_3) export13(session, label, context, context_len, out, len);
    else export12(session, label, context, context_len, out, len);
    return 1;
}
