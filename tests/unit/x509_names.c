/* ISC license. */

/* Names of servers: what is a name, and which certificate has it. */

#include "x509/certificate.h"
#include "x509_pki.h"

static void is_name(char const *name, int expected)
{
    ok(x509_is_dns_name(name, strlen(name)) == expected, "'%s' is %sa DNS name", name,
       expected ? "" : "not ");
}

static void test_dns_names(void)
{
    static char const *const good[] = {
        "a",          "localhost",          "example.test",           "EXAMPLE.test",
        "a-b.c--d.e", "xn--bcher-kva.test", "_sip._tcp.example.test", "1.2.3.x4",
        "3com.test",  "1e100.net"};
    static char const *const bad[] = {"",          ".",   "a.",    ".a",     "a..b",          "-a.b",
                                      "a-.b",      "a b", "a/b",   "*.test", "127.0.0.1",     "1.2.3",
                                      "256.1.1.1", "::1", "[::1]", "a.1",    "\xc3\xbc.test", "a\t.test",
                                      "a:80",      "42"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) is_name(good[i], 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) is_name(bad[i], 0);
    ok(!x509_is_dns_name("local\0host", 10), "a NUL is not in a DNS name");
    ok(x509_is_dns_name("localhost.evil", 9), "the length counts, not a terminator");
}

/* Letters, digits, hyphen and underscore, and the dot between labels. */
static void test_characters(void)
{
    static char const allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    static char const digits[] = "0123456789";
    for (int c = 0; c < 256; c++) {
        char const inside[] = {'a', (char)c, 'b'}, alone[] = {'a', '.', (char)c};
        int const is_allowed = c && strchr(allowed, c) != NULL, is_label = is_allowed && c != '-' && c != '.';
        ok(x509_is_dns_name(inside, sizeof inside) == is_allowed, "octet %02x in a label", c);
        ok(x509_is_dns_name(alone, sizeof alone) == (is_label && !strchr(digits, c)), "octet %02x as the last label", c);
    }
}

static void test_dns_lengths(void)
{
    char name[300];
    memset(name, 'a', sizeof name);
    ok(x509_is_dns_name(name, 63), "a label of 63 bytes");
    ok(!x509_is_dns_name(name, 64), "no label of 64 bytes");
    for (size_t i = 50; i < sizeof name; i += 50) name[i] = '.';
    ok(x509_is_dns_name(name, 253), "a name of 253 bytes");
    ok(!x509_is_dns_name(name, 254), "no name of 254 bytes");
}

static void test_addresses(void)
{
    static char const *const good[] = {
        "127.0.0.1", "0.0.0.0", "::1", "::", "2001:db8::1", "::ffff:1.2.3.4", "FE80::1"};
    static char const *const bad[] = {"",           "localhost",  "127.1",      "127.0.0.01", "127.0.0.256",
                                      "1.2.3.4.5",  "[::1]",      "fe80::1%lo", "::1::",      " 127.0.0.1",
                                      "127.0.0.1 ", "0x7f.0.0.1", "2130706433"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok(x509_is_ip_address(good[i]), "%s is an address", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!x509_is_ip_address(bad[i]), "'%s' is none", bad[i]);
}

static void becomes(char const *given, char const *expected)
{
    char name[X509_MAX_NAME + 1];
    char const *const why = x509_reference_name(name, given);
    if (expected) ok(!why && !strcmp(name, expected), "'%s' is the name '%s'", given, expected);
    else ok(why != NULL, "'%.60s' is not a name: %s", given, why ? why : "taken");
}

static void test_reference_names(void)
{
    static char const *const same[] = {"localhost", "Example.TEST", "_sip._tcp.example.test", "127.0.0.1",
                                       "2001:db8::1"};
    static char const *const bad[] = {"",       ".",          "a..",       "[",        "[]",   "[::1",
                                      "[a]",    "::1]",       "fe80::1%",  "%lo",      "a%lo", "127.0.0.1%lo",
                                      "[::1]x", "[127.0.0.1]", "127.0.0.1.", "a b",    "b\303\274cher.test"};
    char longest[X509_MAX_NAME + 2], name[X509_MAX_NAME + 1];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) becomes(same[i], same[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) becomes(bad[i], NULL);
    becomes("example.test.", "example.test");
    becomes("[::1]", "::1");
    becomes("fe80::1%eth0", "fe80::1");
    becomes("[fe80::1%eth0]", "fe80::1");
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    becomes(longest, NULL);
    becomes("a.", "a");
    memcpy(longest, "fe80::1%", 8);
    ok(!strcmp(x509_reference_name(name, longest), "the name is too long"), "an address whose zone is an octet too long");
    longest[X509_MAX_NAME] = 0;
    becomes(longest, "fe80::1");
}

static void has_name(char const *file, char const *name, enum x509_error expected)
{
    static struct pki_chain chain;
    struct certificate cert;
    pki_chain_of(&chain, file);
    if (!x509_certificate_parse(&cert, chain.chain.cert[0].der, chain.chain.cert[0].len)) {
        ok(0, "%s parses", file);
        return;
    }
    enum x509_error const error = x509_check_identity(&cert, name);
    ok(error == expected, "%s, %s: %s", file, name, x509_strerror(error));
}

/* localhost, example.test, *.wild.test, 127.0.0.1, ::1 */
static void test_usual_certificate(void)
{
    static char const *const good[] = {"localhost",
                                       "LOCALHOST",
                                       "Example.Test",
                                       "a.wild.test",
                                       "A.WILD.TEST",
                                       "_x.wild.test",
                                       "xn--bcher-kva.wild.test",
                                       "127.0.0.1",
                                       "::1",
                                       "0:0:0:0:0:0:0:1"};
    static char const *const bad[] = {
        "localhos",         "localhostt", "localhost.",    "example",          "test",
        "www.example.test", "wild.test",  ".wild.test",    "a.b.wild.test",    "*.wild.test",
        "-.wild.test",      "127.0.0.2",  "::2",           "::ffff:127.0.0.1", "",
        "a.wild.test.",     "127.0.0.1.", "wild.test.evil"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) has_name("ec256.crt", good[i], X509_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) has_name("ec256.crt", bad[i], X509_WRONG_NAME);
}

/* *.test, f*.wild.test, LocalHost, dot.test., 10.0.0.1 as a DNS name, *, a.*.test */
static void test_odd_names(void)
{
    has_name("odd/names.crt", "localhost", X509_OK);
    has_name("odd/names.crt", "x.test", X509_WRONG_NAME);
    has_name("odd/names.crt", "foo.wild.test", X509_WRONG_NAME);
    has_name("odd/names.crt", "dot.test", X509_WRONG_NAME);
    has_name("odd/names.crt", "dot.test.", X509_WRONG_NAME);
    has_name("odd/names.crt", "10.0.0.1", X509_WRONG_NAME);
    has_name("odd/names.crt", "anything", X509_WRONG_NAME);
    has_name("odd/names.crt", "a.b.test", X509_WRONG_NAME);
}

static void does_not_parse(char const *file)
{
    static struct pki_chain chain;
    struct certificate cert;
    pki_chain_of(&chain, file);
    ok(!x509_certificate_parse(&cert, chain.chain.cert[0].der, chain.chain.cert[0].len), "%s does not parse", file);
}

static void test_broken_names(void)
{
    has_name("odd/nosan.crt", "localhost", X509_NO_ALT_NAME);
    has_name("odd/nul.crt", "localhost", X509_WRONG_NAME);
    does_not_parse("odd/badip.crt");
    does_not_parse("odd/badsan.crt");
    has_name("wrongname.crt", "localhost", X509_WRONG_NAME);
    has_name("wrongname.crt", "other.test", X509_OK);
    has_name("client-ec.crt", "localhost", X509_NO_ALT_NAME);
}

int main(void)
{
    pki_make();
    test_dns_names();
    test_characters();
    test_dns_lengths();
    test_addresses();
    test_reference_names();
    test_usual_certificate();
    test_odd_names();
    test_broken_names();
    return done_testing();
}
