/* ISC license. */

/* What binds a trust anchor: everything that its certificate says. */

#include "x509/bundle.h"
#include "x509_verifies.h"

static void test_unfit(void)
{
    trust_name = "odd/ca-expired.crt";
    server("odd/under-expired.crt", X509_EXPIRED);
    trust_name = "odd/ca-weak.crt";
    server("odd/under-weak.crt", X509_WEAK_KEY);
    trust_name = "odd/ca-constrained.crt";
    server("odd/under-constrained.crt", X509_NAME_CONSTRAINT);
    trust_name = "odd/ca-critical.crt";
    server("odd/under-critical.crt", X509_CRITICAL_EXTENSION);
    trust_name = "intermediate.crt";
    server("ec-chain.crt", X509_OK);
    trust_name = "ca-unknown.crt";
    server("ec256.crt", X509_UNKNOWN_CA);
}

static void test_usages(void)
{
    trust_name = "odd/ca-nosign.crt";
    server("odd/under-nosign.crt", X509_WRONG_KEY_USAGE);
    trust_name = "odd/ca-clients.crt";
    server("odd/under-clients.crt", X509_WRONG_PURPOSE);
    client("odd/client-under-clients.crt", X509_OK);
    trust_name = "odd/ca-servers.crt";
    server("odd/under-servers.crt", X509_OK);
    client("odd/client-under-servers.crt", X509_WRONG_PURPOSE);
}

/* What does not parse binds nobody, so it must not count as absent. */
static void test_malformed(void)
{
    trust_name = "odd/ca-masked.crt";
    server("odd/under-masked.crt", X509_BAD_CERTIFICATE);
    trust_name = "odd/ca-negative.crt";
    server("odd/under-negative.crt", X509_BAD_CERTIFICATE);
    trust_name = "odd/ca-emptyeku.crt";
    server("odd/under-emptyeku.crt", X509_BAD_CERTIFICATE);
    trust_name = "odd/ca-badflag.crt";
    server("odd/under-badflag.crt", X509_BAD_CERTIFICATE);
}

static void test_path_length(void)
{
    trust_name = "odd/ca-path0.crt";
    server("odd/under-path0.crt", X509_OK);
    server("odd/under-path1.crt odd/ca-path1.crt", X509_PATH_LENGTH);
    trust_name = "odd/ca-path300.crt";
    server("odd/under-path300.crt odd/ca-under-path300.crt", X509_OK);
}

/* A certificate with the anchor's name takes nothing of its path length away. */
static void test_decoy(void)
{
    trust_name = "odd/path0-and-rsa.pem";
    server("odd/under-path1.crt odd/ca-path1.crt odd/decoy.crt", X509_PATH_LENGTH);
    server("odd/under-path1.crt odd/decoy.crt odd/ca-path1.crt", X509_PATH_LENGTH);
    server("odd/under-path0.crt odd/decoy.crt", X509_OK);
}

/* Another key of the same name is another authority; of two certificates of the
   same key any may be the anchor. */
static void test_one_name(void)
{
    trust_name = "odd/path0-and-another.pem";
    server("odd/under-another.crt odd/ca-under-another.crt", X509_OK);
    server("odd/under-path0.crt", X509_OK);
    server("odd/under-path1.crt odd/ca-path1.crt", X509_PATH_LENGTH);
    trust_name = "odd/ca-path0-again.crt";
    server("odd/under-path1.crt odd/ca-path1.crt", X509_OK);
    trust_name = "odd/path0-and-again.pem";
    server("odd/under-path1.crt odd/ca-path1.crt", X509_OK);
    server("odd/under-path0.crt", X509_OK);
}

/* 1 when the certificate could issue what a server shows. */
static int is_fit(struct x509_certificate const *anchor)
{
    struct certificate ca;
    struct crypto_public_key key;
    char subject[256];
    int64_t const now = time(NULL);
    if (x509_certificate_parse(&ca, anchor->der, anchor->len) && !x509_public_key_parse(&ca, &key) && ca.is_ca
        && ca.key_usage & KEY_CERT_SIGN && ca.purposes & 1u << X509_SERVER_AUTH && !ca.is_unprocessed)
        return ca.not_before <= now; /* a bundle may be older than this day */
    x509_subject(anchor, subject, sizeof subject);
    diag("%s", subject);
    return 0;
}

static void test_system_bundle(void)
{
    static unsigned char room[X509_MAX_FILE];
    struct x509_trust trust;
    char const *file;
    unsigned fit = 0;
    enum x509_error const error = x509_trust_load(&trust, NULL, NULL, &file);
    ok(file && file[0] == '/', "the system's bundle, %s: %s", file, x509_strerror(error));
    if (error) {
        ok(error == X509_SYSTEM && errno == ENOENT, "there is none");
        return;
    }
    size_t const count = trust.certificates.count;
    for (size_t i = 0; i < count; i++) {
        struct der const whole = x509_bundle_item(&trust.certificates, i, room, sizeof room);
        struct x509_certificate const anchor = {.der = whole.p, .len = whole.len};
        fit += (unsigned)is_fit(&anchor);
    }
    ok(count && fit == count, "the system's %zu anchors may vouch for servers: %u", count, fit);
    x509_trust_free(&trust);
}

int main(void)
{
    pki_make();
    test_unfit();
    test_usages();
    test_malformed();
    test_path_length();
    test_decoy();
    test_one_name();
    test_system_bundle();
    return done_testing();
}
