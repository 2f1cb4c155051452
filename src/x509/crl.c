/* ISC license. */

/*
 * Revocation by complete, direct CRLs (RFC 5280, 5 and 6.3). A list with an unsupported critical extension does not
 * prove that a certificate is good.
 */

#include "x509/bundle.h"
#include "x509/path.h"

#define VERSION_2 1

static unsigned const explicit_0 = DER_CONTEXT | DER_CONSTRUCTED | 0;

struct crl {
    struct signed_data data;
    struct der issuer, revoked; /* RevokedCertificates' content */
    int64_t this_update, next_update;
    enum x509_error unsupported; /* the error for a critical extension */
};

/* Reads the fields up to the issuer. Only a CRL of version 1 has no version field. */
static int take_head(struct signed_data *data, struct der *tbs, unsigned *version, struct der *issuer)
{
    struct der number;
    *version = 0;
    if (!x509_der_take_optional(tbs, DER_INTEGER, &number)) return 0;
    if (number.p && (!x509_der_natural(number, version) || *version != VERSION_2)) return 0;
    return x509_signed_take_algorithm(data, tbs) && x509_der_take(tbs, DER_SEQUENCE, issuer);
}

static int crl_issuer(struct der whole, struct der *issuer)
{
    struct signed_data data;
    unsigned version;
    return x509_signed_parse(whole, &data) && take_head(&data, &data.content, &version, issuer);
}

/* Extensions that are not critical do not change the meaning of a list. */
static int parse_extensions(struct der extensions, enum x509_error *unsupported)
{
    static unsigned char const delta_indicator[] = {0x55, 0x1d, 0x1b};
    struct der oid, value;
    int critical;
    while (extensions.len) {
        if (!x509_take_extension(&extensions, &oid, &critical, &value)) return 0;
        if (critical)
            *unsupported =
                x509_der_is(oid, delta_indicator, sizeof delta_indicator) ? X509_DELTA_CRL : X509_INDIRECT_CRL;
    }
    return 1;
}

static int parse(struct crl *crl, struct der whole)
{
    struct der tbs, field, extensions;
    unsigned version;
    unsigned char is_lax = 0;
    crl->unsupported = X509_OK;
    if (!x509_signed_parse(whole, &crl->data)) return 0;
    tbs = crl->data.content;
    if (!take_head(&crl->data, &tbs, &version, &crl->issuer) || !x509_take_time(&tbs, &crl->this_update, &is_lax)
        || !x509_take_time(&tbs, &crl->next_update, &is_lax) || is_lax
        || !x509_der_take_optional(&tbs, DER_SEQUENCE, &crl->revoked))
        return 0;
    if (!x509_der_take_optional(&tbs, explicit_0, &field) || tbs.len) return 0;
    if (!field.p) return 1;
    return version == VERSION_2 && x509_der_only(field, DER_SEQUENCE, &extensions)
           && parse_extensions(extensions, &crl->unsupported);
}

/* Looks a serial number up. All entries are read, because an extension of any entry may make the list unusable
   (5.3). */
static enum x509_error look_up(struct crl const *crl, struct der serial)
{
    struct der entries = crl->revoked, entry, number, extensions;
    enum x509_error unsupported = X509_OK;
    int64_t date;
    unsigned char is_lax = 0;
    int is_revoked = 0;
    while (entries.len) {
        if (!x509_der_take(&entries, DER_SEQUENCE, &entry) || !x509_der_take(&entry, DER_INTEGER, &number)
            || !x509_take_time(&entry, &date, &is_lax))
            return X509_BAD_CRL;
        if (entry.len
            && (!x509_der_only(entry, DER_SEQUENCE, &extensions) || !parse_extensions(extensions, &unsupported)))
            return X509_BAD_CRL;
        is_revoked |= x509_der_equal(number, serial);
    }
    return is_revoked ? X509_REVOKED : unsupported;
}

static enum x509_error ask(struct crl const *crl, struct certificate const *cert, struct crypto_public_key const *key,
                           int64_t now)
{
    if (crl->unsupported) return crl->unsupported;
    if (now < crl->this_update || now > crl->next_update) return X509_OLD_CRL;
    return x509_signed_check(&crl->data, key) ? X509_BAD_CRL : look_up(crl, cert->serial);
}

/* One valid list is enough, but a certificate is revoked if any valid list revokes it. */
enum x509_error x509_crl_check(struct x509_check const *check, struct certificate const *cert,
                          struct certificate const *issuer, struct crypto_public_key const *key)
{
    struct x509_bundle const *const lists = &check->crls->lists;
    enum x509_error result = X509_NO_CRL;
    if (!(issuer->key_usage & CRL_SIGN)) return X509_NO_CRL;
    for (size_t i = 0; i < lists->count; i++) {
        struct crl crl;
        if (lists->item[i].fingerprint != cert->issuer_fingerprint) continue;
        enum x509_error error = X509_BAD_CRL;
        if (parse(&crl, x509_bundle_item(lists, i, NULL, 0))) {
            if (!x509_names_equal(crl.issuer, cert->issuer)) continue;
            error = ask(&crl, cert, key, check->now);
        }
        if (error == X509_REVOKED) return error;
        if (result) result = error;
    }
    return result;
}

static struct bundle_kind const lists = {"CRL", crl_issuer, X509_NO_LISTS, 0, 0};

enum x509_error x509_crls_load(struct x509_crls *crls, char const *crldir, char const *crlfile, char const **culprit)
{
    *culprit = crldir ? crldir : crlfile;
    return x509_bundle_load(&crls->lists, &lists, crldir, crlfile);
}

void x509_crls_free(struct x509_crls *crls)
{
    x509_bundle_free(&crls->lists);
}
