/* ISC license. */

/* What binds a trust anchor: everything that its certificate says. */

#include <bearssl.h>
#include <time.h>

#include "x509/anchor.h"
#include "x509_verifies.h"

static void test_unfit(void)
{
    trust_name = "odd/ca-expired.crt";
    server("odd/under-expired.crt", X509_EXPIRED);
    trust_name = "odd/ca-weak.crt";
    server("odd/under-weak.crt", X509_UNSUPPORTED);
    trust_name = "odd/ca-constrained.crt";
    server("odd/under-constrained.crt", X509_UNSUPPORTED);
    trust_name = "odd/ca-critical.crt";
    server("odd/under-critical.crt", X509_UNSUPPORTED);
    trust_name = "intermediate.crt";
    server("ec-chain.crt", X509_OK);
    trust_name = "ca-unknown.crt";
    server("ec256.crt", X509_UNKNOWN_CA);
}

static void test_usages(void)
{
    trust_name = "odd/ca-nosign.crt";
    server("odd/under-nosign.crt", X509_WRONG_PURPOSE);
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
    server("odd/under-badflag.crt", X509_UNKNOWN_CA);
}

static void test_path_length(void)
{
    trust_name = "odd/ca-path0.crt";
    server("odd/under-path0.crt", X509_OK);
    server("odd/under-path1.crt odd/ca-path1.crt", X509_WRONG_PURPOSE);
    trust_name = "odd/ca-path300.crt";
    server("odd/under-path300.crt odd/ca-under-path300.crt", X509_OK);
}

/* The engine stops at the first anchor that signed; what comes after it in the
   path may be anything that has the right names. */
static void test_decoy(void)
{
    trust_name = "odd/path0-and-rsa.pem";
    server("odd/under-path1.crt odd/ca-path1.crt odd/decoy.crt", X509_WRONG_PURPOSE);
    server("odd/under-path1.crt odd/decoy.crt odd/ca-path1.crt", X509_WRONG_PURPOSE);
    server("odd/under-path0.crt odd/decoy.crt", X509_OK);
}

/* Another key of the same name is another authority, another certificate of the
   same key is not. */
static void test_one_name(void)
{
    trust_name = "odd/path0-and-another.pem";
    server("odd/under-another.crt odd/ca-under-another.crt", X509_OK);
    server("odd/under-path0.crt", X509_OK);
    server("odd/under-path1.crt odd/ca-path1.crt", X509_BAD_CERTIFICATE);
    trust_name = "odd/ca-path0-again.crt";
    server("odd/under-path1.crt odd/ca-path1.crt", X509_OK);
    trust_name = "odd/path0-and-again.pem";
    server("odd/under-path1.crt odd/ca-path1.crt", X509_WRONG_PURPOSE);
    server("odd/under-path0.crt", X509_OK);
}

static struct certificate parsed(struct pki_chain *chain, char const *name)
{
    struct certificate cert;
    pki_chain_of(chain, name);
    if (!certificate_parse(&cert, chain->chain.cert[0].der, chain->chain.cert[0].len)) exit(111);
    return cert;
}

/* Why a bundle of this certificate alone has no anchor for what it issued. */
static enum x509_error taken(struct certificate const *ca, enum x509_purpose purpose)
{
    static struct pki_chain chain;
    static char text[32768];
    struct certificate const leaf = parsed(&chain, "ec256.crt");
    struct certificate issued = leaf;
    struct anchors anchors;
    issued.issuer = ca->subject;
    struct wanted const wanted = {
        .cert = {&leaf, &issued}, .count = 2, .now = time(NULL), .purpose = purpose};
    size_t const len = br_pem_encode(text, ca->whole.p, ca->whole.len, "CERTIFICATE", 0);
    struct x509_trust const trust = {.bytes = (unsigned char *)text, .len = len};
    enum x509_error const error = anchors_collect(&anchors, &trust, &wanted);
    int const found = !error && anchors.count == 1 && anchors_have_issuer(&anchors, &issued);
    anchors_free(&anchors);
    return found ? X509_OK : anchors.rejected ? anchors.rejected : X509_UNKNOWN_CA;
}

static void complain(struct certificate const *ca, enum x509_error error)
{
    struct x509_certificate const cert = {.der = ca->whole.p, .len = ca->whole.len};
    char subject[256];
    x509_subject(&cert, subject, sizeof subject);
    diag("%s: %s", subject, x509_strerror(error));
}

static int is_taken(struct pem *pem)
{
    static unsigned char der[16384];
    struct certificate ca;
    size_t len;
    if (PEM_DECODED(pem->body_len) > sizeof der || !pem_decode(pem, der, &len)) return 0;
    if (!certificate_parse(&ca, der, len)) return 0;
    enum x509_error const error = taken(&ca, X509_SERVER_AUTH);
    if (error) complain(&ca, error);
    /* a bundle may be older than this day */
    return !error || error == X509_EXPIRED;
}

static void test_system_bundle(void)
{
    struct x509_trust trust;
    struct pem pem;
    char const *culprit;
    unsigned count = 0, fit = 0;
    enum x509_error const error = x509_trust_load(&trust, NULL, NULL, &culprit);
    ok(culprit && culprit[0] == '/', "the system's bundle, %s: %s", culprit, x509_strerror(error));
    if (error) {
        ok(error == X509_SYSTEM && errno == ENOENT, "there is none");
        return;
    }
    pem_init(&pem, trust.bytes, trust.len);
    for (; pem_next(&pem); count++) fit += (unsigned)is_taken(&pem);
    ok(count && fit == count, "the system's %u anchors may vouch for servers, or are expired: %u", count,
       fit);
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
