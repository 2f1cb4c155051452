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

static struct der behind(struct der text, size_t len)
{
    return (struct der){.p = text.p + len, .len = text.len - len};
}

static int starts_with_dot(struct der text)
{
    return text.len && text.p[0] == '.';
}

/* ---- kinds of names ---- */

/* The host itself, or with a dot all hosts below it. */
static int host_matches(struct der host, struct der base)
{
    if (starts_with_dot(base)) return host.len > base.len && ends_with(host, base);
    return host.len == base.len && ends_with(host, base);
}

/* A base that starts with a dot is not in the RFC, but in use: whatever is below, and for exclusion the host too.
   A wildcard is excluded by what it could stand for. */
static int dns_matches(struct der name, struct der base, int is_excluded)
{
    int const only_below = starts_with_dot(base) && !is_excluded;
    struct der const host = starts_with_dot(base) ? behind(base, 1) : base;
    char const *const text = (char const *)name.p;
    if (is_excluded && name.len > 2 && !memcmp(text, "*.", 2)
        && matches_wildcard(text + 2, name.len - 2, (char const *)host.p, host.len))
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

static unsigned char const *last_at(struct der mailbox)
{
    return mailbox.len ? memrchr(mailbox.p, '@', mailbox.len) : NULL;
}

static unsigned char const *first_at(struct der mailbox)
{
    return mailbox.len ? memchr(mailbox.p, '@', mailbox.len) : NULL;
}

/* A base is a mailbox, a host or a domain (RFC 5280, 4.2.1.10). */
static int email_matches(struct der mailbox, struct der base)
{
    unsigned char const *const at = last_at(mailbox), *const base_at = last_at(base);
    if (!at) return 0;
    size_t const local = (size_t)(at - mailbox.p) + 1;
    if (!base_at) return host_matches(behind(mailbox, local), base);
    if (local != (size_t)(base_at - base.p) + 1 || memcmp(mailbox.p, base.p, local)) return 0;
    return host_matches(behind(mailbox, local), behind(base, local));
}

/* The host of a URI's authority (RFC 3986, 3.2); 0 when there is none, or it is an address. */
static int uri_host(struct der uri, struct der *host)
{
    unsigned char const *const slashes = memmem(uri.p, uri.len, "://", 3);
    if (!slashes) return 0;
    *host = behind(uri, (size_t)(slashes - uri.p) + 3);
    size_t len = 0;
    while (len < host->len && !memchr("/?#", host->p[len], 3)) len++;
    host->len = len;
    unsigned char const *const at = last_at(*host);
    if (at) *host = behind(*host, (size_t)(at - host->p) + 1);
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
    case NAME_DIRECTORY: return name_is_within(name->value, base);
    default: return 0;
    }
}

/* ---- subtrees ---- */

/* minimum is 0 by default and maximum absent: nothing else may be there. */
static int take_base(struct der *subtrees, struct general_name *base)
{
    struct der subtree;
    return der_take(subtrees, DER_SEQUENCE, &subtree) && take_general_name(&subtree, base) && !subtree.len;
}

static int is_host(struct der text)
{
    struct der const host = starts_with_dot(text) ? behind(text, 1) : text;
    return x509_is_dns_name((char const *)host.p, host.len);
}

static int is_valid_base(struct general_name const *base)
{
    unsigned char const *const at = last_at(base->value);
    switch (base->tag) {
    case NAME_EMAIL:
        if (!at) return is_host(base->value);
        return at == first_at(base->value) && is_host(behind(base->value, (size_t)(at - base->value.p) + 1));
    case NAME_DNS: return !base->value.len || is_host(base->value);
    case NAME_URI: return is_host(base->value);
    case NAME_ADDRESS: return base->value.len == 8 || base->value.len == 32;
    default: return 1;
    }
}

int constraints_are_valid(struct der subtrees)
{
    struct general_name base;
    if (subtrees.p && !subtrees.len) return 0;
    while (subtrees.len)
        if (!take_base(&subtrees, &base) || !is_valid_base(&base)) return 0;
    return 1;
}

/* Of the types that we cannot compare, each name is one that violates. So does a name that is not what its type
   says, and a URI without a host. */
static int is_comparable(struct general_name const *name)
{
    struct der const value = name->value;
    struct der host;
    switch (name->tag) {
    case NAME_URI: return uri_host(value, &host);
    case NAME_EMAIL: return last_at(value) && last_at(value) == first_at(value);
    case NAME_DNS: {
        int const is_wildcard = value.len > 2 && !memcmp(value.p, "*.", 2);
        return !starts_with_dot(value) && is_host(is_wildcard ? behind(value, 2) : value);
    }
    case NAME_ADDRESS:
    case NAME_DIRECTORY: return 1;
    default: return 0;
    }
}

struct constraints {
    struct der permitted, excluded;
    unsigned *budget;
};

static enum x509_error check_name(struct constraints const *constraints, struct general_name const *name)
{
    struct general_name base;
    int is_restricted = 0, is_permitted = 0, is_excluded = 0;
    for (struct der rest = constraints->permitted; rest.len && take_base(&rest, &base);) {
        if (!*constraints->budget) return X509_TOO_MUCH_WORK;
        --*constraints->budget;
        if (base.tag != name->tag) continue;
        is_restricted = 1;
        is_permitted |= is_comparable(name) && matches(name, base.value, 0);
    }
    for (struct der rest = constraints->excluded; rest.len && take_base(&rest, &base);) {
        if (!*constraints->budget) return X509_TOO_MUCH_WORK;
        --*constraints->budget;
        if (base.tag == name->tag) is_excluded |= !is_comparable(name) || matches(name, base.value, 1);
    }
    return (is_restricted && !is_permitted) || is_excluded ? X509_NAME_CONSTRAINT : X509_OK;
}

/* Without an alternative name of that type addresses in the subject count. */
static enum x509_error check_subject_emails(struct constraints const *constraints, struct der subject)
{
    struct der rdn, oid;
    struct general_name name = {.tag = NAME_EMAIL};
    enum x509_error error = X509_OK;
    unsigned tag;
    while (!error && der_take(&subject, DER_SET, &rdn))
        while (!error && take_attribute(&rdn, &oid, &tag, &name.value))
            if (der_is(oid, email_address, sizeof email_address)) error = check_name(constraints, &name);
    return error;
}

enum x509_error check_constraints(struct certificate const *authority, struct certificate const *cert, unsigned *budget)
{
    struct constraints const constraints = {authority->permitted, authority->excluded, budget};
    struct der names = cert->alt_names;
    struct general_name name;
    int has_email = 0;
    enum x509_error error = X509_OK;
    if (cert->subject.len) {
        name = (struct general_name){.tag = NAME_DIRECTORY, .value = cert->subject};
        error = check_name(&constraints, &name);
    }
    while (!error && take_general_name(&names, &name)) {
        has_email |= name.tag == NAME_EMAIL;
        error = check_name(&constraints, &name);
    }
    return error || has_email ? error : check_subject_emails(&constraints, cert->subject);
}
