/* ISC license. */

#include <string.h>

#include "x509/key.h"

static unsigned char const rsa_encryption[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static unsigned char const ec_public_key[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static unsigned char const prime256v1[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static unsigned char const secp384r1[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static unsigned char const secp521r1[] = {0x2b, 0x81, 0x04, 0x00, 0x23};

/* Nobody uses more; a long exponent makes each signature cost as much as a private key's. */
#define MAX_EXPONENT 8

/* BearSSL's structures are not const, though it only reads them. */
static unsigned char *unconst(unsigned char const *p)
{
    return (unsigned char *)(uintptr_t)p;
}

/* RFC 8017, A.1.1: positive integers. */
static int take_positive(struct der *in, struct der *number)
{
    if (!der_take(in, DER_INTEGER, number) || !number->len || number->p[0] & 0x80) return 0;
    while (number->len && !number->p[0]) *number = (struct der){.p = number->p + 1, .len = number->len - 1};
    return number->len != 0;
}

static enum x509_error parse_rsa(struct der bits, br_x509_pkey *key)
{
    struct der numbers, n, e;
    if (!der_only(bits, DER_SEQUENCE, &numbers) || !take_positive(&numbers, &n)
        || !take_positive(&numbers, &e) || numbers.len)
        return X509_BAD_CERTIFICATE;
    if (n.len > CRYPTO_MAX_SIGNATURE || e.len > MAX_EXPONENT) return X509_UNSUPPORTED;
    key->key_type = BR_KEYTYPE_RSA;
    key->key.rsa = (br_rsa_public_key){.n = unconst(n.p), .nlen = n.len, .e = unconst(e.p), .elen = e.len};
    return X509_OK;
}

/* RFC 5480, 2.1.1 and 2.2: named curves; uncompressed points alone, as in TLS. */
static enum x509_error parse_ec(struct der parameters, struct der bits, br_x509_pkey *key)
{
    struct der curve;
    if (!der_only(parameters, DER_OID, &curve)) return X509_UNSUPPORTED;
    int const id = der_is(curve, prime256v1, sizeof prime256v1) ? BR_EC_secp256r1
                   : der_is(curve, secp384r1, sizeof secp384r1) ? BR_EC_secp384r1
                   : der_is(curve, secp521r1, sizeof secp521r1) ? BR_EC_secp521r1
                                                                : 0;
    if (!id) return X509_UNSUPPORTED;
    if (!crypto_point_is_reduced((uint16_t)id, bits.p, bits.len)) return X509_BAD_CERTIFICATE;
    key->key_type = BR_KEYTYPE_EC;
    key->key.ec = (br_ec_public_key){.curve = id, .q = unconst(bits.p), .qlen = bits.len};
    return X509_OK;
}

enum x509_error key_parse(struct certificate const *cert, br_x509_pkey *key)
{
    struct der info = cert->public_key, algorithm, oid, bits;
    if (!der_take(&info, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid)
        || !der_only(info, DER_BIT_STRING, &bits) || !bits.len || bits.p[0])
        return X509_BAD_CERTIFICATE;
    struct der const content = {.p = bits.p + 1, .len = bits.len - 1};
    if (der_is(oid, rsa_encryption, sizeof rsa_encryption)) return parse_rsa(content, key);
    if (der_is(oid, ec_public_key, sizeof ec_public_key)) return parse_ec(algorithm, content, key);
    return X509_UNSUPPORTED;
}

static enum x509_error rsa_public(br_rsa_public_key const *from, struct crypto_public_key *to)
{
    if (from->nlen > CRYPTO_MAX_SIGNATURE || from->elen > sizeof to->data - from->nlen)
        return X509_UNSUPPORTED;
    to->type = CRYPTO_RSA;
    to->modulus_len = from->nlen;
    to->exponent_len = from->elen;
    memcpy(to->data, from->n, from->nlen);
    memcpy(to->data + from->nlen, from->e, from->elen);
    return X509_OK;
}

static enum x509_error ec_public(br_ec_public_key const *from, struct crypto_public_key *to)
{
    if (from->qlen > sizeof to->data) return X509_UNSUPPORTED;
    to->type = CRYPTO_EC;
    to->group = from->curve == BR_EC_secp256r1   ? CRYPTO_SECP256R1
                : from->curve == BR_EC_secp384r1 ? CRYPTO_SECP384R1
                                                 : 0;
    to->point_len = from->qlen;
    memcpy(to->data, from->q, from->qlen);
    return X509_OK;
}

enum x509_error key_public(br_x509_pkey const *from, struct crypto_public_key *to)
{
    memset(to, 0, sizeof *to);
    switch (from->key_type) {
    case BR_KEYTYPE_RSA: return rsa_public(&from->key.rsa, to);
    case BR_KEYTYPE_EC: return ec_public(&from->key.ec, to);
    default: return X509_UNSUPPORTED;
    }
}

enum x509_error x509_public_key(struct x509_certificate const *cert, struct crypto_public_key *key)
{
    struct certificate fields;
    br_x509_pkey parsed;
    if (!certificate_parse(&fields, cert->der, cert->len)) return X509_BAD_CERTIFICATE;
    enum x509_error const error = key_parse(&fields, &parsed);
    return error ? error : key_public(&parsed, key);
}
