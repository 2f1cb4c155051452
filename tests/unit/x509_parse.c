/* ISC license. */

/* The readers below everything else: DER, PEM, subjects. */

#include "x509/key.h"
#include "x509_pki.h"

static void reads(char const *what, void const *bytes, size_t len, int expected)
{
    struct der in = {.p = bytes, .len = len}, content;
    unsigned tag;
    ok(der_read(&in, &tag, &content) == expected, "DER: %s", what);
}

#define READS(what, bytes, expected) reads(what, bytes, sizeof bytes - 1, expected)

static void test_der(void)
{
    static unsigned char longer[0x10003 + 4];
    READS("nothing", "", 0);
    READS("a tag alone", "\x04", 0);
    READS("an empty element", "\x04\x00", 1);
    READS("one byte", "\x04\x01x", 1);
    READS("a byte missing", "\x04\x02x", 0);
    READS("indefinite length", "\x30\x80\x00\x00", 0);
    READS("a length byte too many", "\x04\x81\x01x", 0);
    READS("two length bytes too many", "\x04\x82\x00\x01x", 0);
    READS("a length that ends early", "\x04\x82\x01", 0);
    READS("four length bytes", "\x04\x84\x00\x00\x00\x01x", 0);
    READS("a huge length", "\x04\xff", 0);
    READS("a tag of two bytes", "\x1f\x81\x00", 0);
    memcpy(longer, "\x04\x81\x80", 3);
    reads("0x80 bytes", longer, 3 + 0x80, 1);
    reads("0x80 bytes, one missing", longer, 2 + 0x80, 0);
    memcpy(longer, "\x04\x82\x01\x00", 4);
    reads("0x100 bytes", longer, 4 + 0x100, 1);
    memcpy(longer, "\x04\x83\x00\xff\xff", 5);
    reads("three length bytes for 0xffff", longer, 5 + 0xffff, 0);
}

static void decodes(char const *body, char const *expected)
{
    char text[256];
    unsigned char out[256];
    struct pem pem;
    size_t len = 0;
    int const size = snprintf(text, sizeof text, "-----BEGIN X-----\n%s\n-----END X-----\n", body);
    pem_init(&pem, text, (size_t)size);
    int const valid = pem_next(&pem) && pem_decode(&pem, out, &len);
    ok(valid == !!expected && (!valid || (len == strlen(expected) && !memcmp(out, expected, len))),
       "base64 of '%s'", expected ? expected : "nothing");
    ok(pem_decode_secret(&pem, out, &len) == valid, "and as a secret");
}

static void test_base64(void)
{
    decodes("", "");
    decodes("YQ==", "a");
    decodes("YWI=", "ab");
    decodes("YWJj", "abc");
    decodes("YWJjZA==", "abcd");
    decodes("YW\nJj\r\n Z\tA==", "abcd");
    decodes("YQ=\n=", "a");
    decodes("YQ", NULL);
    decodes("Y", NULL);
    decodes("YQ=", NULL);
    decodes("YR==", NULL);
    decodes("YWJ=", NULL);
    decodes("YQ===", NULL);
    decodes("=", NULL);
    decodes("YQ==YQ==", NULL);
    decodes("YW-j", NULL);
    decodes("YWJj\x80", NULL);
}

/* Every byte in every place of a quartet, by table and by arithmetic. */
static void test_base64_bytes(void)
{
    unsigned differences = 0;
    for (unsigned i = 0; i < 4 * 256; i++) {
        char body[5] = "YWJj";
        unsigned char out[2][8];
        size_t len[2] = {0, 0};
        body[i / 256] = (char)(i % 256);
        struct pem const pem = {.body = body, .body_len = 4};
        int const valid = pem_decode(&pem, out[0], &len[0]);
        differences += valid != pem_decode_secret(&pem, out[1], &len[1]);
        differences += valid && (len[0] != len[1] || memcmp(out[0], out[1], len[0]));
    }
    ok(!differences, "both base64 decoders agree on every byte");
}

static unsigned count_blocks(char const *text)
{
    struct pem pem;
    unsigned count = 0;
    pem_init(&pem, text, strlen(text));
    while (pem_next(&pem)) count++;
    return count;
}

static void test_blocks(void)
{
    ok(count_blocks("") == 0, "no text, no block");
    ok(count_blocks("-----BEGIN A-----\n-----END A-----") == 1, "a block without a last newline");
    ok(count_blocks("x\n-----BEGIN A-----\nQQ==\n-----END A-----\n\n-----BEGIN B-----\n-----END B-----\n")
           == 2,
       "two");
    ok(count_blocks("x-----BEGIN A-----\n-----END A-----\n") == 0, "BEGIN starts a line");
    ok(count_blocks("-----BEGIN A\n-----END A-----\n") == 0, "BEGIN ends in dashes");
    ok(count_blocks("-----BEGIN A-----\nQQ==\n") == 0, "an END is needed");
    ok(count_blocks("-----BEGIN -----BEGIN ") == 0, "half of a BEGIN");
}

/* ---- subjects ---- */

static size_t wrap(unsigned char *buf, size_t len, unsigned char tag)
{
    memmove(buf + 2, buf, len);
    buf[0] = tag;
    buf[1] = (unsigned char)len;
    return len + 2;
}

/* A certificate as far as x509_subject looks at it, of at most 127 bytes a level. */
static size_t make_certificate(unsigned char *out, unsigned char const *subject, size_t len)
{
    static unsigned char const before[] = {0x02, 0x01, 0x01, 0x30, 0x02, 0x06, 0x00, 0x30, 0x00, 0x30, 0x00};
    static unsigned char const after[] = {0x30, 0x00};
    static unsigned char const tail[] = {0x30, 0x02, 0x06, 0x00, 0x03, 0x00};
    memcpy(out, before, sizeof before);
    memcpy(out + sizeof before, subject, len);
    memcpy(out + sizeof before + len, after, sizeof after);
    size_t const used = wrap(out, sizeof before + len + sizeof after, 0x30);
    memcpy(out + used, tail, sizeof tail);
    return wrap(out, used + sizeof tail, 0x30);
}

/* One attribute CN (or another) with a value of this type. */
static size_t make_subject(unsigned char *out, char const *oid, unsigned char tag, void const *value,
                           size_t len)
{
    unsigned char name[128];
    size_t const oid_len = strlen(oid);
    memcpy(name, value, len);
    size_t used = wrap(name, len, tag);
    memmove(name + 2 + oid_len, name, used);
    name[0] = DER_OID;
    name[1] = (unsigned char)oid_len;
    memcpy(name + 2, oid, oid_len);
    used = wrap(name, used + 2 + oid_len, 0x30);
    used = wrap(name, used, 0x31);
    used = wrap(name, used, 0x30);
    return make_certificate(out, name, used);
}

static void subject_is(char const *oid, unsigned char tag, void const *value, size_t len,
                       char const *expected)
{
    unsigned char der[256];
    char out[256];
    struct x509_certificate cert = {.der = der, .len = make_subject(der, oid, tag, value, len)};
    int const valid = x509_subject(&cert, out, sizeof out);
    ok(valid && !strcmp(out, expected), "subject %s is %s", expected, out);
}

#define CN "\x55\x04\x03"
#define CN_IS(tag, value, expected) subject_is(CN, tag, value, sizeof value - 1, expected)

static void test_subject_strings(void)
{
    CN_IS(DER_UTF8_STRING, "localhost", "CN=localhost");
    CN_IS(DER_PRINTABLE_STRING, "a b", "CN=a b");
    CN_IS(DER_UTF8_STRING, "", "CN=");
    CN_IS(DER_UTF8_STRING, " ", "CN=\\ ");
    CN_IS(DER_UTF8_STRING, " a ", "CN=\\ a\\ ");
    CN_IS(DER_UTF8_STRING, "#a#", "CN=\\#a#");
    CN_IS(DER_UTF8_STRING, "a,b+c\"d\\e<f>g;h=i", "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=i");
    CN_IS(DER_UTF8_STRING, "a\0b\nc\x7f\x1b[0m", "CN=a\\00b\\0Ac\\7F\\1B[0m");
    CN_IS(DER_UTF8_STRING, "Gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80",
          "CN=Gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80");
    CN_IS(DER_UTF8_STRING, "\xc2\x85\xe2\x80\xae", "CN=\\C2\\85\\E2\\80\\AE");
    CN_IS(DER_UTF8_STRING, "\xff\xc0\x80\xed\xa0\x80",
          "CN=\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    CN_IS(DER_UTF8_STRING, "a\xe2\x82", "CN=a\xef\xbf\xbd\xef\xbf\xbd");
    CN_IS(DER_TELETEX_STRING, "Gr\xfcn", "CN=Gr\xc3\xbcn");
    CN_IS(DER_BMP_STRING, "\0G\0r\0\xfc\0n", "CN=Gr\xc3\xbcn");
    CN_IS(DER_BMP_STRING, "\xd8\x00\0", "CN=\xef\xbf\xbd\xef\xbf\xbd");
    CN_IS(DER_UNIVERSAL_STRING, "\0\x01\xf6\0\xff\xff\xff\xff", "CN=\xf0\x9f\x98\x80\xef\xbf\xbd");
    CN_IS(DER_OCTET_STRING, "ab", "CN=#04026162");
}

static void test_subject_types(void)
{
    subject_is("\x55\x04\x0a", DER_UTF8_STRING, "x", 1, "O=x");
    subject_is("\x2a\x03\x04", DER_UTF8_STRING, "x", 1, "1.2.3.4=#0C0178");
    subject_is("\x88\x37\x03", DER_UTF8_STRING, "x", 1, "2.999.3=#0C0178");
    subject_is("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", DER_IA5_STRING, "x", 1, "DC=x");
}

static void test_subject_whole(void)
{
    static struct pki_chain chain;
    static char const expected[] = "CN=client ec,O=Test";
    char out[64];
    pki_chain_of(&chain, "client-ec.crt");
    struct x509_certificate const *const cert = chain.chain.cert;
    ok(x509_subject(cert, out, sizeof out) && !strcmp(out, expected), "the last RDN first: %s", out);
    ok(x509_subject(cert, out, sizeof expected) && !strcmp(out, expected), "exactly enough room");
    ok(x509_subject(cert, out, sizeof expected - 1) && strlen(out) < sizeof expected - 1, "less room: %s",
       out);
    ok(x509_subject(cert, out, 1) && !*out, "room for nothing");
    ok(!x509_subject(cert, out, 0), "no room at all");
    pki_chain_of(&chain, "odd/names.crt");
    ok(x509_subject(cert, out, sizeof out), "odd characters: %s", out);
    chain.chain.cert[0].len--;
    ok(!x509_subject(cert, out, sizeof out) && !*out, "a certificate cut short has no subject");
}

/* ---- our reading of certificates beside BearSSL's ---- */

static int same_key(br_x509_pkey const *a, br_x509_pkey const *b)
{
    if (a->key_type != b->key_type) return 0;
    if (a->key_type == BR_KEYTYPE_EC)
        return a->key.ec.curve == b->key.ec.curve && a->key.ec.qlen == b->key.ec.qlen
               && !memcmp(a->key.ec.q, b->key.ec.q, a->key.ec.qlen);
    return a->key.rsa.nlen == b->key.rsa.nlen && a->key.rsa.elen == b->key.rsa.elen
           && !memcmp(a->key.rsa.n, b->key.rsa.n, a->key.rsa.nlen)
           && !memcmp(a->key.rsa.e, b->key.rsa.e, a->key.rsa.elen);
}

static int read_alike(unsigned char const *der, size_t len)
{
    struct certificate cert;
    br_x509_decoder_context decoder;
    br_x509_pkey key;
    br_x509_decoder_init(&decoder, NULL, NULL);
    br_x509_decoder_push(&decoder, der, len);
    if (br_x509_decoder_last_error(&decoder) || !certificate_parse(&cert, der, len) || key_parse(&cert, &key))
        return 0;
    return same_key(br_x509_decoder_get_pkey(&decoder), &key)
           && !br_x509_decoder_isCA(&decoder) == !certificate_is_ca(&cert);
}

static void test_beside_bearssl(void)
{
    static char const *const names[] = {"ca.pem",  "ec256.crt",    "ec384.crt",
                                        "rsa.crt", "odd/p521.crt", "odd/nosan.crt"};
    static struct pki_chain chain;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        pki_chain_of(&chain, names[i]);
        ok(read_alike(chain.chain.cert[0].der, chain.chain.cert[0].len), "%s read as BearSSL reads it",
           names[i]);
    }
}

static void test_system_bundle(void)
{
    struct x509_trust trust;
    struct pem pem;
    static unsigned char der[16384];
    char const *culprit;
    unsigned count = 0, same = 0;
    if (x509_trust_load(&trust, NULL, NULL, &culprit)) {
        skip("no bundle of anchors on this system");
        return;
    }
    pem_init(&pem, trust.bytes, trust.len);
    for (; pem_next(&pem); count++) {
        size_t len;
        if (PEM_DECODED(pem.body_len) <= sizeof der && pem_decode(&pem, der, &len))
            same += (unsigned)read_alike(der, len);
    }
    ok(count && same == count, "the system's %u anchors read as BearSSL reads them: %u", count, same);
    x509_trust_free(&trust);
}

static void test_broken_subjects(void)
{
    static char const *const broken[] = {"\x31\x01", "\x30\x02\x31\x05", "\x30\x04\x31\x02\x30\x01",
                                         "\x30\x06\x31\x04\x30\x02\x06\x05"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        unsigned char der[256];
        char out[64];
        struct x509_certificate cert = {.der = der};
        cert.len = make_certificate(der, (unsigned char const *)broken[i], strlen(broken[i]));
        ok(!x509_subject(&cert, out, sizeof out) && !*out, "broken subject %zu", i);
    }
}

int main(void)
{
    pki_make();
    test_der();
    test_base64();
    test_base64_bytes();
    test_blocks();
    test_subject_strings();
    test_subject_types();
    test_subject_whole();
    test_broken_subjects();
    test_beside_bearssl();
    test_system_bundle();
    return done_testing();
}
