/* ISC license. */

/* The tables: suites and their names. */

#include "crypto/crypto.h"

#include "tap.h"

static struct {
    uint16_t id, version, cipher;
    enum crypto_hash hash;
    enum crypto_key_type auth;
    char const *name, *openssl_name;
} const want[] = {
    { 0x1301, 0x0304, 51, CRYPTO_SHA256, CRYPTO_ANY_KEY, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
    { 0x1302, 0x0304, 52, CRYPTO_SHA384, CRYPTO_ANY_KEY, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384" },
    { 0x1303, 0x0304, 54, CRYPTO_SHA256, CRYPTO_ANY_KEY, "TLS_CHACHA20_POLY1305_SHA256",
      "TLS_CHACHA20_POLY1305_SHA256" },
    { 0xc02b, 0x0303, 51, CRYPTO_SHA256, CRYPTO_EC, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
      "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { 0xc02f, 0x0303, 51, CRYPTO_SHA256, CRYPTO_RSA, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256" },
    { 0xc02c, 0x0303, 52, CRYPTO_SHA384, CRYPTO_EC, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      "ECDHE-ECDSA-AES256-GCM-SHA384" },
    { 0xc030, 0x0303, 52, CRYPTO_SHA384, CRYPTO_RSA, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384" },
    { 0xcca9, 0x0303, 54, CRYPTO_SHA256, CRYPTO_EC, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
      "ECDHE-ECDSA-CHACHA20-POLY1305" },
    { 0xcca8, 0x0303, 54, CRYPTO_SHA256, CRYPTO_RSA, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
      "ECDHE-RSA-CHACHA20-POLY1305" },
};

static void suites(void)
{
    for (size_t i = 0; i < CRYPTO_SUITES; i++) {
        struct crypto_suite const *suite = crypto_suite_by_id(want[i].id);
        ok(suite == crypto_suites + i, "%s: in its place", want[i].name);
        if (!suite) continue;
        ok(suite->version == want[i].version && (int)suite->cipher == want[i].cipher &&
               suite->hash == want[i].hash && suite->auth == want[i].auth,
           "%s: version, cipher, hash, key type", want[i].name);
        ok(!strcmp(suite->name, want[i].name) && !strcmp(suite->openssl_name, want[i].openssl_name),
           "%s: names", want[i].name);
        ok(crypto_suite_by_name(want[i].name, strlen(want[i].name)) == suite, "%s: found", want[i].name);
        ok(crypto_suite_by_name(want[i].openssl_name, strlen(want[i].openssl_name)) == suite, "%s: found",
           want[i].openssl_name);
    }
    ok(sizeof want / sizeof *want == CRYPTO_SUITES, "all suites");
}

static void other_suites(void)
{
    /* Null, GREASE, the two signalling values, CBC, DHE, CCM, a TLS 1.3 suite that we do not have. */
    static uint16_t const ids[] = {
        0, 0x0a0a, 0x00ff, 0x5600, 0x002f, 0x009e, 0xc0ac, 0x1304, 0x1305, 0xffff
    };
    static char const *const names[] = { "",
                                         "T",
                                         "TLS_AES_128_GCM_SHA25",
                                         "TLS_AES_128_GCM_SHA2566",
                                         "AES128-SHA",
                                         "TLS_RSA_WITH_AES_128_GCM_SHA256",
                                         "DHE-RSA-AES128-GCM-SHA256" };

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        ok(!crypto_suite_by_id(ids[i]), "no suite %04x", ids[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ok(!crypto_suite_by_name(names[i], strlen(names[i])), "no suite \"%s\"", names[i]);
}

static void name_matching(void)
{
    char const list[] = "tls_aes_128_gcm_sha256:ecdhe-rsa-AES256-gcm-SHA384";

    ok(crypto_suite_by_name(list, 22) == crypto_suite_by_id(0x1301), "any case, not terminated");
    ok(crypto_suite_by_name(list + 23, strlen(list + 23)) == crypto_suite_by_id(0xc030),
       "OpenSSL's name, any case");
    ok(!crypto_suite_by_name(list, 23), "the length counts");
}

int main(void)
{
    suites();
    other_suites();
    name_matching();
    ok(crypto_fast_aes() == 0 || crypto_fast_aes() == 1, "crypto_fast_aes: %d", crypto_fast_aes());
    return done_testing();
}
