/* ISC license. */

/* Name constraints (RFC 5280, 4.2.1.10). */

#include <string.h>
#include <strings.h>

#include "x509/certificate.h"

static unsigned char const email_address[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};

static int ends_with(struct der text, struct der end)
{
    return text.len >= end.len && !strncasecmp((char const *)text.p + text.len - end.len, (char const *)end.p, end.len);
}

static int starts_with_dot(struct der text)
{
    return text.len && text.p[0] == '.';
}

int x509_take_general_name(struct der *in, struct general_name *name)
{
    return x509_der_read(in, &name->tag, &name->value) && name->tag & DER_CONTEXT
           && (name->tag != NAME_DIRECTORY || x509_der_only(name->value, DER_SEQUENCE, &name->value));
}

/* ---- kinds of names ---- */

/* A base with a leading dot matches the hosts below it, any other base only that host. */
static int host_matches(struct der host, struct der base)
{
    if (starts_with_dot(base)) return host.len > base.len && ends_with(host, base);
    return host.len == base.len && ends_with(host, base);
}

/* Bases with a leading dot are not in the RFC, but in use: they match every name below, and when they exclude also
   the host itself. A wildcard is excluded if it could stand for an excluded name. */
static int dns_matches(struct der name, struct der base, int is_excluded)
{
    int const only_below = starts_with_dot(base) && !is_excluded;
    struct der const host = starts_with_dot(base) ? x509_der_behind(base, 1) : base;
    char const *const text = (char const *)name.p;
    if (is_excluded && name.len > 2 && !memcmp(text, "*.", 2)
        && x509_matches_wildcard(text + 2, name.len - 2, (char const *)host.p, host.len))
        return 1;
    if (!ends_with(name, host)) return 0;
    if (name.len == host.len) return !only_below;
    return !host.len || name.p[name.len - host.len - 1] == '.';
}

static int address_matches(struct der address, struct der base)
{
    if (2 * address.len != base.len) return 0;
    for (size_t i = 0; i < address.len; i++)
        if ((address.p[i] ^ base.p[i]) & base.p[address.len + i]) return 0;
    return 1;
}

/* NULL if there is no @, or more than one. */
static unsigned char const *only_at(struct der text)
{
    unsigned char const *const at = text.len ? memchr(text.p, '@', text.len) : NULL;
    return at && !memchr(at + 1, '@', (size_t)(text.p + text.len - at - 1)) ? at : NULL;
}

/* The part after the @, or all of it. */
static struct der host_part(struct der text)
{
    unsigned char const *const at = only_at(text);
    return at ? x509_der_behind(text, (size_t)(at - text.p) + 1) : text;
}

/* A base is a mailbox, a host or a domain (RFC 5280, 4.2.1.10). */
static int email_matches(struct der mailbox, struct der base)
{
    struct der const host = host_part(mailbox), base_host = host_part(base);
    size_t const local = mailbox.len - host.len, base_local = base.len - base_host.len;
    if (base_local && (local != base_local || memcmp(mailbox.p, base.p, local))) return 0;
    return host_matches(host, base_host);
}

/* The host of a URI's authority (RFC 3986, 3.2). 0 if there is none, or it is an address. */
static int uri_host(struct der uri, struct der *host)
{
    unsigned char const *const slashes = memmem(uri.p, uri.len, "://", 3);
    if (!slashes) return 0;
    *host = x509_der_behind(uri, (size_t)(slashes - uri.p) + 3);
    size_t len = 0;
    while (len < host->len && !memchr("/?#", host->p[len], 3)) len++;
    host->len = len;
    *host = host_part(*host);
    unsigned char const *const colon = memchr(host->p, ':', host->len);
    if (colon) host->len = (size_t)(colon - host->p);
    return x509_is_dns_name((char const *)host->p, host->len);
}

static int uri_matches(struct der uri, struct der base)
{
    struct der host;
    return uri_host(uri, &host) && host_matches(host, base);
}

static int matches(struct general_name const *name, struct der base, int is_excluded)
{
    switch (name->tag) {
    case NAME_EMAIL: return email_matches(name->value, base);
    case NAME_DNS: return dns_matches(name->value, base, is_excluded);
    case NAME_URI: return uri_matches(name->value, base);
    case NAME_ADDRESS: return address_matches(name->value, base);
    case NAME_DIRECTORY: return x509_name_is_within(name->value, base);
    default: return 0;
    }
}

/* ---- subtrees ---- */

/* RFC 5280 requires minimum to be 0, which DER omits, and maximum to be absent, so nothing may follow the base. */
static int take_base(struct der *subtrees, struct general_name *base)
{
    struct der subtree;
    return x509_der_take(subtrees, DER_SEQUENCE, &subtree) && x509_take_general_name(&subtree, base) && !subtree.len;
}

static int is_host(struct der text)
{
    struct der const host = starts_with_dot(text) ? x509_der_behind(text, 1) : text;
    return x509_is_dns_name((char const *)host.p, host.len);
}

static int is_valid_base(struct general_name const *base)
{
    switch (base->tag) {
    case NAME_EMAIL: return is_host(host_part(base->value));
    case NAME_DNS: return !base->value.len || is_host(base->value);
    case NAME_URI: return is_host(base->value);
    case NAME_ADDRESS: return base->value.len == 8 || base->value.len == 32;
    default: return 1;
    }
}

int x509_constraints_are_valid(struct der subtrees)
{
    struct general_name base;
    if (subtrees.p && !subtrees.len) return 0;
    while (subtrees.len)
        if (!take_base(&subtrees, &base) || !is_valid_base(&base)) return 0;
    return 1;
}

/* A name of a type that is not supported violates any constraint on that type, and so do a malformed name and a URI
   without a host. */
static int is_comparable(struct general_name const *name)
{
    struct der const value = name->value;
    struct der host;
    switch (name->tag) {
    case NAME_URI: return uri_host(value, &host);
    case NAME_EMAIL: return only_at(value) != NULL;
    case NAME_DNS: {
        int const is_wildcard = value.len > 2 && !memcmp(value.p, "*.", 2);
        return !starts_with_dot(value) && is_host(is_wildcard ? x509_der_behind(value, 2) : value);
    }
    case NAME_ADDRESS:
    case NAME_DIRECTORY: return 1;
    default: return 0;
    }
}

struct comparison {
    int is_restricted, matches; /* by subtrees of the type of the name */
};

static int compare(struct der subtrees, struct general_name const *name, int is_excluded, unsigned *budget,
                   struct comparison *result)
{
    struct general_name base;
    *result = (struct comparison){.matches = 0};
    while (subtrees.len && take_base(&subtrees, &base)) {
        if (!*budget) return 0;
        --*budget;
        if (base.tag != name->tag) continue;
        result->is_restricted = 1;
        result->matches |= is_comparable(name) ? matches(name, base.value, is_excluded) : is_excluded;
    }
    return 1;
}

static enum x509_error check_name(struct certificate const *authority, struct general_name const *name,
                                  unsigned *budget)
{
    struct comparison permitted, excluded;
    if (!compare(authority->permitted, name, 0, budget, &permitted)
        || !compare(authority->excluded, name, 1, budget, &excluded))
        return X509_TOO_MUCH_WORK;
    return (permitted.is_restricted && !permitted.matches) || excluded.matches ? X509_NAME_CONSTRAINT : X509_OK;
}

/* E-mail addresses in the subject count if there is no alternative name of that type. */
static enum x509_error check_subject_emails(struct certificate const *authority, struct der subject, unsigned *budget)
{
    struct der rdn, oid;
    struct general_name name = {.tag = NAME_EMAIL};
    enum x509_error error = X509_OK;
    unsigned tag;
    while (!error && x509_der_take(&subject, DER_SET, &rdn))
        while (!error && x509_take_attribute(&rdn, &oid, &tag, &name.value))
            if (x509_der_is(oid, email_address, sizeof email_address)) error = check_name(authority, &name, budget);
    return error;
}

enum x509_error x509_check_constraints(struct certificate const *authority, struct certificate const *cert,
                                       unsigned *budget)
{
    struct der names = cert->extension[EXT_SUBJECT_ALT_NAME];
    struct general_name name = {.tag = NAME_DIRECTORY, .value = cert->subject};
    int has_email = 0;
    enum x509_error error = cert->subject.len ? check_name(authority, &name, budget) : X509_OK;
    while (!error && x509_take_general_name(&names, &name)) {
        has_email |= name.tag == NAME_EMAIL;
        error = check_name(authority, &name, budget);
    }
    return error || has_email ? error : check_subject_emails(authority, cert->subject, budget);
}
