/* ISC license. */

#include <string.h>

#include "x509/certificate.h"

#define VERSION_3 2

static unsigned const version_tag = DER_CONTEXT | DER_CONSTRUCTED | 0;
static unsigned const issuer_unique_id_tag = DER_CONTEXT | 1;
static unsigned const subject_unique_id_tag = DER_CONTEXT | 2;
static unsigned const extensions_tag = DER_CONTEXT | DER_CONSTRUCTED | 3;

/* The version is explicit in every certificate but a v1 one. */
static int parse_version(struct der *tbs, unsigned *version)
{
    struct der field, number;
    *version = 0;
    if (!tbs->len || *tbs->p != version_tag) return 1;
    if (!der_take(tbs, version_tag, &field) || !der_only(field, DER_INTEGER, &number)) return 0;
    if (number.len != 1 || number.p[0] > VERSION_3) return 0;
    *version = number.p[0];
    return 1;
}

static int parse_extensions(struct der *tbs, unsigned version, struct der *extensions)
{
    struct der field;
    *extensions = (struct der){.p = NULL, .len = 0};
    if (!tbs->len) return 1;
    return version == VERSION_3 && der_take(tbs, extensions_tag, &field) && !tbs->len
           && der_only(field, DER_SEQUENCE, extensions);
}

static int parse_tbs(struct certificate *cert, struct der tbs, struct der *algorithm)
{
    struct der ignored;
    unsigned version;
    return parse_version(&tbs, &version) && der_take(&tbs, DER_INTEGER, &ignored)
           && der_take(&tbs, DER_SEQUENCE, algorithm) && der_take_whole(&tbs, DER_SEQUENCE, &cert->issuer)
           && der_take(&tbs, DER_SEQUENCE, &cert->validity)
           && der_take_whole(&tbs, DER_SEQUENCE, &cert->subject)
           && der_take(&tbs, DER_SEQUENCE, &cert->public_key) && der_skip_optional(&tbs, issuer_unique_id_tag)
           && der_skip_optional(&tbs, subject_unique_id_tag)
           && parse_extensions(&tbs, version, &cert->extensions);
}

int certificate_parse(struct certificate *cert, unsigned char const *bytes, size_t len)
{
    struct der content, tbs, inner, outer, signature;
    cert->whole = (struct der){.p = bytes, .len = len};
    if (!der_only(cert->whole, DER_SEQUENCE, &content)) return 0;
    if (!der_take(&content, DER_SEQUENCE, &tbs) || !der_take(&content, DER_SEQUENCE, &outer)
        || !der_only(content, DER_BIT_STRING, &signature))
        return 0;
    if (!parse_tbs(cert, tbs, &inner) || !der_equal(inner, outer)) return 0;
    return der_take(&outer, DER_OID, &cert->signature_algorithm);
}

int certificate_next_extension(struct der *extensions, struct der *oid, int *critical, struct der *value)
{
    struct der extension, flag;
    if (!der_take(extensions, DER_SEQUENCE, &extension) || !der_take(&extension, DER_OID, oid)) return 0;
    *critical = der_take(&extension, DER_BOOLEAN, &flag);
    return der_only(extension, DER_OCTET_STRING, value);
}

int certificate_extension(struct certificate const *cert, unsigned char number, struct der *value)
{
    unsigned char const wanted[] = {0x55, 0x1d, number};
    struct der rest = cert->extensions;
    int found = 0;
    while (rest.len) {
        struct der oid, content;
        int critical;
        if (!certificate_next_extension(&rest, &oid, &critical, &content)) return -1;
        if (!der_is(oid, wanted, sizeof wanted)) continue;
        if (found) return -1;
        *value = content;
        found = 1;
    }
    return found;
}

static int two_digits(unsigned char const *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Days from 1970-01-01 in the Gregorian calendar; a year begins in March, so
   that a leap day is its last one. */
static int64_t days_since_1970(int year, int month, int day)
{
    int const y = month > 2 ? year : year - 1;
    int const m = month > 2 ? month - 3 : month + 9;
    return 365 * (int64_t)y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* RFC 5280, 4.1.2.5: GMT, with seconds, no fractions. */
static int parse_time(struct der *in, int64_t *seconds)
{
    unsigned tag;
    struct der text;
    int part[6];
    if (!der_read(in, &tag, &text)) return 0;
    size_t const year_len = tag == DER_GENERALIZED_TIME ? 4 : 2;
    if ((tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) || text.len != year_len + 11) return 0;
    int const century = tag == DER_GENERALIZED_TIME ? two_digits(text.p) : 0;
    for (size_t i = 0; i < 6; i++) {
        part[i] = two_digits(text.p + year_len - 2 + 2 * i);
        if (part[i] < 0) return 0;
    }
    if (century < 0 || text.p[text.len - 1] != 'Z') return 0;
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59
        || part[5] > 60)
        return 0;
    int const base = tag == DER_GENERALIZED_TIME ? 100 * century : part[0] < 50 ? 2000 : 1900;
    *seconds =
        days_since_1970(base + part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
    return 1;
}

enum x509_error certificate_check_time(struct certificate const *cert, int64_t now)
{
    struct der validity = cert->validity;
    int64_t from, to;
    if (!parse_time(&validity, &from) || !parse_time(&validity, &to) || validity.len)
        return X509_BAD_CERTIFICATE;
    return from <= now && now <= to ? X509_OK : X509_EXPIRED;
}

enum x509_error certificate_check_signature_algorithm(struct certificate const *cert)
{
    /* 1.2.840.113549.1.1 and 1.2.840.10045.4.3; what follows names the hash */
    static unsigned char const rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01};
    static unsigned char const ecdsa[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03};
    struct der const oid = cert->signature_algorithm;
    if (oid.len == sizeof rsa + 1 && !memcmp(oid.p, rsa, sizeof rsa))
        return oid.p[sizeof rsa] >= 11 && oid.p[sizeof rsa] <= 13 ? X509_OK : X509_UNSUPPORTED;
    if (oid.len == sizeof ecdsa + 1 && !memcmp(oid.p, ecdsa, sizeof ecdsa))
        return oid.p[sizeof ecdsa] >= 2 && oid.p[sizeof ecdsa] <= 4 ? X509_OK : X509_UNSUPPORTED;
    return X509_UNSUPPORTED;
}

static int allows(struct der usage, enum x509_purpose purpose)
{
    static unsigned char const any[] = {0x55, 0x1d, 0x25, 0x00};
    static unsigned char const server_auth[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    static unsigned char const client_auth[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    return der_is(usage, any, sizeof any)
           || (purpose == X509_SERVER_AUTH && der_is(usage, server_auth, sizeof server_auth))
           || (purpose == X509_CLIENT_AUTH && der_is(usage, client_auth, sizeof client_auth));
}

enum x509_error certificate_check_purpose(struct certificate const *cert, enum x509_purpose purpose)
{
    struct der value, usages, usage;
    int allowed = 0;
    int const present = certificate_extension(cert, EXT_EXT_KEY_USAGE, &value);
    if (!present) return X509_OK;
    if (present < 0 || !der_only(value, DER_SEQUENCE, &usages) || !usages.len) return X509_BAD_CERTIFICATE;
    while (usages.len) {
        if (!der_take(&usages, DER_OID, &usage)) return X509_BAD_CERTIFICATE;
        allowed |= allows(usage, purpose);
    }
    return allowed ? X509_OK : X509_WRONG_PURPOSE;
}

uint16_t x509_signature_scheme(struct x509_certificate const *cert)
{
    /* the hashes behind the two prefixes: of RSA from 11 on, of ECDSA from 2 on */
    static uint16_t const rsa_schemes[] = {0x0401, 0x0501, 0x0601};
    static uint16_t const ecdsa_schemes[] = {0x0403, 0x0503, 0x0603};
    struct certificate parsed;
    if (!certificate_parse(&parsed, cert->der, cert->len)) return 0;
    if (der_equal(parsed.issuer, parsed.subject) || certificate_check_signature_algorithm(&parsed)) return 0;
    struct der const oid = parsed.signature_algorithm;
    unsigned const hash = oid.p[oid.len - 1];
    return hash >= 11 ? rsa_schemes[hash - 11] : ecdsa_schemes[hash - 2];
}
