/* ISC license. */

/* Chains: every answer of x509_verify. */

#include "x509_verifies.h"

static void test_good(void)
{
    server("ec256.crt", X509_OK);
    ok(found_key.type == CRYPTO_EC && found_key.group == CRYPTO_SECP256R1 && found_key.point_len == 65,
       "P-256 key");
    server("ec384.crt", X509_OK);
    ok(found_key.type == CRYPTO_EC && found_key.group == CRYPTO_SECP384R1 && found_key.point_len == 97,
       "P-384 key");
    server("rsa.crt", X509_OK);
    ok(found_key.type == CRYPTO_RSA && found_key.modulus_len == 256 && found_key.exponent_len == 3,
       "RSA key");
    server("odd/p521.crt", X509_OK);
    ok(found_key.type == CRYPTO_EC && found_key.group == CRYPTO_SECP521R1 && found_key.point_len == 133, "P-521 key");
    server("ec-chain.crt", X509_OK);
    server("odd/anyeku.crt", X509_OK);
    server("odd/noeku.crt", X509_OK);
    server("odd/twice.crt", X509_OK);
    verifies("ec256.crt", X509_SERVER_AUTH, "127.0.0.1", X509_OK);
    verifies("ec256.crt", X509_SERVER_AUTH, NULL, X509_OK);
    client("client-ec.crt", X509_OK);
    client("client-rsa.crt", X509_OK);
    client("odd/anyeku.crt", X509_OK);
    client("odd/noeku.crt", X509_OK);
}

static void test_end_entity_faults(void)
{
    server("expired.crt", X509_EXPIRED);
    server("future.crt", X509_NOT_YET_VALID);
    server("selfsigned.crt", X509_UNKNOWN_CA);
    server("wrongname.crt", X509_WRONG_NAME);
    server("odd/nosan.crt", X509_NO_ALT_NAME);
    server("clientonly.crt", X509_WRONG_PURPOSE);
    server("odd/keyenc.crt", X509_WRONG_KEY_USAGE);
    client("ec256.crt", X509_WRONG_PURPOSE);
    server("rsa1024.crt", X509_WEAK_KEY);
    server("sha1.crt", X509_UNSUPPORTED);
    server("odd/ed25519.crt", X509_ED25519);
    server("odd/critical.crt", X509_CRITICAL_EXTENSION);
    server("odd/badsan.crt", X509_BAD_CERTIFICATE);
    client("client-unknown.crt", X509_UNKNOWN_CA);
}

static void test_paths(void)
{
    server("odd/under-leaf.crt ec256.crt", X509_NOT_CA);
    server("odd/under-nosign.crt odd/ca-nosign.crt", X509_WRONG_KEY_USAGE);
    server("odd/under-path0.crt odd/ca-path0.crt", X509_OK);
    server("odd/under-path1.crt odd/ca-path1.crt odd/ca-path0.crt", X509_PATH_LENGTH);
    server("odd/under-clients.crt odd/ca-clients.crt", X509_WRONG_PURPOSE);
    server("odd/under-constrained.crt odd/ca-constrained.crt", X509_NAME_CONSTRAINT);
    server("odd/under-weak.crt odd/ca-weak.crt", X509_UNKNOWN_CA);
    server("odd/under-masked.crt odd/ca-masked.crt", X509_UNKNOWN_CA);
    trust_name = "ec256.crt";
    server("odd/under-leaf.crt", X509_NOT_CA);
    trust_name = "ca.pem";
}

static void test_superfluous(void)
{
    server("ec256.crt ca-ec.crt", X509_OK);
    server("ec256.crt ca-rsa.crt client-unknown.crt", X509_OK);
    server("ec-chain.crt ca-ec.crt ca-rsa.crt", X509_OK);
    server("rsa.crt ec256.crt ec384.crt expired.crt future.crt sha1.crt rsa1024.crt", X509_OK);
    trust_name = "ca-ec.crt";
    server("rsa.crt ca-rsa.crt", X509_UNKNOWN_CA);
    trust_name = "ca.pem";
}

/* ec-chain.crt holds the end entity and the intermediate. */
static void test_order(void)
{
    static struct pki_chain chain;
    pki_chain_of(&chain, "ec-chain.crt ca-ec.crt ca-rsa.crt");
    struct x509_chain shuffled = chain.chain;
    shuffled.cert[1] = chain.chain.cert[3];
    shuffled.cert[3] = chain.chain.cert[1];
    ok(verify_chain(&shuffled, X509_SERVER_AUTH, "localhost") == X509_OK, "an issuer out of order");
    shuffled.count = 3;
    ok(verify_chain(&shuffled, X509_SERVER_AUTH, "localhost") == X509_UNKNOWN_CA, "an issuer missing");
    shuffled.cert[0] = chain.chain.cert[1];
    ok(verify_chain(&shuffled, X509_SERVER_AUTH, "localhost") == X509_WRONG_KEY_USAGE, "a CA as end entity");
}

static void test_choice_of_path(void)
{
    server("odd/rollover.crt", X509_BAD_SIGNATURE);
    trust_name = "odd/rollover.pem";
    server("odd/rollover.crt", X509_OK);
    server("ec256.crt", X509_OK);
    trust_name = "ca.pem";
    client("client-unknown.crt odd/cross.crt", X509_OK);
    client("client-unknown.crt ca-unknown.crt odd/cross.crt", X509_OK);
    trust_name = "ca-unknown.crt";
    client("client-unknown.crt odd/cross.crt ca-ec.crt", X509_OK);
}

static void test_direct_trust(void)
{
    trust_name = "selfsigned.crt";
    server("selfsigned.crt", X509_OK);
    server("ec256.crt", X509_UNKNOWN_CA);
    verifies("selfsigned.crt", X509_SERVER_AUTH, "other.test", X509_WRONG_NAME);
    verifies("selfsigned.crt", X509_CLIENT_AUTH, NULL, X509_WRONG_PURPOSE);
    trust_name = "ec256.crt";
    server("ec256.crt", X509_OK);
    trust_name = "expired.crt";
    server("expired.crt", X509_EXPIRED);
    trust_name = "sha1.crt";
    server("sha1.crt", X509_OK);
    trust_name = "rsa1024.crt";
    server("rsa1024.crt", X509_WEAK_KEY);
    trust_name = "ca.pem";
}

/* Whatever bit is turned, the certificate is not accepted. */
static void test_every_bit(char const *name)
{
    static struct pki_chain chain;
    struct x509_trust trust;
    char const *file;
    unsigned accepted = 0;
    pki_chain_of(&chain, name);
    if (x509_trust_load(&trust, NULL, pki_path("ca.pem"), &file)) exit(111);
    struct x509_check const check = {
        .trust = &trust, .purpose = X509_SERVER_AUTH, .name = "localhost", .now = time(NULL)};
    for (size_t i = 0; i < chain.used; i++) {
        chain.der[i] ^= (unsigned char)(1u << i % 8);
        accepted += !x509_verify(&chain.chain, &check, &found_key, NULL);
        chain.der[i] ^= (unsigned char)(1u << i % 8);
    }
    x509_trust_free(&trust);
    ok(!accepted, "%s with one of %zu bits turned is never accepted", name, chain.used);
}

static void test_signature(void)
{
    static struct pki_chain chain;
    pki_chain_of(&chain, "ec256.crt");
    chain.der[chain.used - 1] ^= 1;
    ok(verify_chain(&chain.chain, X509_SERVER_AUTH, NULL) == X509_BAD_SIGNATURE,
       "signature by the root is wrong");
    pki_chain_of(&chain, "ec-chain.crt");
    chain.der[chain.chain.cert[0].len - 1] ^= 1;
    ok(verify_chain(&chain.chain, X509_SERVER_AUTH, NULL) == X509_BAD_SIGNATURE, "by the intermediate");
}

static void test_truncated(void)
{
    static struct pki_chain chain;
    unsigned accepted = 0;
    pki_chain_of(&chain, "ec256.crt");
    struct x509_chain cut = chain.chain;
    for (size_t len = 0; len < chain.chain.cert[0].len; len++) {
        cut.cert[0].len = len;
        accepted += verify_chain(&cut, X509_SERVER_AUTH, NULL) != X509_BAD_CERTIFICATE;
    }
    ok(!accepted, "a certificate cut short is bad, wherever");
    memset(chain.der + chain.used, 0, 1);
    cut.cert[0].len = chain.chain.cert[0].len + 1;
    ok(verify_chain(&cut, X509_SERVER_AUTH, NULL) == X509_BAD_CERTIFICATE, "so is one with a byte behind it");
    cut.count = 0;
    ok(verify_chain(&cut, X509_SERVER_AUTH, NULL) == X509_NO_CERTIFICATE, "an empty chain");
    cut.count = X509_MAX_CERTIFICATES + 1;
    ok(verify_chain(&cut, X509_SERVER_AUTH, NULL) == X509_TOO_BIG, "too many certificates");
}

/* An unreadable superfluous certificate is superfluous. */
static void test_garbage_in_chain(void)
{
    static struct pki_chain chain;
    pki_chain_of(&chain, "ec-chain.crt");
    chain.chain.cert[2] = chain.chain.cert[1];
    chain.chain.cert[1] = (struct x509_certificate){.der = (unsigned char const *)"garbage", .len = 7};
    chain.chain.count = 3;
    ok(verify_chain(&chain.chain, X509_SERVER_AUTH, "localhost") == X509_OK,
       "garbage among the others is ignored");
}

/* Sixteen copies of a CA that issued itself: the search ends. */
static void test_many_paths(void)
{
    static struct pki_chain chain;
    pki_chain_of(&chain, "client-unknown.crt");
    for (int i = 1; i < X509_MAX_CERTIFICATES; i++) pki_append_file(&chain, "ca-unknown.crt");
    ok(verify_chain(&chain.chain, X509_CLIENT_AUTH, NULL) == X509_UNKNOWN_CA, "many equal CAs");
    pki_chain_of(&chain, "odd/rollover.crt");
    for (int i = 1; i < X509_MAX_CERTIFICATES; i++) pki_append_file(&chain, "odd/ca-rollover.crt");
    ok(verify_chain(&chain.chain, X509_SERVER_AUTH, NULL) == X509_BAD_SIGNATURE, "many impostors");
}

/* 8 bytes are the most. */
static void test_exponents(void)
{
    server("odd/exponent8.crt", X509_OK);
    server("odd/exponent9.crt", X509_WEAK_KEY);
    server("odd/under-exponent8.crt odd/ca-exponent8.crt", X509_OK);
    server("odd/under-exponent9.crt odd/ca-exponent9.crt", X509_WEAK_KEY);
    trust_name = "odd/ca-exponent9.crt";
    server("odd/under-exponent9.crt", X509_WEAK_KEY);
    trust_name = "ca.pem";
}

static void test_algorithms(void)
{
    static struct pki_chain chain;
    server("odd/pss-sha256.crt", X509_OK);
    server("odd/pss-sha384.crt", X509_OK);
    server("odd/pss-sha512.crt", X509_OK);
    server("odd/pss-salt.crt", X509_UNSUPPORTED);
    server("odd/pss-mgf.crt", X509_UNSUPPORTED);
    server("odd/under-pss.crt odd/ca-pss.crt", X509_OK);
    server("odd/under-p521.crt odd/ca-p521.crt", X509_OK);
    pki_chain_of(&chain, "odd/pss-sha256.crt");
    ok(x509_signature_scheme(chain.chain.cert) == 0x0804, "rsa_pss_rsae_sha256 by its number");
    chain.der[chain.used - 1] ^= 1;
    ok(verify_chain(&chain.chain, X509_SERVER_AUTH, NULL) == X509_BAD_SIGNATURE, "a wrong PSS signature");
    pki_chain_of(&chain, "odd/under-p521.crt odd/ca-p521.crt");
    ok(x509_signature_scheme(chain.chain.cert) == 0x0603, "ecdsa_secp521r1_sha512");
    chain.der[chain.chain.cert[0].len - 1] ^= 1;
    ok(verify_chain(&chain.chain, X509_SERVER_AUTH, NULL) == X509_BAD_SIGNATURE, "a wrong signature with P-521");
}

static void test_public_key(void)
{
    static struct pki_chain chain;
    struct crypto_public_key key;
    pki_chain_of(&chain, "expired.crt");
    ok(x509_public_key(&chain.chain.cert[0], &key) == X509_OK && key.group == CRYPTO_SECP256R1,
       "the key alone");
    pki_chain_of(&chain, "odd/ed25519.crt");
    ok(x509_public_key(&chain.chain.cert[0], &key) == X509_ED25519, "a key that we do not have");
    pki_chain_of(&chain, "rsa.crt");
    chain.chain.cert[0].len = 100;
    ok(x509_public_key(&chain.chain.cert[0], &key) == X509_BAD_CERTIFICATE, "a key cut short");
}

int main(void)
{
    pki_make();
    test_good();
    test_end_entity_faults();
    test_paths();
    test_superfluous();
    test_order();
    test_choice_of_path();
    test_direct_trust();
    test_every_bit("ec256.crt");
    test_every_bit("rsa.crt");
    test_signature();
    test_truncated();
    test_garbage_in_chain();
    test_many_paths();
    test_exponents();
    test_algorithms();
    test_public_key();
    return done_testing();
}
