/* ISC license. */

#include <string.h>
#include <strings.h>

#include "crypto/crypto.h"

#define V12 KTLS_TLS_1_2
#define V13 KTLS_TLS_1_3

struct crypto_suite const crypto_suites[CRYPTO_SUITES] = {
    { 0x1301, V13, KTLS_AES_128_GCM, CRYPTO_SHA256, CRYPTO_ANY_KEY,
      "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
    { 0x1302, V13, KTLS_AES_256_GCM, CRYPTO_SHA384, CRYPTO_ANY_KEY,
      "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384" },
    { 0x1303, V13, KTLS_CHACHA20_POLY1305, CRYPTO_SHA256, CRYPTO_ANY_KEY,
      "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256" },
    { 0xc02b, V12, KTLS_AES_128_GCM, CRYPTO_SHA256, CRYPTO_EC,
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { 0xc02f, V12, KTLS_AES_128_GCM, CRYPTO_SHA256, CRYPTO_RSA,
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256" },
    { 0xc02c, V12, KTLS_AES_256_GCM, CRYPTO_SHA384, CRYPTO_EC,
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384" },
    { 0xc030, V12, KTLS_AES_256_GCM, CRYPTO_SHA384, CRYPTO_RSA,
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384" },
    { 0xcca9, V12, KTLS_CHACHA20_POLY1305, CRYPTO_SHA256, CRYPTO_EC,
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305" },
    { 0xcca8, V12, KTLS_CHACHA20_POLY1305, CRYPTO_SHA256, CRYPTO_RSA,
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305" },
};

struct crypto_suite const *crypto_suite_by_id(uint16_t id)
{
    for (size_t i = 0; i < CRYPTO_SUITES; i++)
        if (crypto_suites[i].id == id) return crypto_suites + i;
    return NULL;
}

static int is_name(char const *known, char const *name, size_t len)
{
    return strlen(known) == len && !strncasecmp(known, name, len);
}

struct crypto_suite const *crypto_suite_by_name(char const *name, size_t len)
{
    for (size_t i = 0; i < CRYPTO_SUITES; i++) {
        struct crypto_suite const *suite = crypto_suites + i;
        if (is_name(suite->name, name, len) || is_name(suite->openssl_name, name, len)) return suite;
    }
    return NULL;
}

size_t crypto_key_size(enum ktls_cipher cipher)
{
    return cipher == KTLS_AES_128_GCM ? 16 : 32;
}

size_t crypto_iv_size(enum ktls_cipher cipher, uint16_t version)
{
    return version == KTLS_TLS_1_2 && cipher != KTLS_CHACHA20_POLY1305 ? 4 : 12;
}
