/* ISC license. */

/* Revocation lists (RFC 5280, 5 and 6.3): which of them says something, and what. */

#include "x509_make_crl.h"

static void says(enum x509_error expected, char const *what)
{
    struct x509_crls crls;
    enum x509_error error = load(&crls);
    if (error) {
        ok(error == expected, "%s: %s", what, x509_strerror(error));
        return;
    }
    check.crls = &crls;
    error = verify_path();
    ok(error == expected, "%s: %s %s", what, x509_strerror(error), error ? culprit : "");
    x509_crls_free(&crls);
}

static void serial_numbers(void)
{
    reset_lists();
    says(X509_OK, "nothing is revoked");
    list[0].revoked = entry(6, none());
    says(X509_OK, "another certificate is revoked");
    append(&list[0].revoked, entry(5, none()));
    says(X509_REVOKED, "the server is revoked");
    list[0].revoked = both(entry(5, none()), entry(6, none()));
    says(X509_REVOKED, "the server and another");
    list[0].revoked = none();
    list[1].revoked = entry(5, none());
    says(X509_REVOKED, "the CA is revoked");
    list[1].revoked = entry(4, none());
    says(X509_OK, "another CA is revoked");
}

static void missing(void)
{
    reset_lists();
    list_count = 1;
    says(X509_NO_CRL, "no list of the root");
    list[0] = list[1];
    says(X509_NO_CRL, "no list of the CA");
    reset_lists();
    list[0].issuer = name("CB");
    says(X509_NO_CRL, "a list of somebody else");
    reset_lists();
    add(&path[1], KEY_USAGE, 1, RAW("\x03\x02\x02\x04"));
    says(X509_NO_CRL, "a CA that must not sign lists");
    reset_lists();
    add(&path[1], KEY_USAGE, 1, RAW("\x03\x02\x01\x06"));
    says(X509_OK, "one that may");
}

static void times(void)
{
    reset_lists();
    list[0].from = text(DER_UTC_TIME, NOW);
    says(X509_OK, "thisUpdate now");
    list[0].from = text(DER_UTC_TIME, LATER);
    says(X509_OLD_CRL, "thisUpdate a second later");
    reset_lists();
    list[0].to = text(DER_UTC_TIME, NOW);
    says(X509_OK, "nextUpdate now");
    list[0].to = text(DER_UTC_TIME, EARLIER);
    says(X509_OLD_CRL, "nextUpdate a second ago");
    list[0].to = none();
    says(X509_BAD_CRL, "no nextUpdate");
    list[0].to = text(DER_GENERALIZED_TIME, "20400101000000Z");
    says(X509_BAD_CRL, "GeneralizedTime before 2050");
    reset_lists();
    list[0].from = text(DER_GENERALIZED_TIME, "20230101000000Z");
    says(X509_BAD_CRL, "thisUpdate in GeneralizedTime");
}

static void signatures(void)
{
    reset_lists();
    list[0].signer = 3;
    says(X509_BAD_CRL, "another key signed it");
    list[0].revoked = entry(5, none());
    says(X509_BAD_CRL, "whatever it revokes");
    reset_lists();
    list[1].signer = 1;
    says(X509_BAD_CRL, "the CA signed the root's");
}

static void extensions(void)
{
    static struct {
        char const *what, *id;
        int critical;
        enum x509_error error;
    } const rows[] = {
        { "cRLNumber", "551d14", 0, X509_OK },
        { "a critical cRLNumber", "551d14", 1, X509_INDIRECT_CRL },
        { "deltaCRLIndicator", "551d1b", 1, X509_DELTA_CRL },
        { "issuingDistributionPoint", "551d1c", 1, X509_INDIRECT_CRL },
        { "issuingDistributionPoint that is not critical", "551d1c", 0, X509_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reset_lists();
        list[0].extensions = extension(rows[i].id, rows[i].critical, RAW("\x30\x00"));
        says(rows[i].error, rows[i].what);
        if (rows[i].critical) continue;
        list[0].version = none();
        says(X509_BAD_CRL, "in version 1");
    }
    reset_lists();
    list[0].version = none();
    says(X509_OK, "version 1");
    list[0] = list_of("CA", 1);
    list[0].extensions = RAW("\x05\x00");
    says(X509_BAD_CRL, "an extension that is none");
    list[0].extensions = both(extension("551d14", 0, RAW("\x30\x00")), RAW("\x05\x00"));
    says(X509_BAD_CRL, "behind one that is");
    list[0] = list_of("CA", 1);
    list[0].behind = RAW("\x05\x00");
    says(X509_BAD_CRL, "something behind the list");
    list[0].behind = RAW("\xa0\x02\x05\x00");
    says(X509_BAD_CRL, "extensions that are no SEQUENCE");
    list[0].behind = RAW("\xa0\x04\x30\x00\x05\x00");
    says(X509_BAD_CRL, "something behind the extensions");
    list[0].behind = RAW("\x30\x05\x00");
    says(X509_BAD_CRL, "revokedCertificates that are cut");
    list[0].behind = RAW("\xa0\x05\x00");
    says(X509_BAD_CRL, "extensions that are cut");
}

/* A list whose head cannot be read is not taken for one. */
static void versions(void)
{
    static char const *const wrong[] = { "\x02\x01\x02", "\x02\x01\x03", "\x02\x01\xff", "\x02\x02\x00" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        reset_lists();
        list[0].version = raw(wrong[i], 3);
        says(X509_NO_CRL, "another version");
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        reset_lists();
        list_count = 1;
        list[0].version = raw(wrong[i], 3);
        says(X509_NO_LISTS, "alone");
    }
    reset_lists();
    list[0].version = RAW("\x02\x01\x00");
    says(X509_NO_CRL, "version 1 is not written in DER");
    list_count = 1;
    says(X509_NO_LISTS, "alone");
}

static void entries(void)
{
    struct bytes const reason = tlv(DER_SEQUENCE, extension("551d15", 0, RAW("\x0a\x01\x01")));
    struct bytes const issuer = tlv(DER_SEQUENCE, extension("551d1d", 1, RAW("\x30\x00")));
    reset_lists();
    list[0].revoked = entry(6, reason);
    says(X509_OK, "a reason");
    list[0].revoked = entry(5, reason);
    says(X509_REVOKED, "a reason for the server's");
    list[0].revoked = entry(6, issuer);
    says(X509_INDIRECT_CRL, "an entry of another issuer");
    append(&list[0].revoked, entry(5, none()));
    says(X509_REVOKED, "and the server is revoked");
    list[0].revoked = both(entry(5, none()), entry(6, issuer));
    says(X509_REVOKED, "before it");
    static struct {
        char const *what;
        struct bytes bytes;
    } const rows[] = {
        { "an entry that is none", { "\x05\x00", 2 } },
        { "an empty entry", { "\x30\x00", 2 } },
        { "an entry without a serial number", { "\x30\x02\x05\x00", 4 } },
        { "an entry without a date", { "\x30\x03\x02\x01\x06", 5 } },
        { "an entry with another thing behind its date",
          { "\x30\x14\x02\x01\x06\x17\x0d" "230601000000Z" "\x05\x00", 22 } },
        { "an entry whose extensions are none",
          { "\x30\x16\x02\x01\x06\x17\x0d" "230601000000Z" "\x30\x02\x05\x00", 24 } },
        { "an entry with something behind its extensions",
          { "\x30\x16\x02\x01\x06\x17\x0d" "230601000000Z" "\x30\x00\x05\x00", 24 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        list[0].revoked = rows[i].bytes;
        says(X509_BAD_CRL, rows[i].what);
        list[0].revoked = both(entry(6, none()), rows[i].bytes);
        says(X509_BAD_CRL, "behind a good one");
    }
}

/* One good list is enough; what any revokes is revoked. */
static void several(void)
{
    for (size_t other = 0; other <= 2; other += 2) {
        size_t const good = 2 - other;
        reset_lists();
        list_count = 3;
        list[2] = list[0];
        says(X509_OK, "two good lists");
        list[other].to = text(DER_UTC_TIME, EARLIER);
        says(X509_OK, "one of them is old");
        list[good].revoked = entry(5, none());
        says(X509_REVOKED, "and the good one revokes");
        list[good].revoked = none();
        list[other] = list[good];
        list[other].revoked = entry(5, none());
        says(X509_REVOKED, "one of two good lists revokes");
    }
}

int main(void)
{
    serial_numbers();
    missing();
    times();
    signatures();
    extensions();
    versions();
    entries();
    several();
    return done_testing();
}
