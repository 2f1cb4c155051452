/* ISC license. */

/* What a certificate says of its key and its holder as an authority
   (RFC 5280, 4.2.1). */

#include "x509/certificate.h"

/* Gives what follows the CA flag. */
static int read_ca_flag(struct certificate const *cert, struct der *constraints)
{
    struct der value, flag;
    return certificate_extension(cert, EXT_BASIC_CONSTRAINTS, &value) == 1
           && der_only(value, DER_SEQUENCE, constraints) && der_take(constraints, DER_BOOLEAN, &flag)
           && der_is(flag, "\xff", 1);
}

int certificate_is_ca(struct certificate const *cert)
{
    struct der constraints;
    return read_ca_flag(cert, &constraints);
}

/* X.690, 8.3: not negative, in the fewest bytes. */
static int is_natural(struct der number)
{
    if (!number.len || number.p[0] & 0x80) return 0;
    return number.len == 1 || number.p[0] || number.p[1] & 0x80;
}

/* A number of more than a byte is longer than any path of ours. */
enum x509_error certificate_path_length(struct certificate const *cert, int *length)
{
    struct der constraints, number;
    *length = NO_PATH_LENGTH;
    if (!read_ca_flag(cert, &constraints)) return X509_BAD_CERTIFICATE;
    if (!constraints.len) return X509_OK;
    if (!der_only(constraints, DER_INTEGER, &number) || !is_natural(number)) return X509_BAD_CERTIFICATE;
    if (number.len == 1) *length = number.p[0];
    return X509_OK;
}

/* X.690, 8.6 and 11.2: the first byte tells how many bits of the last one are
   not used; they are 0. */
static int is_bit_string(struct der bits)
{
    if (!bits.len || bits.p[0] > 7) return 0;
    unsigned const unused = (1u << bits.p[0]) - 1;
    return bits.len == 1 ? !unused : !(bits.p[bits.len - 1] & unused);
}

enum x509_error certificate_check_key_usage(struct certificate const *cert, enum key_usage usage)
{
    struct der value, bits;
    int const present = certificate_extension(cert, EXT_KEY_USAGE, &value);
    if (!present) return X509_OK;
    if (present < 0 || !der_only(value, DER_BIT_STRING, &bits) || !is_bit_string(bits))
        return X509_BAD_CERTIFICATE;
    return bits.len > 1 && bits.p[1] & usage ? X509_OK : X509_WRONG_PURPOSE;
}

/* Policies are not heeded, but nothing follows from them for a server's name. */
static int is_heeded(struct der oid)
{
    static unsigned char const numbers[] = {EXT_KEY_USAGE, EXT_SUBJECT_ALT_NAME, EXT_BASIC_CONSTRAINTS,
                                            EXT_NAME_CONSTRAINTS, EXT_POLICIES, EXT_EXT_KEY_USAGE};
    for (size_t i = 0; i < sizeof numbers; i++) {
        unsigned char const known[] = {0x55, 0x1d, numbers[i]};
        if (der_is(oid, known, sizeof known)) return 1;
    }
    return 0;
}

enum x509_error certificate_check_critical(struct certificate const *cert)
{
    struct der rest = cert->extensions, oid, value;
    int critical;
    while (rest.len) {
        if (!certificate_next_extension(&rest, &oid, &critical, &value)) return X509_BAD_CERTIFICATE;
        if (critical && !is_heeded(oid)) return X509_UNSUPPORTED;
    }
    return X509_OK;
}
