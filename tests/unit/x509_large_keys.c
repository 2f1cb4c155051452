/* ISC license. */

/* RSA keys of more than 4096 bits, which BearSSL's own functions refuse. */

#include <string.h>

#include "large_rsa.h"
#include "tap.h"
#include "x509/certificate.h"
#include "x509/pem.h"

#define NOW 1800000000

static struct x509_chain chain;
static unsigned char der[8192];
static size_t used;

static void append(char const *text)
{
    struct pem pem;
    struct x509_certificate *const cert = &chain.cert[chain.count++];
    x509_pem_init(&pem, text, strlen(text));
    cert->der = der + used;
    if (!x509_pem_next(&pem) || !x509_base64_decode(pem.body, pem.body_len, der + used, &cert->len))
        give_up("malformed");
    used += cert->len;
}

static void set_chain(char const *server)
{
    chain.count = used = 0;
    append(server);
    append(large_authority);
}

static enum x509_error verify(struct crypto_public_key *key, char culprit[X509_MAX_CULPRIT])
{
    struct x509_trust trust;
    struct x509_check const check = {.trust = &trust, .purpose = X509_SERVER_AUTH, .name = "localhost", .now = NOW};
    if (x509_trust_decode(&trust, large_root, sizeof large_root - 1)) give_up("no anchor");
    enum x509_error const error = x509_verify(&chain, &check, key, culprit);
    x509_trust_free(&trust);
    return error;
}

static void verifies(char const *server, enum x509_error expected, char const *what)
{
    struct crypto_public_key key;
    char culprit[X509_MAX_CULPRIT];
    set_chain(server);
    enum x509_error const error = verify(&key, culprit);
    ok(error == expected, "%s: %s %s", what, x509_strerror(error), culprit);
}

static void test_paths(void)
{
    verifies(large_server, X509_OK, "8192 bits sign with PSS, 6144 with PKCS#1 v1.5");
    verifies(large_server_8192, X509_OK, "6144 bits with PSS sign a key of 8192");
    verifies(large_server_8200, X509_WEAK_KEY, "8200 bits are too many");
}

/* The last byte of a certificate belongs to its signature. */
static void test_wrong_signatures(void)
{
    struct crypto_public_key key;
    for (size_t i = 0; i < 2; i++) {
        set_chain(large_server);
        der[i ? used - 1 : chain.cert[0].len - 1] ^= 1;
        ok(verify(&key, NULL) == X509_BAD_SIGNATURE, "a wrong signature by %s", i ? "8192 bits" : "6144 bits");
    }
}

/* As in a CertificateVerify. */
static void test_message(void)
{
    struct crypto_public_key key;
    unsigned char digest[CRYPTO_MAX_HASH], signature[sizeof large_signature];
    struct crypto_scheme const *const pss = crypto_scheme_by_id(0x0804), *const pkcs1 = crypto_scheme_by_id(0x0401);
    set_chain(large_server_8192);
    if (verify(&key, NULL)) give_up("no key");
    crypto_hash(CRYPTO_SHA256, "a message", 9, digest);
    memcpy(signature, large_signature, sizeof signature);
    ok(crypto_verify(&key, pss, digest, signature, sizeof signature), "a message signed with 8192 bits");
    ok(!crypto_verify(&key, pkcs1, digest, signature, sizeof signature), "which is not PKCS#1 v1.5");
    ok(!crypto_verify(&key, pss, digest, signature, sizeof signature - 1), "one byte less");
    digest[0] ^= 1;
    ok(!crypto_verify(&key, pss, digest, signature, sizeof signature), "another digest");
    digest[0] ^= 1;
    memset(signature, 0xff, sizeof signature);
    ok(!crypto_verify(&key, pss, digest, signature, sizeof signature), "a number larger than the modulus");
}

int main(void)
{
    test_paths();
    test_wrong_signatures();
    test_message();
    return done_testing();
}
