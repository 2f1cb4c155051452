/* ISC license. */

/* SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). */

#include <string.h>

#include "x509/certificate.h"

static unsigned char const rsa_encryption[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static unsigned char const ec_public_key[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static unsigned char const ed25519[] = {0x2b, 0x65, 0x70};

static struct {
    uint16_t group;
    unsigned char oid_len, oid[8];
} const curves[] = {
    {CRYPTO_SECP256R1, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
    {CRYPTO_SECP384R1, 5, {0x2b, 0x81, 0x04, 0x00, 0x22}},
    {CRYPTO_SECP521R1, 5, {0x2b, 0x81, 0x04, 0x00, 0x23}},
};

/* In bytes. Longer exponents are not in use, and would make verifying a signature as expensive as signing. */
#define MAX_EXPONENT 8
#define LARGE_MODULUS 512
#define MAX_LARGE_EXPONENT 4

/* RFC 8017, A.1.1: modulus and exponent are positive. Both must be odd. */
static int take_positive(struct der *in, struct der *number)
{
    if (!x509_der_take(in, DER_INTEGER, number) || !number->len || number->p[0] & 0x80) return 0;
    while (number->len && !number->p[0]) *number = (struct der){.p = number->p + 1, .len = number->len - 1};
    return number->len && number->p[number->len - 1] & 1;
}

static enum x509_error parse_rsa(struct der parameters, struct der bits, struct crypto_public_key *key)
{
    struct der numbers, null, n, e;
    if (!x509_der_only(parameters, DER_NULL, &null) || null.len || !x509_der_only(bits, DER_SEQUENCE, &numbers)
        || !take_positive(&numbers, &n) || !take_positive(&numbers, &e) || numbers.len)
        return X509_BAD_CERTIFICATE;
    if (n.len > CRYPTO_MAX_MODULUS || e.len > (n.len > LARGE_MODULUS ? MAX_LARGE_EXPONENT : MAX_EXPONENT)
        || x509_der_is(e, "\1", 1)) return X509_WEAK_KEY;
    key->type = CRYPTO_RSA;
    key->modulus_len = n.len;
    key->exponent_len = e.len;
    memcpy(key->data, n.p, n.len);
    memcpy(key->data + n.len, e.p, e.len);
    return X509_OK;
}

/* RFC 5480, 2.1.1 and 2.2: named curves, and uncompressed points only, as in TLS. */
static enum x509_error parse_ec(struct der parameters, struct der bits, struct crypto_public_key *key)
{
    struct der curve;
    size_t i = 0;
    if (!x509_der_only(parameters, DER_OID, &curve)) return X509_UNSUPPORTED;
    while (i < sizeof curves / sizeof *curves && !x509_der_is(curve, curves[i].oid, curves[i].oid_len)) i++;
    if (i == sizeof curves / sizeof *curves) return X509_UNSUPPORTED;
    if (!crypto_point_is_reduced(curves[i].group, bits.p, bits.len)) return X509_BAD_CERTIFICATE;
    key->type = CRYPTO_EC;
    key->group = curves[i].group;
    key->point_len = bits.len;
    memcpy(key->data, bits.p, bits.len);
    return X509_OK;
}

enum x509_error x509_public_key_parse(struct certificate const *cert, struct crypto_public_key *key)
{
    struct der info, algorithm, oid, bits;
    memset(key, 0, sizeof *key);
    if (!x509_der_only(cert->public_key, DER_SEQUENCE, &info) || !x509_der_take(&info, DER_SEQUENCE, &algorithm)
        || !x509_der_take(&algorithm, DER_OID, &oid) || !x509_der_only(info, DER_BIT_STRING, &bits) || !bits.len
        || bits.p[0])
        return X509_BAD_CERTIFICATE;
    struct der const content = {.p = bits.p + 1, .len = bits.len - 1};
    if (x509_der_is(oid, rsa_encryption, sizeof rsa_encryption)) return parse_rsa(algorithm, content, key);
    if (x509_der_is(oid, ec_public_key, sizeof ec_public_key)) return parse_ec(algorithm, content, key);
    return x509_der_is(oid, ed25519, sizeof ed25519) ? X509_ED25519 : X509_UNSUPPORTED;
}

enum x509_error x509_public_key_strong(struct certificate const *cert, struct crypto_public_key *key)
{
    enum x509_error const error = x509_public_key_parse(cert, key);
    return !error && key->type == CRYPTO_RSA && key->modulus_len < X509_MIN_MODULUS ? X509_WEAK_KEY : error;
}

enum x509_error x509_public_key(struct x509_certificate const *cert, struct crypto_public_key *key)
{
    struct certificate fields;
    if (x509_certificate_parse(&fields, cert->der, cert->len)) return x509_public_key_parse(&fields, key);
    memset(key, 0, sizeof *key);
    return X509_BAD_CERTIFICATE;
}
