/* ISC license. */

#include <string.h>

#include "x509/certificate.h"

#define VERSION_1 0
#define VERSION_3 2
#define MAX_SERIAL 20 /* RFC 5280, 4.1.2.2 */
#define MAX_EXTENSIONS 48

static unsigned const explicit_0 = DER_CONTEXT | DER_CONSTRUCTED | 0, explicit_3 = DER_CONTEXT | DER_CONSTRUCTED | 3;
static unsigned const constructed_1 = DER_CONTEXT | DER_CONSTRUCTED | 1;
static unsigned const implicit_0 = DER_CONTEXT | 0, implicit_1 = DER_CONTEXT | 1, implicit_2 = DER_CONTEXT | 2;

/* ---- values of extensions ---- */

static int parse_basic_constraints(struct certificate *cert, struct der content)
{
    struct der number;
    int is_ca;
    if (!x509_der_take_flag(&content, &is_ca)) return 0;
    cert->is_ca = is_ca != 0;
    if (!content.len) return 1;
    return is_ca && x509_der_only(content, DER_INTEGER, &number) && x509_der_natural(number, &cert->path_length);
}

/* X.690, 8.6 and 11.2: the first byte is the number of unused bits in the last byte, which must be 0. */
static int parse_key_usage(struct certificate *cert, struct der bits)
{
    if (bits.len < 2 || bits.p[0] > 7 || bits.p[bits.len - 1] & ((1u << bits.p[0]) - 1)) return 0;
    cert->key_usage = bits.p[1];
    return 1;
}

static int parse_ext_key_usage(struct certificate *cert, struct der content)
{
    static unsigned char const any[] = {0x55, 0x1d, 0x25, 0x00};
    static unsigned char const server_auth[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    static unsigned char const client_auth[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    struct der usage;
    cert->purposes = 0;
    while (content.len) {
        if (!x509_der_take(&content, DER_OID, &usage)) return 0;
        if (x509_der_is(usage, any, sizeof any)) cert->purposes = 0xff;
        if (x509_der_is(usage, server_auth, sizeof server_auth)) cert->purposes |= 1u << X509_SERVER_AUTH;
        if (x509_der_is(usage, client_auth, sizeof client_auth)) cert->purposes |= 1u << X509_CLIENT_AUTH;
    }
    return 1;
}

static int parse_alt_names(struct certificate *cert, struct der names)
{
    struct general_name name;
    (void)cert;
    while (names.len) {
        if (!x509_take_general_name(&names, &name)) return 0;
        if (name.tag == NAME_ADDRESS && name.value.len != 4 && name.value.len != 16) return 0;
    }
    return 1;
}

static int parse_name_constraints(struct certificate *cert, struct der content)
{
    return x509_der_take_optional(&content, explicit_0, &cert->permitted)
           && x509_der_take_optional(&content, constructed_1, &cert->excluded) && !content.len
           && x509_constraints_are_valid(cert->permitted) && x509_constraints_are_valid(cert->excluded);
}

static int parse_policy_constraints(struct certificate *cert, struct der content)
{
    struct der require, inhibit;
    if (!x509_der_take_optional(&content, implicit_0, &require)
        || !x509_der_take_optional(&content, implicit_1, &inhibit) || content.len)
        return 0;
    return (!require.p || x509_der_natural(require, &cert->require_explicit_policy))
           && (!inhibit.p || x509_der_natural(inhibit, &cert->inhibit_policy_mapping));
}

static int parse_authority_key_id(struct certificate *cert, struct der content)
{
    struct der ignored;
    return x509_der_take_optional(&content, implicit_0, &cert->authority_key_id)
           && x509_der_take_optional(&content, constructed_1, &ignored)
           && x509_der_take_optional(&content, implicit_2, &ignored) && !content.len;
}

static int parse_inhibit_any(struct certificate *cert, struct der content)
{
    return x509_der_natural(content, &cert->inhibit_any_policy);
}

static struct {
    unsigned char number; /* id-ce, 2.5.29 */
    unsigned char tag;
    unsigned char may_be_empty;
    int (*parse)(struct certificate *cert, struct der content); /* NULL: the value is parsed where it is used */
} const known[EXTENSIONS] = {
    [EXT_BASIC_CONSTRAINTS] = {19, DER_SEQUENCE, 1, parse_basic_constraints},
    [EXT_KEY_USAGE] = {15, DER_BIT_STRING, 0, parse_key_usage},
    [EXT_EXT_KEY_USAGE] = {37, DER_SEQUENCE, 0, parse_ext_key_usage},
    [EXT_SUBJECT_ALT_NAME] = {17, DER_SEQUENCE, 0, parse_alt_names},
    [EXT_NAME_CONSTRAINTS] = {30, DER_SEQUENCE, 0, parse_name_constraints},
    [EXT_POLICIES] = {32, DER_SEQUENCE, 0, NULL},
    [EXT_POLICY_MAPPINGS] = {33, DER_SEQUENCE, 0, NULL},
    [EXT_POLICY_CONSTRAINTS] = {36, DER_SEQUENCE, 0, parse_policy_constraints},
    [EXT_INHIBIT_ANY_POLICY] = {54, DER_INTEGER, 0, parse_inhibit_any},
    [EXT_AUTHORITY_KEY_ID] = {35, DER_SEQUENCE, 1, parse_authority_key_id},
    [EXT_SUBJECT_KEY_ID] = {14, DER_OCTET_STRING, 1, NULL},
};

static int parse_extension(struct certificate *cert, struct der oid, int critical, struct der value)
{
    enum extension e = 0;
    int const is_id_ce = oid.len == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d;
    while (e < EXTENSIONS && !(is_id_ce && oid.p[2] == known[e].number)) e++;
    if (e == EXTENSIONS) {
        cert->is_unprocessed |= critical != 0;
        return 1;
    }
    struct der *const content = &cert->extension[e];
    cert->critical |= (unsigned)critical << e;
    return x509_der_only(value, known[e].tag, content) && (content->len || known[e].may_be_empty)
           && (!known[e].parse || known[e].parse(cert, *content));
}

/* RFC 5280, 4.2: no extension may appear twice. */
static int parse_extensions(struct certificate *cert, struct der extensions)
{
    struct der seen[MAX_EXTENSIONS], value;
    int critical;
    if (!extensions.len) return 0;
    for (size_t count = 0; extensions.len; count++) {
        if (count == MAX_EXTENSIONS || !x509_take_extension(&extensions, seen + count, &critical, &value)) return 0;
        for (size_t i = 0; i < count; i++)
            if (x509_der_equal(seen[i], seen[count])) return 0;
        if (!parse_extension(cert, seen[count], critical, value)) return 0;
    }
    return 1;
}

/* ---- fields ---- */

/* DER omits the default value, version 1. */
static int take_version(struct der *tbs, unsigned *version)
{
    struct der field, number;
    *version = VERSION_1;
    if (!x509_der_take_optional(tbs, explicit_0, &field) || !field.p) return !field.p;
    return x509_der_only(field, DER_INTEGER, &number) && x509_der_natural(number, version) && *version > VERSION_1
           && *version <= VERSION_3;
}

/* A serial number may be zero or negative (RFC 5280, 4.1.2.2: "gracefully handle"). */
static int take_serial(struct der *tbs, struct der *serial)
{
    if (!x509_der_take(tbs, DER_INTEGER, serial) || !serial->len) return 0;
    return serial->len <= MAX_SERIAL || (serial->len == MAX_SERIAL + 1 && !serial->p[0]);
}

static int take_validity(struct der *tbs, struct certificate *cert)
{
    struct der validity;
    return x509_der_take(tbs, DER_SEQUENCE, &validity) && x509_take_time(&validity, &cert->not_before, &cert->is_lax)
           && x509_take_time(&validity, &cert->not_after, &cert->is_lax) && !validity.len;
}

static int take_unique_ids(struct der *tbs, unsigned version)
{
    struct der issuer, subject;
    return x509_der_take_optional(tbs, implicit_1, &issuer) && x509_der_take_optional(tbs, implicit_2, &subject)
           && ((!issuer.p && !subject.p) || version > VERSION_1);
}

static int take_extensions(struct der *tbs, unsigned version, struct certificate *cert)
{
    struct der field, extensions;
    if (!tbs->len) return 1;
    return version == VERSION_3 && x509_der_only(*tbs, explicit_3, &field)
           && x509_der_only(field, DER_SEQUENCE, &extensions) && parse_extensions(cert, extensions);
}

static int parse_tbs(struct certificate *cert, struct der tbs)
{
    unsigned version;
    return take_version(&tbs, &version) && take_serial(&tbs, &cert->serial)
           && x509_signed_take_algorithm(&cert->data, &tbs) && x509_der_take(&tbs, DER_SEQUENCE, &cert->issuer)
           && take_validity(&tbs, cert) && x509_der_take(&tbs, DER_SEQUENCE, &cert->subject)
           && x509_der_take_whole(&tbs, DER_SEQUENCE, &cert->public_key) && take_unique_ids(&tbs, version)
           && take_extensions(&tbs, version, cert);
}

/* RFC 5280 forbids these, although each part is well-formed: a CA without a name (4.1.2.6); keyCertSign or name
   constraints in a certificate that is not a CA's (4.2.1.9, 4.2.1.10); a subjectAltName that is not critical if the
   subject is empty (4.2.1.6); critical key identifiers (4.2.1.1, 4.2.1.2). */
static int is_consistent(struct certificate const *cert)
{
    unsigned const never = 1u << EXT_AUTHORITY_KEY_ID | 1u << EXT_SUBJECT_KEY_ID;
    if (!cert->issuer.len || cert->critical & never) return 0;
    if (cert->is_ca) return cert->subject.len != 0;
    if (cert->extension[EXT_NAME_CONSTRAINTS].p) return 0;
    if (cert->extension[EXT_KEY_USAGE].p && cert->key_usage & KEY_CERT_SIGN) return 0;
    return cert->subject.len || !cert->extension[EXT_SUBJECT_ALT_NAME].p || cert->critical & 1u << EXT_SUBJECT_ALT_NAME;
}

int x509_certificate_parse(struct certificate *cert, unsigned char const *bytes, size_t len)
{
    *cert = (struct certificate){
        .whole = {.p = bytes, .len = len},
        .key_usage = 0xff,
        .purposes = 0xff,
        .path_length = NO_LIMIT,
        .require_explicit_policy = NO_LIMIT,
        .inhibit_policy_mapping = NO_LIMIT,
        .inhibit_any_policy = NO_LIMIT,
    };
    if (!x509_signed_parse(cert->whole, &cert->data) || !parse_tbs(cert, cert->data.content)) return 0;
    cert->issuer_fingerprint = x509_name_fingerprint(cert->issuer);
    cert->subject_fingerprint = x509_name_fingerprint(cert->subject);
    cert->is_lax |= cert->is_ca && !(cert->critical & 1u << EXT_BASIC_CONSTRAINTS);
    cert->is_self_issued = x509_names_equal(cert->issuer, cert->subject) != 0;
    return is_consistent(cert);
}

int x509_certificate_subject(struct der head, struct der *subject)
{
    struct der ignored;
    return x509_der_enter(&head, DER_SEQUENCE) && x509_der_enter(&head, DER_SEQUENCE)
           && x509_der_take_optional(&head, explicit_0, &ignored) && x509_der_take(&head, DER_INTEGER, &ignored)
           && x509_der_take(&head, DER_SEQUENCE, &ignored) && x509_der_take(&head, DER_SEQUENCE, &ignored)
           && x509_der_take(&head, DER_SEQUENCE, &ignored) && x509_der_take(&head, DER_SEQUENCE, subject);
}

uint16_t x509_signature_scheme(struct x509_certificate const *cert)
{
    struct certificate parsed;
    struct crypto_scheme const *scheme;
    if (!x509_certificate_parse(&parsed, cert->der, cert->len) || parsed.is_self_issued) return 0;
    return x509_signed_scheme(&parsed.data, &scheme) ? 0 : scheme->id;
}
