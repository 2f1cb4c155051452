/* ISC license. */

#include "x509/policy.h"

static unsigned char const any_policy[] = {0x55, 0x1d, 0x20, 0x00};

void x509_policies_init(struct policies *policies, size_t certificates)
{
    unsigned const unlimited = (unsigned)certificates + 1;
    policies->count = 0;
    policies->has_any = 1;
    policies->explicit_policy = policies->policy_mapping = policies->inhibit_any_policy = unlimited;
}

static int has(struct policies const *policies, struct der policy)
{
    for (size_t i = 0; i < policies->count; i++)
        if (x509_der_equal(policies->expected[i], policy)) return 1;
    return 0;
}

/* Adds a policy unless it is there already. */
static int add(struct policies *policies, struct der policy)
{
    if (has(policies, policy)) return 1;
    if (policies->count == MAX_POLICIES) return 0;
    policies->expected[policies->count++] = policy;
    return 1;
}

/* PolicyInformation. The qualifiers are not processed. */
static int take_policy(struct der *infos, struct der *policy)
{
    struct der info, qualifiers;
    return x509_der_take(infos, DER_SEQUENCE, &info) && x509_der_take(&info, DER_OID, policy)
           && (!info.len || x509_der_only(info, DER_SEQUENCE, &qualifiers));
}

/* (d) (1) and (2): the policies of the certificate that are expected are valid. */
static enum x509_error take_policies(struct policies const *parent, struct der infos, int accepts_any,
                                     struct policies *valid)
{
    struct der policy;
    int is_any = 0;
    while (infos.len) {
        if (!take_policy(&infos, &policy)) return X509_BAD_CERTIFICATE;
        if (x509_der_is(policy, any_policy, sizeof any_policy)) is_any = 1;
        else if ((parent->has_any || has(parent, policy)) && !add(valid, policy)) return X509_TOO_MUCH_WORK;
    }
    if (!is_any || !accepts_any) return X509_OK;
    valid->has_any = parent->has_any;
    for (size_t i = 0; i < parent->count; i++)
        if (!add(valid, parent->expected[i])) return X509_TOO_MUCH_WORK;
    return X509_OK;
}

static int is_empty(struct policies const *policies)
{
    return !policies->count && !policies->has_any;
}

enum x509_error x509_policies_process(struct policies *policies, struct certificate const *cert, int is_last)
{
    struct policies valid = *policies;
    struct der const infos = cert->extension[EXT_POLICIES];
    enum x509_error error = X509_OK;
    int const accepts_any = policies->inhibit_any_policy || (!is_last && cert->is_self_issued);
    valid.count = valid.has_any = 0;
    if (infos.p) error = take_policies(policies, infos, accepts_any, &valid);
    *policies = valid;
    return !error && is_empty(policies) && !policies->explicit_policy ? X509_POLICY : error;
}

/* 6.1.4 (a): neither policy of a pair may be anyPolicy. */
static int take_mapping(struct der *mappings, struct der *from, struct der *to)
{
    struct der pair;
    return x509_der_take(mappings, DER_SEQUENCE, &pair) && x509_der_take(&pair, DER_OID, from)
           && x509_der_only(pair, DER_OID, to) && !x509_der_is(*from, any_policy, sizeof any_policy)
           && !x509_der_is(*to, any_policy, sizeof any_policy);
}

static int is_mapped(struct der mappings, struct der policy)
{
    struct der from, to;
    while (take_mapping(&mappings, &from, &to))
        if (x509_der_equal(from, policy)) return 1;
    return 0;
}

/* (b): policies are replaced by those that they are mapped to, or deleted if mapping is inhibited. */
static enum x509_error map(struct policies *policies, struct der mappings)
{
    struct policies next = *policies;
    struct der from, to;
    next.count = 0;
    for (size_t i = 0; i < policies->count; i++)
        if (!is_mapped(mappings, policies->expected[i])) add(&next, policies->expected[i]);
    while (mappings.len) {
        if (!take_mapping(&mappings, &from, &to)) return X509_BAD_CERTIFICATE;
        if (!policies->policy_mapping || !(policies->has_any || has(policies, from))) continue;
        if (!add(&next, to)) return X509_TOO_MUCH_WORK;
    }
    *policies = next;
    return X509_OK;
}

static void count_down(unsigned *counter)
{
    if (*counter) --*counter;
}

static void limit(unsigned *counter, unsigned value)
{
    if (value < *counter) *counter = value;
}

enum x509_error x509_policies_prepare(struct policies *policies, struct certificate const *cert)
{
    enum x509_error const error = map(policies, cert->extension[EXT_POLICY_MAPPINGS]);
    if (error) return error;
    if (!cert->is_self_issued) {
        count_down(&policies->explicit_policy);
        count_down(&policies->policy_mapping);
        count_down(&policies->inhibit_any_policy);
    }
    limit(&policies->explicit_policy, cert->require_explicit_policy);
    limit(&policies->policy_mapping, cert->inhibit_policy_mapping);
    limit(&policies->inhibit_any_policy, cert->inhibit_any_policy);
    return X509_OK;
}

enum x509_error x509_policies_wrap_up(struct policies *policies, struct certificate const *cert)
{
    count_down(&policies->explicit_policy);
    if (!cert->require_explicit_policy) policies->explicit_policy = 0;
    return is_empty(policies) && !policies->explicit_policy ? X509_POLICY : X509_OK;
}
