/* ISC license. */

#include <string.h>

#include "tls/tls.h"

/* Adds the suites with ChaCha20, or all others, in the order of the table. */
static void add_suites(struct tls_config *config, int chacha)
{
    for (size_t i = 0; i < CRYPTO_SUITES; i++)
        if ((crypto_suites[i].cipher == KTLS_CHACHA20_POLY1305) == chacha)
            config->suites[config->suite_count++] = crypto_suites[i].id;
}

static uint16_t const all_groups[] = { CRYPTO_X25519MLKEM768, CRYPTO_SECP256R1MLKEM768, CRYPTO_X25519,
                                       CRYPTO_SECP256R1,      CRYPTO_SECP384R1,         CRYPTO_SECP521R1 };

void tls_config_init(struct tls_config *config)
{
    int const chacha_first = !crypto_fast_aes();
    *config = (struct tls_config){ .min_version = TLS_1_2, .max_version = TLS_1_3, .random = crypto_random_os };
    add_suites(config, chacha_first);
    add_suites(config, !chacha_first);
    config->group_count = sizeof all_groups / sizeof *all_groups;
    memcpy(config->groups, all_groups, sizeof all_groups);
    for (size_t i = 0; i < CRYPTO_SCHEMES; i++) config->schemes[i] = crypto_schemes[i].id;
    config->scheme_count = CRYPTO_SCHEMES;
}

int tls_config_enables(struct tls_config const *config, uint16_t version)
{
    if (version < config->min_version || version > config->max_version) return 0;
    for (size_t i = 0; i < config->suite_count; i++) {
        struct crypto_suite const *suite = crypto_suite_by_id(config->suites[i]);
        if (suite && suite->version == version) return 1;
    }
    return 0;
}

static int has_suite(struct tls_config const *config, uint16_t id)
{
    for (size_t i = 0; i < config->suite_count; i++)
        if (config->suites[i] == id) return 1;
    return 0;
}

int tls_parse_suites(struct tls_config *config, char const *list)
{
    config->suite_count = 0;
    for (;; list++) {
        size_t const len = strcspn(list, ":,");
        struct crypto_suite const *suite = crypto_suite_by_name(list, len);
        if (!suite) return 0;
        if (!has_suite(config, suite->id)) config->suites[config->suite_count++] = suite->id;
        list += len;
        if (!*list) return 1;
    }
}

size_t tls_parse_alpn(unsigned char *out, size_t max, char const *list)
{
    size_t used = 0;
    for (;; list++) {
        size_t const len = strcspn(list, ",");
        if (!len || len > 255 || 1 + len > max - used) return 0;
        out[used++] = (unsigned char)len;
        memcpy(out + used, list, len);
        used += len;
        list += len;
        if (!*list) return used;
    }
}
