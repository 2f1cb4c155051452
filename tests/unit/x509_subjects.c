/* ISC license. */

/* Subjects as lines of text. */

#include "x509/der.h"
#include "x509_pki.h"

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
    static unsigned char const tail[] = {0x30, 0x02, 0x06, 0x00, 0x03, 0x01, 0x00};
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

static void no_subject(char const *oid)
{
    unsigned char der[256];
    char out[256];
    struct x509_certificate cert = {.der = der, .len = make_subject(der, oid, DER_IA5_STRING, "x", 1)};
    ok(!x509_subject(&cert, out, sizeof out) && !*out, "an object identifier that is cut or too large: %s", out);
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

/* What reorders or hides text, and the neighbours on both sides. */
static void test_subject_invisible(void)
{
    CN_IS(DER_UTF8_STRING, "a\xc2\xad" "b", "CN=a\\C2\\ADb");
    CN_IS(DER_UTF8_STRING, "\xd8\x9c", "CN=\\D8\\9C");
    CN_IS(DER_UTF8_STRING, "\xe1\xa0\x8e", "CN=\\E1\\A0\\8E");
    CN_IS(DER_UTF8_STRING, "\xef\xbf\xb9\xef\xbf\xbb", "CN=\\EF\\BF\\B9\\EF\\BF\\BB");
    CN_IS(DER_UTF8_STRING, "\xf3\xa0\x80\x80\xf3\xa0\x81\xbf",
          "CN=\\F3\\A0\\80\\80\\F3\\A0\\81\\BF");
    CN_IS(DER_BMP_STRING, "\x06\x1c", "CN=\\D8\\9C");
    CN_IS(DER_TELETEX_STRING, "\xad", "CN=\\C2\\AD");
    CN_IS(DER_BMP_STRING, "\0\xac\0\xae", "CN=\xc2\xac\xc2\xae");
    CN_IS(DER_BMP_STRING, "\x06\x1b\x06\x1d", "CN=\xd8\x9b\xd8\x9d");
    CN_IS(DER_BMP_STRING, "\x18\x0d\x18\x0f", "CN=\xe1\xa0\x8d\xe1\xa0\x8f");
    CN_IS(DER_BMP_STRING, "\xff\xf8\xff\xfc", "CN=\xef\xbf\xb8\xef\xbf\xbc");
    CN_IS(DER_UNIVERSAL_STRING, "\0\x0e\0\x80", "CN=\xf3\xa0\x82\x80");
}

static size_t to_utf8(unsigned c, unsigned char *out)
{
    if (c < 0x80) return out[0] = (unsigned char)c, 1;
    if (c < 0x800) return out[0] = (unsigned char)(0xc0 | c >> 6), out[1] = (unsigned char)(0x80 | (c & 0x3f)), 2;
    size_t const len = c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i; i--, c >>= 6) out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)((len == 3 ? 0xe0 : 0xf0) | c);
    return len;
}

/* Between two letters, so that its place is nothing special. */
static void character(unsigned c, int is_visible)
{
    unsigned char const value[] = {0, 0, 0, 'a', 0, (unsigned char)(c >> 16), (unsigned char)(c >> 8), (unsigned char)c,
                                   0, 0, 0, 'b'};
    unsigned char utf8[4];
    char expected[32] = "CN=a";
    size_t const len = to_utf8(c, utf8);
    for (size_t i = 0; i < len; i++) sprintf(expected + strlen(expected), is_visible ? "%c" : "\\%02X", utf8[i]);
    strcat(expected, "b");
    subject_is(CN, DER_UNIVERSAL_STRING, value, sizeof value, expected);
}

/* The first and the last of each range that is escaped, and the neighbours; and where UTF-8 gets longer. */
static void test_borders(void)
{
    static unsigned const ranges[][2] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
                                         {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                                         {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    static unsigned const visible[] = {0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (ranges[i][0]) character(ranges[i][0] - 1, 1);
        character(ranges[i][0], 0);
        character(ranges[i][1], 0);
        character(ranges[i][1] + 1, 1);
    }
    character(0x80, 0);
    for (size_t i = 0; i < sizeof visible / sizeof *visible; i++) character(visible[i], 1);
}

static void test_subject_types(void)
{
    subject_is("\x55\x04\x0a", DER_UTF8_STRING, "x", 1, "O=x");
    subject_is("\x2a\x03\x04", DER_UTF8_STRING, "x", 1, "1.2.3.4=#0C0178");
    subject_is("\x88\x37\x03", DER_UTF8_STRING, "x", 1, "2.999.3=#0C0178");
    static char const *const names[][2] = {
        {"\x55\x04\x03", "CN=x"}, {"\x55\x04\x05", "serialNumber=x"}, {"\x55\x04\x06", "C=x"}, {"\x55\x04\x07", "L=x"},
        {"\x55\x04\x08", "ST=x"}, {"\x55\x04\x09", "STREET=x"}, {"\x55\x04\x0a", "O=x"}, {"\x55\x04\x0b", "OU=x"},
        {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC=x"}, {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID=x"},
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress=x"}, {"\x55\x04\x04", "2.5.4.4=#160178"},
        {"\x27", "0.39=#160178"}, {"\x28", "1.0=#160178"}, {"\x4f", "1.39=#160178"}, {"\x50", "2.0=#160178"},
        {"\x2a\x8f\xff\xff\x7f", "1.2.33554431=#160178"}, {"\x2a\x8f\xff\xff\xff\x7f", NULL}, {"\x2a\x81", NULL}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i][1]) subject_is(names[i][0], DER_IA5_STRING, "x", 1, names[i][1]);
        else no_subject(names[i][0]);
    }
}

static void test_subject_whole(void)
{
    static struct pki_chain chain;
    static char const expected[] = "O=Test, CN=client ec";
    char out[64];
    pki_chain_of(&chain, "client-ec.crt");
    struct x509_certificate const *const cert = chain.chain.cert;
    ok(x509_subject(cert, out, sizeof out) && !strcmp(out, expected), "in the order of the certificate: %s", out);
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
    test_subject_strings();
    test_subject_invisible();
    test_borders();
    test_subject_types();
    test_subject_whole();
    test_broken_subjects();
    return done_testing();
}
