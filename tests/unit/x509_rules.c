/* ISC license. */

/* RFC 5280, 6.1, rule by rule: what is valid beside what is not. */

#include <bearssl.h>

#include "x509/certificate.h"
#include "x509_make.h"

/* ---- 6.1.3 (a) ---- */

static void signatures(void)
{
    reset();
    expect(X509_OK, "a path of three");
    path[0].signer = 3;
    expect_of(X509_BAD_SIGNATURE, "certificate 1 of 2 (CN=server)", "another key signed the end entity");
    reset();
    path[1].signer = 3;
    expect_of(X509_BAD_SIGNATURE, "certificate 2 of 2 (CN=CA)", "another key signed the CA");
    reset();
    path[2].signer = 3;
    expect(X509_OK, "nobody looks at the root's own signature");
}

static void validity(void)
{
    reset();
    path[0].to = text(DER_UTC_TIME, "231114221320Z");
    expect(X509_OK, "the last second");
    check.now++;
    expect_of(X509_EXPIRED, "certificate 1 of 2", "a second later");
    reset();
    path[1].from = text(DER_UTC_TIME, "231114221320Z");
    expect(X509_OK, "the first second");
    check.now--;
    expect_of(X509_NOT_YET_VALID, "certificate 2 of 2", "a second earlier");
    reset();
    path[2].to = text(DER_UTC_TIME, "230101000000Z");
    expect_of(X509_EXPIRED, "trust anchor (CN=root)", "an expired root");
}

static void times(void)
{
    static struct {
        unsigned tag;
        char const *text;
        enum x509_error error;
    } const cases[] = {
        {DER_GENERALIZED_TIME, "20500101000000Z", X509_OK},
        {DER_GENERALIZED_TIME, "99991231235959Z", X509_OK},
        {DER_GENERALIZED_TIME, "20400101000000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "491231235959Z", X509_OK},
        {DER_UTC_TIME, "500101000000Z", X509_EXPIRED}, /* 1950 */
        {DER_UTC_TIME, "400229000000Z", X509_OK},
        {DER_UTC_TIME, "410229000000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "400431000000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "401301000000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "400001000000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "400101240000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "400101006000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "400101000060Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "4001010000Z", X509_BAD_CERTIFICATE},
        {DER_UTC_TIME, "400101000000+0100", X509_BAD_CERTIFICATE},
        {DER_GENERALIZED_TIME, "20510101000000.5Z", X509_BAD_CERTIFICATE},
        {DER_GENERALIZED_TIME, "20510101000000", X509_BAD_CERTIFICATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reset();
        path[0].to = text(cases[i].tag, cases[i].text);
        expect(cases[i].error, cases[i].text);
    }
    reset();
    path[2].to = text(DER_GENERALIZED_TIME, "20400101000000Z");
    expect(X509_OK, "a root's GeneralizedTime before 2050: there are such");
}

/* RFC 5280, 7.1. */
static void names(void)
{
    static struct {
        unsigned tag;
        char const *text;
        enum x509_error error;
    } const cases[] = {
        {DER_UTF8_STRING, "CA", X509_OK},
        {DER_PRINTABLE_STRING, "ca", X509_OK},
        {DER_TELETEX_STRING, "  Ca ", X509_OK},
        {DER_IA5_STRING, "CA", X509_OK},
        {DER_PRINTABLE_STRING, "C A", X509_UNKNOWN_CA},
        {DER_PRINTABLE_STRING, "CAA", X509_UNKNOWN_CA},
        {DER_PRINTABLE_STRING, "CB", X509_UNKNOWN_CA},
        {DER_UTF8_STRING, "C\xc3\x81", X509_UNKNOWN_CA},
        {DER_OCTET_STRING, "CA", X509_UNKNOWN_CA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reset();
        path[0].issuer = name_as(cases[i].tag, cases[i].text);
        expect(cases[i].error, cases[i].text);
    }
    reset();
    struct bytes const wide = tlv(DER_SEQUENCE, both(oid("550403"), tlv(DER_BMP_STRING, RAW("\0c\0A"))));
    path[0].issuer = tlv(DER_SEQUENCE, tlv(DER_SET, wide));
    expect(X509_OK, "BMPString");
    path[1].subject = name_as(DER_UTF8_STRING, "\xc3\x9c  x");
    path[0].issuer = name_as(DER_TELETEX_STRING, "\xfc x");
    expect(X509_OK, "an umlaut in UTF-8 and in Latin-1, white space in a row");
    path[1].subject = path[0].issuer = name_as(DER_UTF8_STRING, "\xc3");
    expect(X509_OK, "what is not UTF-8, byte by byte");
    path[0].issuer = name_as(DER_UTF8_STRING, "\xc4");
    expect(X509_UNKNOWN_CA, "and other bytes that are not");
}

/* ---- fields ---- */

static void fields(void)
{
    reset();
    path[0].serial = RAW("\x02\x14\x7f\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13");
    expect(X509_OK, "a serial number of 20 bytes");
    path[0].serial = RAW("\x02\x15\x7f\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14");
    expect(X509_BAD_CERTIFICATE, "one of 21");
    path[0].serial = RAW("\x02\x01\x00");
    expect(X509_OK, "zero");
    reset();
    path[0].algorithm = tlv(DER_SEQUENCE, oid("2a8648ce3d040303"));
    expect(X509_BAD_CERTIFICATE, "two signature algorithms");
    reset();
    path[0].version = 2;
    expect(X509_BAD_CERTIFICATE, "extensions in version 2");
    path[0].version = 4;
    expect(X509_BAD_CERTIFICATE, "version 4");
    reset();
    path[1].subject = name("");
    expect(X509_BAD_CERTIFICATE, "a CA without a name");
}

static void extensions(void)
{
    static char const *const optional[] = {"2b06010505070101", "2b0601050507010b", "551d12", "551d2e", "551d09", "551d1f",
                                           "2b0601040182370a", "551d63"};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        for (size_t at = 0; at < 3; at++) {
            reset();
            add(&path[at], optional[i], 0, RAW("\x30\x00"));
            expect(X509_OK, optional[i]);
            reset();
            add(&path[at], optional[i], 1, RAW("\x30\x00"));
            expect(X509_CRITICAL_EXTENSION, "and critical");
        }
    reset();
    add(&path[0], "551d63", 0, RAW("\x30\x00"));
    add(&path[0], "551d63", 0, RAW("\x30\x00"));
    expect(X509_BAD_CERTIFICATE, "an extension twice");
    reset();
    add(&path[0], AUTHORITY_KEY, 1, RAW("\x30\x03\x80\x01\x01"));
    expect(X509_BAD_CERTIFICATE, "a critical authorityKeyIdentifier");
    reset();
    add(&path[1], SUBJECT_KEY, 1, RAW("\x04\x01\x01"));
    expect(X509_UNKNOWN_CA, "a critical subjectKeyIdentifier");
    reset();
    path[0].subject = name("");
    expect(X509_BAD_CERTIFICATE, "no subject, and an alternative name that is not critical");
    path[0].extensions = none();
    add(&path[0], ALT_NAME, 1, tlv(DER_SEQUENCE, text(NAME_DNS, "www.example.com")));
    expect(X509_OK, "and one that is");
}

/* ---- signature algorithms (RFC 4055, 5758, 8410) ---- */

static void algorithm(struct bytes content, enum x509_error expected, unsigned id, char const *what)
{
    struct signed_data const data = {.algorithm = {.p = content.p, .len = content.len}};
    struct crypto_scheme const *scheme = NULL;
    enum x509_error const error = x509_signed_scheme(&data, &scheme);
    ok(error == expected && (error || scheme->id == id), "%s: %s", what, x509_strerror(error));
}

static void algorithms(void)
{
    static struct {
        char const *oid;
        unsigned id;
        int may_have_null;
    } const cases[] = {
        {"2a8648ce3d040302", 0x0403, 0}, {"2a8648ce3d040303", 0x0503, 0}, {"2a8648ce3d040304", 0x0603, 0},
        {"2a864886f70d01010b", 0x0401, 1}, {"2a864886f70d01010c", 0x0501, 1}, {"2a864886f70d01010d", 0x0601, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes const id = oid(cases[i].oid);
        algorithm(id, X509_OK, cases[i].id, cases[i].oid);
        algorithm(both(id, RAW("\x05\x00")), cases[i].may_have_null ? X509_OK : X509_BAD_CERTIFICATE, cases[i].id, "with NULL");
        algorithm(both(id, RAW("\x04\x00")), X509_BAD_CERTIFICATE, 0, "with other parameters");
    }
    algorithm(oid("2b6570"), X509_ED25519, 0, "Ed25519");
    algorithm(oid("2b6571"), X509_UNSUPPORTED, 0, "Ed448");
    algorithm(oid("2a8648ce3d040301"), X509_UNSUPPORTED, 0, "ECDSA with SHA-224");
    algorithm(RAW("\x05\x00"), X509_BAD_CERTIFICATE, 0, "no object identifier");
}

static struct bytes pss(struct bytes hash, struct bytes mask, struct bytes mask_hash, unsigned char salt)
{
    struct bytes const first = tlv(0xa0, tlv(DER_SEQUENCE, hash));
    struct bytes const second = tlv(0xa1, tlv(DER_SEQUENCE, both(mask, tlv(DER_SEQUENCE, mask_hash))));
    struct bytes const third = tlv(0xa2, tlv(DER_INTEGER, raw(&salt, 1)));
    return both(oid("2a864886f70d01010a"), tlv(DER_SEQUENCE, both(both(first, second), third)));
}

static void pss_parameters(void)
{
    struct bytes const mgf1 = oid("2a864886f70d010108");
    static char const *const sha2[] = {"608648016503040200", "608648016503040201", "608648016503040202",
                                       "608648016503040203", "608648016503040204"};
    for (unsigned i = 0; i < 5; i++) {
        struct bytes const hash = oid(sha2[i]);
        unsigned char const size = (unsigned char)(16 + 16 * i);
        int const good = i >= 1 && i <= 3;
        algorithm(pss(hash, mgf1, hash, size), good ? X509_OK : X509_UNSUPPORTED, 0x0803 + i, sha2[i]);
        algorithm(pss(hash, mgf1, hash, size - 1), X509_UNSUPPORTED, 0, "a salt that is a byte shorter");
        algorithm(pss(hash, mgf1, hash, size + 1), X509_UNSUPPORTED, 0, "a salt that is a byte longer");
    }
    struct bytes const hash = oid(sha2[1]), other = oid(sha2[2]), with_null = both(hash, RAW("\x05\x00"));
    algorithm(pss(with_null, mgf1, with_null, 32), X509_OK, 0x0804, "NULL in both hashes");
    algorithm(pss(both(hash, RAW("\x04\x00")), mgf1, hash, 32), X509_UNSUPPORTED, 0, "other parameters of the hash");
    algorithm(pss(hash, mgf1, other, 32), X509_UNSUPPORTED, 0, "two hashes");
    algorithm(pss(hash, oid("2a864886f70d010109"), hash, 32), X509_UNSUPPORTED, 0, "another mask");
    algorithm(pss(hash, RAW("\x05\x00"), hash, 32), X509_UNSUPPORTED, 0, "no mask");
    algorithm(pss(RAW("\x05\x00"), mgf1, hash, 32), X509_UNSUPPORTED, 0, "no hash");
    algorithm(pss(oid("6086480165030402"), mgf1, hash, 32), X509_UNSUPPORTED, 0, "a hash's identifier that is cut");
    algorithm(pss(oid("60864801650304020101"), mgf1, hash, 32), X509_UNSUPPORTED, 0, "one that is longer");
    algorithm(pss(oid("608648016503040301"), mgf1, hash, 32), X509_UNSUPPORTED, 0, "one of another arc");
}

/* ---- 6.1.4 (k) to (n), 6.1.5 ---- */

static void basic_constraints(void)
{
    reset();
    path[1] = plain("CA", 1);
    expect_of(X509_NOT_CA, "certificate 2 of 2", "an issuer without basicConstraints");
    path[1].version = 1;
    expect(X509_NOT_CA, "one of version 1");
    reset();
    path[1] = plain("CA", 1);
    add(&path[1], BASIC_CONSTRAINTS, 1, RAW("\x30\x00"));
    expect(X509_NOT_CA, "an issuer that is no CA");
    reset();
    path[1] = plain("CA", 1);
    add(&path[1], BASIC_CONSTRAINTS, 0, RAW("\x30\x03\x01\x01\xff"));
    expect(X509_BAD_CERTIFICATE, "a CA whose basicConstraints are not critical");
    reset();
    path[2] = plain("root", 2);
    expect_of(X509_NOT_CA, "trust anchor", "a root without basicConstraints");
    path[2].version = 1;
    expect(X509_NOT_CA, "a root of version 1");
    path[2].version = 3;
    add(&path[2], BASIC_CONSTRAINTS, 0, RAW("\x30\x03\x01\x01\xff"));
    expect(X509_OK, "a root whose basicConstraints are not critical");
    reset();
    add(&path[0], BASIC_CONSTRAINTS, 0, RAW("\x30\x03\x02\x01\x00"));
    expect(X509_BAD_CERTIFICATE, "a path length without a CA");
}

static struct spec limited(char const *cn, unsigned number, unsigned char length)
{
    struct spec spec = plain(cn, number);
    struct bytes value = RAW("\x01\x01\xff\x02\x01");
    append(&value, raw(&length, 1));
    add(&spec, BASIC_CONSTRAINTS, 1, tlv(DER_SEQUENCE, value));
    return spec;
}

static void path_length(void)
{
    reset();
    path[1] = limited("CA", 1, 0);
    path[2] = limited("root", 2, 1);
    expect(X509_OK, "pathLen 1 and 0 above one CA and none");
    path[2] = limited("root", 2, 0);
    expect_of(X509_PATH_LENGTH, "certificate 2 of 2", "pathLen 0 above a CA");
    path[1].subject = name("root");
    expect(X509_OK, "which is self-issued");
    reset_long(3);
    path[4] = limited("root", 2, 3);
    expect(X509_OK, "pathLen 3 above three CAs");
    path[4] = limited("root", 2, 2);
    expect(X509_PATH_LENGTH, "pathLen 2 above three CAs");
    path[4] = limited("root", 2, 9);
    path[3] = limited("CA 3", 1, 1);
    expect(X509_PATH_LENGTH, "the smallest counts");
}

static void key_usage(void)
{
    reset();
    add(&path[1], KEY_USAGE, 1, RAW("\x03\x02\x02\x04"));
    expect(X509_OK, "keyCertSign");
    reset();
    add(&path[1], KEY_USAGE, 1, RAW("\x03\x02\x01\x02"));
    expect_of(X509_WRONG_KEY_USAGE, "certificate 2 of 2", "a CA with cRLSign alone");
    reset();
    add(&path[0], KEY_USAGE, 1, RAW("\x03\x02\x07\x80"));
    expect(X509_OK, "digitalSignature");
    reset();
    add(&path[0], KEY_USAGE, 1, RAW("\x03\x02\x05\x20"));
    expect(X509_WRONG_KEY_USAGE, "keyEncipherment alone");
    reset();
    add(&path[0], KEY_USAGE, 1, RAW("\x03\x02\x02\x84"));
    expect(X509_BAD_CERTIFICATE, "keyCertSign, but no CA");
    reset();
    add(&path[0], KEY_USAGE, 1, RAW("\x03\x01\x00"));
    expect(X509_BAD_CERTIFICATE, "no bit at all");
}

#define SERVER_AUTH "2b06010505070301"
#define CLIENT_AUTH "2b06010505070302"

static void ext_key_usage(void)
{
    for (size_t at = 0; at < 3; at++) {
        reset();
        add(&path[at], EXT_KEY_USAGE, 1, tlv(DER_SEQUENCE, oid(SERVER_AUTH)));
        expect(X509_OK, "critical serverAuth");
        check.purpose = X509_CLIENT_AUTH;
        expect(X509_WRONG_PURPOSE, "for a client");
        reset();
        add(&path[at], EXT_KEY_USAGE, 0, tlv(DER_SEQUENCE, both(oid("2b06010505070303"), oid("551d2500"))));
        expect(X509_OK, "codeSigning and anyExtendedKeyUsage");
    }
    reset();
    add(&path[0], EXT_KEY_USAGE, 0, tlv(DER_SEQUENCE, none()));
    expect(X509_BAD_CERTIFICATE, "an empty one");
}

/* ---- RFC 9525: the names of a server ---- */

static void presented(void)
{
    static struct {
        char const *name, *wanted;
        enum x509_error error;
    } const cases[] = {
        {"x.example.com", "x.example.com", X509_OK},
        {"x.example.com", "y.example.com", X509_WRONG_NAME},
        {"*.example.com", "y.example.com", X509_OK},
        {"*.a.b", "x.a.b", X509_OK},
        {"*.a.b", "a.b", X509_WRONG_NAME},
        {"*.b", "a.b", X509_WRONG_NAME},
        {"*.", "a", X509_WRONG_NAME},
        {"*", "a", X509_WRONG_NAME},
        {"*xexample.com", "y.example.com", X509_WRONG_NAME},
        {"**.example.com", "y.example.com", X509_WRONG_NAME},
        {"*.*.example.com", "y.*.example.com", X509_WRONG_NAME},
        {"*.-a.com", "y.-a.com", X509_WRONG_NAME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[80];
        reset();
        path[0].extensions = none();
        add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, text(NAME_DNS, cases[i].name)));
        check.name = cases[i].wanted;
        snprintf(what, sizeof what, "a certificate for %s, %s wanted", cases[i].name, cases[i].wanted);
        expect(cases[i].error, what);
    }
}

/* ---- building ---- */

static void depth(void)
{
    reset_long(X509_MAX_PATH - 1);
    expect(X509_OK, "ten certificates below the root");
    reset_long(X509_MAX_PATH);
    expect(X509_TOO_BIG, "eleven");
}

/* Another certificate of the CA's name, in front of the right one or behind it. */
static void alternatives(void)
{
    static struct spec other;
    static struct bytes der[4];
    for (int turn = 0; turn < 8; turn++) {
        struct x509_chain chain = {.count = 3};
        struct x509_trust trust;
        struct crypto_public_key found;
        int const kind = turn / 2, first = turn % 2;
        reset();
        other = authority("CA", kind == 0 ? 3 : 1);
        if (kind == 1) other.to = text(DER_UTC_TIME, "210101000000Z");
        if (kind == 2) other.signer = 4;
        if (kind == 3) other = plain("CA", 1);
        der[0] = make(&path[0], &path[1]);
        der[1 + first] = make(&path[1], &path[2]);
        der[2 - first] = make(&other, &path[2]);
        der[3] = make(&path[2], &path[2]);
        for (size_t i = 0; i < 3; i++) chain.cert[i] = (struct x509_certificate){der[i].p, der[i].len};
        if (x509_trust_decode(&trust, der[3].p, der[3].len)) abort();
        check.trust = &trust;
        ok(!x509_verify(&chain, &check, &found, culprit), "beside another that %s, %s",
           kind == 0 ? "has another key" : kind == 1 ? "is expired" : kind == 2 ? "another signed" : "is no CA",
           first ? "first" : "last");
        x509_trust_free(&trust);
    }
}

static size_t put_pem(char *to, struct bytes der)
{
    return br_pem_encode(to, der.p, der.len, "CERTIFICATE", 0);
}

/* So many CAs of the right name with another key, tried before the right one: each costs two signatures, and so
   does the right path; an anchor of that name costs one. Beyond 24 the right path is not tried, and the first
   error stays. */
static void signature_limit(size_t impostors, int with_anchor, enum x509_error expected)
{
    static struct bytes der[X509_MAX_CERTIFICATES];
    static char anchors[8192];
    struct x509_chain chain = {.count = impostors + 2};
    struct x509_trust trust;
    struct crypto_public_key found;
    reset();
    der[0] = make(&path[0], &path[1]);
    der[1] = make(&path[1], &path[2]);
    for (size_t i = 0; i < impostors; i++) {
        unsigned char const serial = (unsigned char)(i + 10);
        struct spec other = authority("CA", 3);
        other.serial = tlv(DER_INTEGER, raw(&serial, 1));
        der[2 + i] = make(&other, &path[2]);
    }
    for (size_t i = 0; i < chain.count; i++) chain.cert[i] = (struct x509_certificate){der[i].p, der[i].len};
    struct spec const anchor = authority("CA", 4);
    size_t len = put_pem(anchors, make(&path[2], &path[2]));
    if (with_anchor) len += put_pem(anchors + len, make(&anchor, &anchor));
    if (x509_trust_decode(&trust, anchors, len)) abort();
    check.trust = &trust;
    enum x509_error const error = x509_verify(&chain, &check, &found, culprit);
    ok(error == expected, "%zu impostors%s: %s", impostors, with_anchor ? ", and one that is trusted" : "",
       x509_strerror(error));
    x509_trust_free(&trust);
}

/* Of anchors of one name 32 count; the last of them is tried first. The right one is behind so many others. */
static void anchor_limit(size_t others, enum x509_error expected)
{
    static char pem[65536];
    struct x509_trust trust;
    struct crypto_public_key found;
    size_t len = 0;
    reset();
    struct bytes const entity = make(&path[0], &path[1]);
    for (size_t i = 0; i <= others; i++) {
        unsigned char const serial = (unsigned char)(i + 10);
        struct spec anchor = authority("CA", i == others ? 1 : 3);
        anchor.serial = tlv(DER_INTEGER, raw(&serial, 1));
        len += put_pem(pem + len, make(&anchor, &anchor));
    }
    if (x509_trust_decode(&trust, pem, len)) abort();
    struct x509_chain const chain = {.count = 1, .cert = {{entity.p, entity.len}}};
    check.trust = &trust;
    enum x509_error const error = x509_verify(&chain, &check, &found, culprit);
    ok(error == expected, "an anchor behind %zu of its name: %s", others, x509_strerror(error));
    x509_trust_free(&trust);
}

int main(void)
{
    anchor_limit(31, X509_OK);
    anchor_limit(32, X509_BAD_SIGNATURE);
    signature_limit(0, 1, X509_OK);
    signature_limit(11, 0, X509_OK);
    signature_limit(11, 1, X509_BAD_SIGNATURE);
    signature_limit(12, 0, X509_BAD_SIGNATURE);
    signatures();
    validity();
    times();
    names();
    fields();
    extensions();
    basic_constraints();
    path_length();
    key_usage();
    ext_key_usage();
    presented();
    algorithms();
    pss_parameters();
    depth();
    alternatives();
    return done_testing();
}
