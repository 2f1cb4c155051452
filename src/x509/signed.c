/* ISC license. */

/* Signatures of certificates and CRLs (RFC 3279, RFC 4055, RFC 5758), and other fields that both have. */

#include <string.h>

#include "x509/certificate.h"

int x509_signed_parse(struct der whole, struct signed_data *data)
{
    struct der content, bits;
    if (!x509_der_only(whole, DER_SEQUENCE, &content) || !x509_der_take_whole(&content, DER_SEQUENCE, &data->tbs)
        || !x509_der_only(data->tbs, DER_SEQUENCE, &data->content)
        || !x509_der_take(&content, DER_SEQUENCE, &data->algorithm) || !x509_der_only(content, DER_BIT_STRING, &bits)
        || !bits.len || bits.p[0])
        return 0;
    data->signature = (struct der){.p = bits.p + 1, .len = bits.len - 1};
    return 1;
}

int x509_signed_take_algorithm(struct signed_data const *data, struct der *tbs)
{
    struct der inner;
    return x509_der_take(tbs, DER_SEQUENCE, &inner) && x509_der_equal(inner, data->algorithm);
}

/* ---- algorithms ---- */

static unsigned char const null[] = {0x05, 0x00};

/* hashAlgorithm, whose parameters may be NULL or absent (RFC 4055, 2.1). */
static int parse_hash(struct der algorithm, enum crypto_hash *hash)
{
    static unsigned char const sha2[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
    struct der oid;
    if (!x509_der_take(&algorithm, DER_OID, &oid) || (algorithm.len && !x509_der_is(algorithm, null, sizeof null)))
        return 0;
    if (oid.len != sizeof sha2 + 1 || memcmp(oid.p, sha2, sizeof sha2)) return 0;
    *hash = (enum crypto_hash)(CRYPTO_SHA256 + oid.p[sizeof sha2] - 1);
    return oid.p[sizeof sha2] >= 1 && oid.p[sizeof sha2] <= 3;
}

/* RFC 4055, 3.1, restricted as in RFC 8446, 4.2.3: MGF1 with the same hash, and a salt of the length of the hash. */
static int parse_pss(struct der parameters, enum crypto_hash *hash)
{
    static unsigned char const mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
    struct der fields, field, inner, oid;
    enum crypto_hash mask_hash;
    unsigned salt;
    if (!x509_der_only(parameters, DER_SEQUENCE, &fields) || !x509_der_take(&fields, 0xa0, &field)
        || !x509_der_only(field, DER_SEQUENCE, &inner) || !parse_hash(inner, hash))
        return 0;
    if (!x509_der_take(&fields, 0xa1, &field) || !x509_der_only(field, DER_SEQUENCE, &inner)
        || !x509_der_take(&inner, DER_OID, &oid) || !x509_der_is(oid, mgf1, sizeof mgf1)
        || !x509_der_only(inner, DER_SEQUENCE, &field) || !parse_hash(field, &mask_hash))
        return 0;
    if (!x509_der_take(&fields, 0xa2, &field) || !x509_der_only(field, DER_INTEGER, &inner)
        || !x509_der_natural(inner, &salt))
        return 0;
    return !fields.len && mask_hash == *hash && salt == crypto_hash_size(*hash);
}

/* By SignatureScheme (RFC 8446, 4.2.3). The parameters of PKCS#1 v1.5 are NULL, but some issuers omit them. */
static struct algorithm {
    uint16_t scheme;
    unsigned char may_have_null, oid_len, oid[9];
} const algorithms[] = {
    {0x0403, 0, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}},
    {0x0503, 0, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}},
    {0x0603, 0, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}},
    {0x0401, 1, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}},
    {0x0501, 1, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c}},
    {0x0601, 1, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d}},
};

enum x509_error x509_signed_scheme(struct signed_data const *data, struct crypto_scheme const **scheme)
{
    static unsigned char const pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
    static unsigned char const ed25519[] = {0x2b, 0x65, 0x70};
    struct der parameters = data->algorithm, oid;
    enum crypto_hash hash;
    if (!x509_der_take(&parameters, DER_OID, &oid)) return X509_BAD_CERTIFICATE;
    if (x509_der_is(oid, pss, sizeof pss)) {
        if (!parse_pss(parameters, &hash)) return X509_UNSUPPORTED;
        *scheme = crypto_scheme_by_id((uint16_t)(0x0804 + hash));
        return X509_OK;
    }
    for (struct algorithm const *a = algorithms; a < algorithms + sizeof algorithms / sizeof *a; a++) {
        if (!x509_der_is(oid, a->oid, a->oid_len)) continue;
        *scheme = crypto_scheme_by_id(a->scheme);
        return !parameters.len || (a->may_have_null && x509_der_is(parameters, null, sizeof null)) ? X509_OK
                                                                                             : X509_BAD_CERTIFICATE;
    }
    return x509_der_is(oid, ed25519, sizeof ed25519) ? X509_ED25519 : X509_UNSUPPORTED;
}

enum x509_error x509_signed_check(struct signed_data const *data, struct crypto_public_key const *key)
{
    unsigned char digest[CRYPTO_MAX_HASH];
    struct crypto_scheme const *scheme;
    enum x509_error const error = x509_signed_scheme(data, &scheme);
    if (error) return error;
    crypto_hash(scheme->hash, data->tbs.p, data->tbs.len, digest);
    return crypto_verify(key, scheme, digest, data->signature.p, data->signature.len) ? X509_OK : X509_BAD_SIGNATURE;
}

/* ---- times ---- */

static int two_digits(unsigned char const *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is the last
   day. */
static int64_t days_since_1970(int year, int month, int day)
{
    int const y = month > 2 ? year : year - 1;
    int const m = month > 2 ? month - 3 : month + 9;
    return 365 * (int64_t)y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int days_of_month(int year, int month)
{
    return (int)(days_since_1970(month < 12 ? year : year + 1, month % 12 + 1, 1) - days_since_1970(year, month, 1));
}

/* Both forms must be in GMT, with seconds and without fractions. */
int x509_take_time(struct der *in, int64_t *seconds, unsigned char *is_lax)
{
    unsigned tag;
    struct der text;
    int part[6];
    if (!x509_der_read(in, &tag, &text)) return 0;
    int const is_general = tag == DER_GENERALIZED_TIME;
    size_t const year_len = is_general ? 4 : 2;
    if ((!is_general && tag != DER_UTC_TIME) || text.len != year_len + 11 || text.p[text.len - 1] != 'Z') return 0;
    for (size_t i = 0; i < 6; i++) {
        part[i] = two_digits(text.p + year_len - 2 + 2 * i);
        if (part[i] < 0) return 0;
    }
    int const century = is_general ? two_digits(text.p) : part[0] < 50 ? 20 : 19;
    int const year = 100 * century + part[0];
    *is_lax |= is_general && year < 2050;
    if (century < 0 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > days_of_month(year, part[1])
        || part[3] > 23 || part[4] > 59 || part[5] > 59)
        return 0;
    *seconds = days_since_1970(year, part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
    return 1;
}

int x509_take_extension(struct der *extensions, struct der *oid, int *critical, struct der *value)
{
    struct der extension;
    return x509_der_take(extensions, DER_SEQUENCE, &extension) && x509_der_take(&extension, DER_OID, oid)
           && x509_der_take_flag(&extension, critical) && x509_der_only(extension, DER_OCTET_STRING, value);
}
