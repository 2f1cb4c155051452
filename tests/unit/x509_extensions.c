/* ISC license. */

/* What is inside the extensions that we process (RFC 5280, 4.2): each part of each that
   can be malformed, and each limit at the limit, one below it and one above. */

#include "x509_make.h"

struct value {
    char const *what, *id, *hex;
    int valid;
};

static struct bytes from_hex(char const *text)
{
    struct bytes b = { .len = 0 };
    unsigned byte;
    for (; sscanf(text, "%2x", &byte) == 1; text += 2) b.p[b.len++] = (unsigned char)byte;
    return b;
}

/* The end entity's only extension; its common name is nobody's, so no name is asked for. */
static void end_entity_with(struct value const *value)
{
    reset();
    path[0] = plain("server", 0);
    check.name = NULL;
    add(&path[0], value->id, 0, from_hex(value->hex));
    expect(value->valid ? X509_OK : X509_BAD_CERTIFICATE, value->what);
}

static void values(void)
{
    static struct value const rows[] = {
        { "basicConstraints: empty", BASIC_CONSTRAINTS, "3000", 1 },
        { "basicConstraints: FALSE is not written in DER", BASIC_CONSTRAINTS, "3003010100", 0 },
        { "basicConstraints: a path length without a CA", BASIC_CONSTRAINTS, "3003020100", 0 },
        { "basicConstraints: no SEQUENCE", BASIC_CONSTRAINTS, "3100", 0 },
        { "basicConstraints: a byte behind it", BASIC_CONSTRAINTS, "300000", 0 },
        { "keyUsage: digitalSignature", KEY_USAGE, "03020780", 1 },
        { "keyUsage: no unused bits", KEY_USAGE, "030200ff", 0 }, /* keyCertSign without a CA */
        { "keyUsage: no unused bits, no keyCertSign", KEY_USAGE, "03020081", 1 },
        { "keyUsage: no bits at all", KEY_USAGE, "030100", 0 },
        { "keyUsage: no content", KEY_USAGE, "0300", 0 },
        { "keyUsage: eight unused bits", KEY_USAGE, "03020800", 0 },
        { "keyUsage: one unused bit that is set", KEY_USAGE, "03020181", 0 },
        { "keyUsage: seven unused bits, one of them set", KEY_USAGE, "030207c0", 0 },
        { "keyUsage: decipherOnly in a second byte", KEY_USAGE, "0303078080", 1 },
        { "keyUsage: a set bit in the unused ones of a second byte", KEY_USAGE, "0303078081", 0 },
        { "extKeyUsage: serverAuth", EXT_KEY_USAGE, "300a06082b06010505070301", 1 },
        { "extKeyUsage: any", EXT_KEY_USAGE, "30060604551d2500", 1 },
        { "extKeyUsage: empty", EXT_KEY_USAGE, "3000", 0 },
        { "extKeyUsage: an INTEGER", EXT_KEY_USAGE, "3003020101", 0 },
        { "extKeyUsage: an INTEGER behind any", EXT_KEY_USAGE, "30090604551d2500020101", 0 },
        { "extKeyUsage: an OID that is cut", EXT_KEY_USAGE, "30050604551d25", 0 },
        { "subjectAltName: empty", ALT_NAME, "3000", 0 },
        { "subjectAltName: an IPv4 address", ALT_NAME, "30068704c0000201", 1 },
        { "subjectAltName: an IPv6 address", ALT_NAME, "3012871020010db8000000000000000000000001", 1 },
        { "subjectAltName: an address of 3 bytes", ALT_NAME, "30058703c00002", 0 },
        { "subjectAltName: an address of 5 bytes", ALT_NAME, "30078705c000020100", 0 },
        { "subjectAltName: an address of 15 bytes", ALT_NAME, "3011870f20010db80000000000000000000000", 0 },
        { "subjectAltName: an address of 17 bytes", ALT_NAME, "3013871120010db800000000000000000000000100", 0 },
        { "subjectAltName: an address of 8 bytes", ALT_NAME, "300a8708c0000201ffffffff", 0 },
        { "subjectAltName: an empty address", ALT_NAME, "30028700", 0 },
        { "subjectAltName: a name that is cut", ALT_NAME, "3003820261", 0 },
        { "subjectAltName: no GeneralName", ALT_NAME, "30030c0161", 0 },
        { "subjectAltName: a directory name that is none", ALT_NAME, "3004a4020500", 0 },
        { "subjectAltName: an empty directory name", ALT_NAME, "3004a4023000", 1 },
        { "certificatePolicies: empty", POLICIES, "3000", 0 },
        { "policyMappings: empty", POLICY_MAPPINGS, "3000", 0 },
        { "policyConstraints: empty", POLICY_CONSTRAINTS, "3000", 0 },
        { "policyConstraints: inhibitPolicyMapping", POLICY_CONSTRAINTS, "3003810100", 1 },
        { "policyConstraints: requireExplicitPolicy far away", POLICY_CONSTRAINTS, "300380017f", 1 },
        { "policyConstraints: both", POLICY_CONSTRAINTS, "300680017f810100", 1 },
        { "policyConstraints: in the wrong order", POLICY_CONSTRAINTS, "300681010080017f", 0 },
        { "policyConstraints: [0] is cut", POLICY_CONSTRAINTS, "300380027f", 0 },
        { "policyConstraints: [1] is cut", POLICY_CONSTRAINTS, "3003810200", 0 },
        { "policyConstraints: [1] is cut behind [0]", POLICY_CONSTRAINTS, "300680017f810200", 0 },
        { "policyConstraints: a negative [0]", POLICY_CONSTRAINTS, "30038001ff", 0 },
        { "policyConstraints: a negative [1]", POLICY_CONSTRAINTS, "30038101ff", 0 },
        { "policyConstraints: something else behind [1]", POLICY_CONSTRAINTS, "30058101000500", 0 },
        { "policyConstraints: something else", POLICY_CONSTRAINTS, "30020500", 0 },
        { "inhibitAnyPolicy: 0", INHIBIT_ANY, "020100", 1 },
        { "inhibitAnyPolicy: negative", INHIBIT_ANY, "0201ff", 0 },
        { "inhibitAnyPolicy: no content", INHIBIT_ANY, "0200", 0 },
        { "authorityKeyIdentifier: empty", AUTHORITY_KEY, "3000", 1 },
        { "authorityKeyIdentifier: an issuer and a serial number", AUTHORITY_KEY, "3007a102a400820101", 1 },
        { "authorityKeyIdentifier: [0] is cut", AUTHORITY_KEY, "3003800261", 0 },
        { "authorityKeyIdentifier: [1] is cut", AUTHORITY_KEY, "3003a10261", 0 },
        { "authorityKeyIdentifier: [2] is cut", AUTHORITY_KEY, "3003820261", 0 },
        { "authorityKeyIdentifier: [2] is cut behind [1]", AUTHORITY_KEY, "3005a100820261", 0 },
        { "authorityKeyIdentifier: something else", AUTHORITY_KEY, "30020500", 0 },
        { "authorityKeyIdentifier: something else behind [2]", AUTHORITY_KEY, "30058201010500", 0 },
        { "subjectKeyIdentifier: of any length", SUBJECT_KEY, "0401aa", 1 },
        { "subjectKeyIdentifier: no OCTET STRING", SUBJECT_KEY, "0301aa", 0 },
        { "subjectKeyIdentifier: a byte behind it", SUBJECT_KEY, "0401aa00", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) end_entity_with(rows + i);
}

/* Of a CA: what only it may have. One that is malformed is not used. */
static void values_of_a_ca(void)
{
    static struct value const rows[] = {
        { "basicConstraints: a CA", BASIC_CONSTRAINTS, "30030101ff", 1 },
        { "basicConstraints: a path length of 0", BASIC_CONSTRAINTS, "30060101ff020100", 1 },
        { "basicConstraints: a negative path length", BASIC_CONSTRAINTS, "30060101ff0201ff", 0 },
        { "basicConstraints: a path length that is cut", BASIC_CONSTRAINTS, "30060101ff020200", 0 },
        { "basicConstraints: something else behind the path length", BASIC_CONSTRAINTS, "30080101ff0201000500", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reset();
        path[1] = plain("CA", 1);
        add(&path[1], rows[i].id, 1, from_hex(rows[i].hex));
        expect(rows[i].valid ? X509_OK : X509_UNKNOWN_CA, rows[i].what);
    }
}

/* keyCertSign and name constraints without a CA, critical key identifiers, names. */
static void consistency(void)
{
    static struct bytes const permitted_dns = { { 0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01, 'a' }, 9 };
    reset();
    add(&path[0], KEY_USAGE, 1, RAW("\x03\x02\x02\x04"));
    expect(X509_BAD_CERTIFICATE, "keyCertSign without a CA");
    reset();
    add(&path[0], NAME_CONSTRAINTS, 1, permitted_dns);
    expect(X509_BAD_CERTIFICATE, "name constraints without a CA");
    reset();
    add(&path[0], SUBJECT_KEY, 1, RAW("\x04\x01\xaa"));
    expect(X509_BAD_CERTIFICATE, "a critical subjectKeyIdentifier");
    reset();
    add(&path[0], AUTHORITY_KEY, 1, RAW("\x30\x00"));
    expect(X509_BAD_CERTIFICATE, "a critical authorityKeyIdentifier");
    reset();
    path[0].subject = name("");
    expect(X509_BAD_CERTIFICATE, "no subject, and an alternative name that is not critical");
    path[0] = plain("", 0);
    add(&path[0], ALT_NAME, 1, tlv(DER_SEQUENCE, text(NAME_DNS, "www.example.com")));
    expect(X509_OK, "no subject, and a critical alternative name");
}

static void numbers_of_extensions(void)
{
    for (unsigned count = 47; count <= 49; count++) {
        reset(); /* has one */
        for (unsigned i = 1; i < count; i++) {
            char id[16];
            snprintf(id, sizeof id, "2a03%02x", i);
            add(&path[0], id, 0, RAW("\x05\x00"));
        }
        expect(count <= 48 ? X509_OK : X509_BAD_CERTIFICATE, count <= 48 ? "48 extensions" : "49 extensions");
    }
    reset();
    add(&path[0], "2a0301", 0, RAW("\x05\x00"));
    add(&path[0], "2a0302", 0, RAW("\x05\x00"));
    add(&path[0], "2a0301", 0, RAW("\x05\x00"));
    expect(X509_BAD_CERTIFICATE, "the second of four again");
    reset();
    add(&path[0], ALT_NAME, 0, tlv(DER_SEQUENCE, text(NAME_DNS, "www.example.com")));
    expect(X509_BAD_CERTIFICATE, "the first again");
    reset();
    path[0] = plain("server", 0);
    check.name = NULL;
    expect(X509_OK, "no extensions");
    path[0].empty_extensions = 1;
    expect(X509_BAD_CERTIFICATE, "an empty list of extensions");
}

/* Object identifiers that have some of an extension's numbers: what is in them is not ours to read. */
static void neighbours(void)
{
    static char const *const ids[] = { "551d", "551d1100", "551e11", "541d11", "2a1d11", "55", "1d11", "55111d" };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        for (int critical = 0; critical < 2; critical++) {
            reset();
            add(&path[0], ids[i], critical, RAW("\x30\x00"));
            expect(critical ? X509_CRITICAL_EXTENSION : X509_OK, ids[i]);
        }
}

static void versions(void)
{
    static struct {
        unsigned char version;
        enum x509_error error;
    } const rows[] = { { 1, X509_OK }, { 2, X509_OK }, { 3, X509_OK }, { 4, X509_BAD_CERTIFICATE } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reset();
        path[0] = plain("server", 0);
        path[0].version = rows[i].version;
        check.name = NULL;
        expect(rows[i].error, "a version, without extensions");
        add(&path[0], SUBJECT_KEY, 0, RAW("\x04\x01\xaa"));
        expect(rows[i].version == 3 ? X509_OK : X509_BAD_CERTIFICATE, "the same with an extension");
    }
    reset();
    path[0] = plain("server", 0);
    path[0].version = 1;
    path[0].written_version_1 = 1;
    check.name = NULL;
    expect(X509_BAD_CERTIFICATE, "version 1, which is not written in DER");
}

/* RFC 5280, 4.1.2.2: at most 20 bytes, which a leading 0 does not count among. */
static void serial_numbers(void)
{
    static struct {
        char const *what, *hex;
        int valid;
    } const rows[] = {
        { "a serial number without content", "0200", 0 },
        { "an OCTET STRING as serial number", "040105", 0 },
        { "a serial number of 20 bytes", "02147f0102030405060708090a0b0c0d0e0f10111213", 1 },
        { "a serial number of 20 bytes and a leading 0", "02150080010203040506070809 0a0b0c0d0e0f10111213", 1 },
        { "a serial number of 21 bytes", "021501800102030405060708090a0b0c0d0e0f10111213", 0 },
        { "a serial number of 21 bytes, the second 0", "021501000102030405060708090a0b0c0d0e0f10111213", 0 },
        { "a serial number of 21 bytes and a leading 0", "02160080 0102030405060708090a0b0c0d0e0f1011121314", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char packed[128], *to = packed;
        for (char const *p = rows[i].hex; *p; p++)
            if (*p != ' ') *to++ = *p;
        *to = 0;
        reset();
        path[0].serial = from_hex(packed);
        expect(rows[i].valid ? X509_OK : X509_BAD_CERTIFICATE, rows[i].what);
    }
}

/* RFC 5280, 4.1.2.8: in versions 2 and 3. */
static void unique_ids(void)
{
    static struct {
        char const *what, *hex;
        int valid;
    } const rows[] = {
        { "an issuerUniqueID", "8102007f", 1 },
        { "a subjectUniqueID", "8202007f", 1 },
        { "both unique IDs", "8102007f8202007f", 1 },
        { "unique IDs in the wrong order", "8202007f8102007f", 0 },
        { "an issuerUniqueID that is cut", "81ff", 0 },
        { "a subjectUniqueID that is cut", "82ff", 0 },
        { "an issuerUniqueID and one of the subject's that is cut", "8102007f82ff", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned char version = 1; version <= 3; version++) {
            reset();
            path[0] = plain("server", 0);
            path[0].version = version;
            path[0].unique_ids = from_hex(rows[i].hex);
            check.name = NULL;
            expect(rows[i].valid && version > 1 ? X509_OK : X509_BAD_CERTIFICATE, rows[i].what);
        }
}

int main(void)
{
    values();
    values_of_a_ca();
    consistency();
    numbers_of_extensions();
    neighbours();
    versions();
    serial_numbers();
    unique_ids();
    return done_testing();
}
