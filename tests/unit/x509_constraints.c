/* ISC license. */

/* Name constraints (RFC 5280, 4.2.1.10; 6.1.3 (b) and (c)) and policies (6.1.3 (d) to 6.1.5). */

#include <time.h>

#include "x509_make.h"

/* ---- names ---- */

enum { PERMITTED = 0xa0, EXCLUDED = 0xa1 };

static struct bytes subtree(struct bytes base)
{
    return tlv(DER_SEQUENCE, base);
}

static void constrain(struct spec *spec, unsigned which, struct bytes base)
{
    add(spec, NAME_CONSTRAINTS, 1, tlv(DER_SEQUENCE, tlv(which, subtree(base))));
}

static struct bytes value_of(unsigned tag, char const *text_or_hex)
{
    struct bytes b = {.len = 0};
    unsigned byte;
    if (tag == NAME_DIRECTORY) return tlv(tag, name(text_or_hex));
    if (tag != NAME_ADDRESS) return text(tag, text_or_hex);
    for (; sscanf(text_or_hex, "%2x", &byte) == 1; text_or_hex += 2) b.p[b.len++] = (unsigned char)byte;
    return tlv(tag, b);
}

/* An end entity of that name below a CA with that constraint. */
static void relate(unsigned tag, char const *found, char const *base, int permitted, int excluded)
{
    char what[128];
    for (int turn = 0; turn < 4; turn++) {
        unsigned const which = turn & 1 ? EXCLUDED : PERMITTED;
        int const good = turn & 1 ? !excluded : permitted;
        reset();
        check.name = NULL;
        path[0] = plain("server", 0);
        if (tag == NAME_DIRECTORY) path[0].subject = name(found);
        else add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, value_of(tag, found)));
        constrain(&path[turn & 2 ? 2 : 1], which, value_of(tag, base));
        if (turn & 2 && tag == NAME_DIRECTORY && *base) path[1].subject = name(turn & 1 ? "CA" : base);
        snprintf(what, sizeof what, "%s, %s %s by the %s", found, which == EXCLUDED ? "excluded" : "permitted", base,
                 turn & 2 ? "root" : "CA");
        expect(good ? X509_OK : X509_NAME_CONSTRAINT, what);
    }
}

static void kinds(void)
{
    relate(NAME_DNS, "www.example.com", "example.com", 1, 1);
    relate(NAME_DNS, "EXAMPLE.com", "example.COM", 1, 1);
    relate(NAME_DNS, "www.example.com", "ample.com", 0, 0);
    relate(NAME_DNS, "example.com", "www.example.com", 0, 0);
    relate(NAME_DNS, "www.example.com", "", 1, 1);
    relate(NAME_DNS, "www.example.com", ".example.com", 1, 1);
    relate(NAME_DNS, "example.com", ".example.com", 0, 1);
    relate(NAME_DNS, "*.example.com", "example.com", 1, 1);
    relate(NAME_DNS, "*.example.com", "www.example.com", 0, 1);
    relate(NAME_DNS, "*.example.com", "a.www.example.com", 0, 0);
    relate(NAME_DNS, ".example.com", "example.com", 0, 1);
    relate(NAME_DNS, "*.x", "a.x", 0, 0);
    relate(NAME_DNS, "*.x", "x", 1, 1);
    relate(NAME_DNS, "a.x", ".x", 1, 1);
    relate(NAME_DNS, "*.", "x", 0, 1);
    relate(NAME_DNS, "*xexample.com", "example.com", 0, 1);
    relate(NAME_ADDRESS, "c1000201", "c0000200ffffff00", 0, 0);
    relate(NAME_ADDRESS, "c0000202", "c0000201ffffffff", 0, 0);
    relate(NAME_ADDRESS, "c0000201", "c0000201ffffffff", 1, 1);
    relate(NAME_ADDRESS, "c0000201", "c0000200ffffff00", 1, 1);
    relate(NAME_ADDRESS, "c0000301", "c0000200ffffff00", 0, 0);
    relate(NAME_ADDRESS, "20010db8000000000000000000000001",
           "20010db8000000000000000000000000ffffffff000000000000000000000000", 1, 1);
    relate(NAME_ADDRESS, "c0000201", "20010db8000000000000000000000000ffffffff000000000000000000000000", 0, 0);
    relate(NAME_EMAIL, "me@example.com", "example.com", 1, 1);
    relate(NAME_EMAIL, "me@mail.example.com", "example.com", 0, 0);
    relate(NAME_EMAIL, "me@you@example.com", "example.com", 0, 1);
    relate(NAME_EMAIL, "me@mail.example.com", ".example.com", 1, 1);
    relate(NAME_EMAIL, "me@example.com", ".example.com", 0, 0);
    relate(NAME_EMAIL, "me@a.example.com", ".example.com", 1, 1);
    relate(NAME_EMAIL, "me@.example.com", ".example.com", 0, 0);
    relate(NAME_EMAIL, "me@@example.com", "example.com", 0, 1);
    relate(NAME_EMAIL, "me@example.com@", "example.com", 0, 1);
    relate(NAME_EMAIL, "example.com", "example.com", 0, 1);
    relate(NAME_EMAIL, "you@example.com", "me@example.com", 0, 0);
    relate(NAME_EMAIL, "me@example.com", "me@example.org", 0, 0);
    relate(NAME_EMAIL, "me@Example.com", "me@example.com", 1, 1);
    relate(NAME_EMAIL, "Me@example.com", "me@example.com", 0, 0);
    relate(NAME_URI, "https://www.example.com/x", "www.example.com", 1, 1);
    relate(NAME_URI, "https://me:x@www.example.com:80?x", ".example.com", 1, 1);
    relate(NAME_URI, "https://www.example.com", "example.com", 0, 0);
    relate(NAME_URI, "https://www.example.com", "www.example.com", 1, 1);
    relate(NAME_URI, "https://a.example.com", ".example.com", 1, 1);
    relate(NAME_URI, "https://www.example.com?x", "www.example.com", 1, 1);
    relate(NAME_URI, "https://www.example.com#x", "www.example.com", 1, 1);
    relate(NAME_URI, "https:///@example.com", "example.com", 0, 1);
    relate(NAME_URI, "https://", "example.com", 0, 1);
    relate(NAME_URI, "https://www.example.com.evil.test/.example.com", ".example.com", 0, 0);
    relate(NAME_URI, "urn:x", "example.com", 0, 1);
    relate(NAME_URI, "https://127.0.0.1/", "example.com", 0, 1);
    relate(NAME_DIRECTORY, "Some Body", "some  body", 1, 1);
    relate(NAME_DIRECTORY, "Some Body", "Some", 0, 0);
    relate(NAME_DIRECTORY, "Some Body", "", 1, 1);
}

static void scope(void)
{
    reset();
    constrain(&path[1], PERMITTED, text(NAME_ADDRESS, "\xc0\x01\x02\x03\xff\xff\xff\xff"));
    expect(X509_OK, "a constraint on addresses says nothing of DNS names");
    reset();
    constrain(&path[2], PERMITTED, text(NAME_DNS, "example.org"));
    expect_of(X509_NAME_CONSTRAINT, "certificate 1 of 2 (CN=server)", "a root binds what is two below");
    reset();
    constrain(&path[2], EXCLUDED, tlv(NAME_DIRECTORY, name("CA")));
    expect_of(X509_NAME_CONSTRAINT, "certificate 2 of 2 (CN=CA)", "an excluded CA");
    reset();
    path[1].subject = name("root");
    constrain(&path[2], EXCLUDED, tlv(NAME_DIRECTORY, name("root")));
    expect(X509_OK, "but not one that is self-issued");
    reset();
    add(&path[1], NAME_CONSTRAINTS, 0, tlv(DER_SEQUENCE, tlv(EXCLUDED, subtree(text(NAME_DNS, "example.com")))));
    expect(X509_NAME_CONSTRAINT, "constraints that are not critical count");
    reset();
    constrain(&path[0], PERMITTED, text(NAME_DNS, "example.com"));
    expect(X509_BAD_CERTIFICATE, "constraints of what is no CA");
    reset();
    constrain(&path[1], PERMITTED, tlv(0x88, RAW("\x2a\x03")));
    expect(X509_OK, "a constraint on a kind of names that the certificate has not");
    path[0].extensions = none();
    add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, both(text(NAME_DNS, "www.example.com"), tlv(0x88, RAW("\x2a\x03")))));
    expect(X509_NAME_CONSTRAINT, "and has: it cannot be compared");
    reset();
    constrain(&path[1], EXCLUDED, tlv(0x88, RAW("\x2a\x03")));
    path[0].extensions = none();
    add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, both(text(NAME_DNS, "www.example.com"), tlv(0x88, RAW("\x2a\x04")))));
    expect(X509_NAME_CONSTRAINT, "nor can it be told from an excluded one");
    reset();
    struct bytes const address = both(oid("2a864886f70d010901"), text(DER_IA5_STRING, "me@example.org"));
    path[0].subject = tlv(DER_SEQUENCE, tlv(DER_SET, tlv(DER_SEQUENCE, address)));
    constrain(&path[1], EXCLUDED, text(NAME_EMAIL, "example.org"));
    expect(X509_NAME_CONSTRAINT, "an address in the subject");
}

/* What stands behind a name belongs to the next one. */
static void neighbours(void)
{
    struct bytes const first = tlv(NAME_ADDRESS, RAW("\xc0\x00\x02\x01")), second = text(NAME_DNS, "example.com");
    reset();
    path[0].extensions = none();
    add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, both(first, second)));
    struct bytes const base = tlv(NAME_ADDRESS, RAW("\xc0\x00\x02\x01\xff\xff\xff\xff"));
    struct bytes const bases = both(subtree(base), subtree(second));
    check.name = NULL;
    add(&path[1], NAME_CONSTRAINTS, 1, tlv(DER_SEQUENCE, tlv(PERMITTED, bases)));
    expect(X509_OK, "an address and a name, both permitted");
    reset();
    path[0].extensions = none();
    check.name = NULL;
    add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, tlv(NAME_URI, RAW("https://www.example.com\0x"))));
    constrain(&path[1], PERMITTED, text(NAME_URI, "www.example.com"));
    expect(X509_NAME_CONSTRAINT, "a zero octet is no end of a host");
}

static void malformed(void)
{
    static struct {
        unsigned tag;
        char const *base;
    } const cases[] = {{NAME_DNS, "*.example.com"}, {NAME_DNS, "a..b"}, {NAME_ADDRESS, "c0000201"},
                       {NAME_ADDRESS, "c0000201ffff"}, {NAME_EMAIL, ""}, {NAME_EMAIL, "me@"}, {NAME_EMAIL, "a@b@example.com"},
                       {NAME_URI, "https://x/"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reset();
        constrain(&path[1], PERMITTED, value_of(cases[i].tag, cases[i].base));
        expect(X509_UNKNOWN_CA, cases[i].base);
    }
    reset();
    add(&path[1], NAME_CONSTRAINTS, 1, tlv(DER_SEQUENCE, none()));
    expect(X509_UNKNOWN_CA, "neither permitted nor excluded");
    reset();
    add(&path[1], NAME_CONSTRAINTS, 1, tlv(DER_SEQUENCE, tlv(PERMITTED, none())));
    expect(X509_UNKNOWN_CA, "no subtree");
    reset();
    add(&path[1], NAME_CONSTRAINTS, 1,
        tlv(DER_SEQUENCE, tlv(PERMITTED, tlv(DER_SEQUENCE, both(text(NAME_DNS, "example.com"), RAW("\x80\x01\x01"))))));
    expect(X509_UNKNOWN_CA, "a minimum");
}

/* ---- policies ---- */

#define A "2a030401"
#define B "2a030402"
#define C "2a030403"
#define ANY "551d2000"

/* Up to two policies. */
static void assert_policies(struct spec *spec, char const *first, char const *second)
{
    struct bytes infos = tlv(DER_SEQUENCE, oid(first));
    if (second) append(&infos, tlv(DER_SEQUENCE, oid(second)));
    add(spec, POLICIES, 0, tlv(DER_SEQUENCE, infos));
}

static void require(struct spec *spec, unsigned char skip)
{
    add(spec, POLICY_CONSTRAINTS, 1, tlv(DER_SEQUENCE, tlv(0x80, raw(&skip, 1))));
}

static void map(struct spec *spec, char const *from, char const *to)
{
    add(spec, POLICY_MAPPINGS, 1, tlv(DER_SEQUENCE, tlv(DER_SEQUENCE, both(oid(from), oid(to)))));
}

/* The root requires a policy; the CA and the end entity have these. */
static void chain_of_policies(char const *ca, char const *entity, enum x509_error expected, char const *what)
{
    reset();
    require(&path[2], 0);
    if (ca) assert_policies(&path[1], ca, NULL);
    if (entity) assert_policies(&path[0], entity, NULL);
    expect(expected, what);
}

static void required(void)
{
    chain_of_policies(A, A, X509_OK, "one policy all along");
    chain_of_policies(A, B, X509_POLICY, "two policies");
    chain_of_policies(A, NULL, X509_POLICY, "the end entity has none");
    chain_of_policies(NULL, A, X509_POLICY, "the CA has none");
    chain_of_policies(ANY, B, X509_OK, "anyPolicy above one");
    chain_of_policies(A, ANY, X509_OK, "one above anyPolicy");
    reset();
    assert_policies(&path[1], A, NULL);
    assert_policies(&path[0], B, NULL);
    expect(X509_OK, "two policies, and none is required");
    require(&path[0], 0);
    expect(X509_POLICY, "the end entity requires one");
    reset();
    require(&path[1], 2);
    expect(X509_OK, "required two certificates further on");
    reset_long(2);
    require(&path[2], 1);
    expect(X509_POLICY, "which there is");
    reset();
    assert_policies(&path[0], A, B);
    add(&path[0], "551d24", 1, RAW("\x30\x00"));
    expect(X509_BAD_CERTIFICATE, "empty policyConstraints");
}

static void any_policy(void)
{
    chain_of_policies(ANY, A, X509_OK, "anyPolicy, not inhibited");
    add(&path[2], INHIBIT_ANY, 1, RAW("\x02\x01\x00"));
    expect(X509_POLICY, "inhibited at once");
    chain_of_policies(A, ANY, X509_OK, "anyPolicy of the end entity");
    add(&path[2], INHIBIT_ANY, 1, RAW("\x02\x01\x01"));
    expect(X509_POLICY, "inhibited one certificate later");
    path[1].subject = name("root");
    expect(X509_OK, "where a self-issued certificate does not count");
}

static void mapped(void)
{
    chain_of_policies(A, B, X509_POLICY, "A above B");
    map(&path[1], A, B);
    expect(X509_OK, "mapped to it");
    chain_of_policies(A, A, X509_OK, "A above A");
    map(&path[1], A, B);
    expect(X509_POLICY, "mapped to B");
    chain_of_policies(ANY, C, X509_OK, "anyPolicy above C");
    map(&path[1], A, C);
    expect(X509_OK, "and a mapping");
    chain_of_policies(A, B, X509_POLICY, "A above B");
    map(&path[1], A, B);
    add(&path[2], POLICY_CONSTRAINTS, 1, none());
    expect(X509_BAD_CERTIFICATE, "policyConstraints twice");
    reset();
    add(&path[2], POLICY_CONSTRAINTS, 1, tlv(DER_SEQUENCE, RAW("\x80\x01\x00\x81\x01\x00")));
    assert_policies(&path[1], A, NULL);
    assert_policies(&path[0], B, NULL);
    map(&path[1], A, B);
    expect(X509_POLICY, "a mapping that is inhibited");
    chain_of_policies(A, A, X509_OK, "A");
    map(&path[1], ANY, B);
    expect(X509_BAD_CERTIFICATE, "a mapping of anyPolicy");
}

/* ---- work ---- */

static struct bytes many(unsigned tag, size_t count, int is_subtree)
{
    struct bytes all = {.len = 0};
    for (size_t i = 0; i < count; i++) {
        char dns[8];
        snprintf(dns, sizeof dns, "%02zx.%c", i, is_subtree ? 'y' : 'x');
        struct bytes const one = text(tag, dns);
        append(&all, is_subtree ? subtree(one) : one);
    }
    return all;
}

/* 256 names, and constraints of 200 in each of nine authorities. */
static void work(void)
{
    struct timespec start, end;
    reset_long(9);
    path[0] = plain("server", 0);
    add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, many(NAME_DNS, 256, 0)));
    check.name = NULL;
    for (size_t i = 1; i < path_len; i++)
        add(&path[i], NAME_CONSTRAINTS, 1, tlv(DER_SEQUENCE, tlv(EXCLUDED, many(NAME_DNS, 200, 1))));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    enum x509_error const error = verify_path();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    ok(error == X509_TOO_MUCH_WORK, "very many names: %s", x509_strerror(error));
    diag("%ld ms", (long)((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000));
}

int main(void)
{
    kinds();
    scope();
    neighbours();
    malformed();
    required();
    any_policy();
    mapped();
    work();
    return done_testing();
}
