/* ISC license. */

/*
 * The search for a path (RFC 4158): from the end entity up, depth first, anchors before certificates that were sent,
 * and issuers with the right key identifier before others. The search is bounded, because an attacker may have sent the
 * chain.
 */

#include <stdio.h>
#include <string.h>

#include "x509/bundle.h"
#include "x509/path.h"

#define MAX_STEPS 1000
#define MAX_SIGNATURES 24
#define MAX_COMPARISONS 250000 /* of a name with a name constraint */

static void note(struct verification *v, enum rank rank, enum x509_error error, struct der culprit)
{
    if (rank <= v->rank) return;
    v->rank = rank;
    v->error = error;
    v->culprit = culprit;
}

/* ---- anchors ---- */

static int is_known(struct verification const *v, struct der whole)
{
    for (size_t i = v->sent; i < v->count; i++)
        if (x509_der_equal(v->cert[i].whole, whole)) return 1;
    return 0;
}

static struct der anchor(struct verification *v, size_t index)
{
    return x509_bundle_item(&v->check->trust->certificates, index, v->room + v->room_used,
                            sizeof v->room - v->room_used);
}

/* The decoded bytes are kept if the anchor is used or named in an error. */
static void add_anchor(struct verification *v, struct der whole, struct der name)
{
    struct certificate *const cert = &v->cert[v->count];
    struct der subject;
    if (v->count - v->sent == MAX_ANCHORS || !whole.p || is_known(v, whole)) return;
    if (!x509_certificate_subject(whole, &subject) || !x509_names_equal(subject, name)) return;
    if (x509_certificate_parse(cert, whole.p, whole.len)) v->count++;
    else note(v, RANK_CANDIDATE, X509_BAD_CERTIFICATE, whole);
    if (whole.p == v->room + v->room_used) v->room_used += whole.len;
}

static void add_issuing_anchors(struct verification *v, struct certificate const *cert)
{
    struct x509_bundle const *const bundle = &v->check->trust->certificates;
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->item[i].fingerprint == cert->issuer_fingerprint) add_anchor(v, anchor(v, i), cert->issuer);
}

static int is_trusted_itself(struct verification *v)
{
    struct x509_bundle const *const bundle = &v->check->trust->certificates;
    struct certificate const *const cert = &v->cert[0];
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->item[i].fingerprint == cert->subject_fingerprint && x509_der_equal(anchor(v, i), cert->whole))
            return 1;
    return 0;
}

/* ---- the search ---- */

static int extend(struct verification *v);

static int is_in_path(struct verification const *v, size_t index)
{
    for (size_t i = 0; i < v->depth; i++)
        if (v->path[i] == index) return 1;
    return 0;
}

static int key_ids_fit(struct certificate const *issuer, struct certificate const *cert)
{
    struct der const id = issuer->extension[EXT_SUBJECT_KEY_ID];
    return !id.p || !cert->authority_key_id.p || x509_der_equal(id, cert->authority_key_id);
}

static int has_name_of_issuer(struct certificate const *issuer, struct certificate const *cert)
{
    return issuer->subject_fingerprint == cert->issuer_fingerprint && x509_names_equal(issuer->subject, cert->issuer);
}

static int complete(struct verification *v)
{
    size_t place;
    enum x509_error const error = x509_path_validate(v, &place);
    if (error) note(v, RANK_PATH, error, x509_path_certificate(v, place)->whole);
    return !error;
}

static int try_issuer(struct verification *v, size_t index)
{
    enum x509_error const error = x509_validate_candidate(v, &v->cert[index]);
    if (error) {
        note(v, RANK_CANDIDATE, error, v->cert[index].whole);
        return 0;
    }
    v->path[v->depth] = index;
    if (index >= v->sent) return complete(v);
    if (v->depth == X509_MAX_PATH) {
        note(v, RANK_CANDIDATE, X509_TOO_BIG, v->cert[index].whole);
        return 0;
    }
    v->depth++;
    int const found = extend(v);
    v->depth--;
    return found;
}

/* Anchors come after the certificates that were sent. */
static int extend(struct verification *v)
{
    struct certificate const *const last = x509_path_certificate(v, v->depth - 1);
    int tried = 0;
    add_issuing_anchors(v, last);
    for (int fits = 1; fits >= 0; fits--)
        for (size_t i = v->count; --i;) {
            if (is_in_path(v, i) || !has_name_of_issuer(&v->cert[i], last)) continue;
            if (key_ids_fit(&v->cert[i], last) != fits) continue;
            if (!v->steps) return 0;
            v->steps--;
            tried = 1;
            if (try_issuer(v, i)) return 1;
        }
    if (!tried) note(v, RANK_DEAD_END, X509_UNKNOWN_CA, last->whole);
    return 0;
}

static enum x509_error search(struct verification *v)
{
    v->path[0] = 0;
    v->depth = 1;
    if (is_trusted_itself(v)) {
        enum x509_error const error = x509_validate_directly(v);
        if (error) note(v, RANK_PATH, error, v->cert[0].whole);
        return error;
    }
    if (extend(v)) return X509_OK;
    if (!v->steps) note(v, RANK_PATH, X509_TOO_MUCH_WORK, v->cert[0].whole);
    return v->error;
}

/* ---- the chain ---- */

static int is_repeated(struct verification const *v, struct der whole)
{
    for (size_t i = 0; i < v->sent; i++)
        if (x509_der_equal(v->cert[i].whole, whole)) return 1;
    return 0;
}

/* A malformed certificate is ignored unless it is the end entity's. */
static enum x509_error parse_chain(struct verification *v)
{
    struct x509_chain const *const chain = v->chain;
    if (!chain->count) return X509_NO_CERTIFICATE;
    if (chain->count > X509_MAX_CERTIFICATES) return X509_TOO_BIG;
    for (size_t i = 0; i < chain->count; i++) {
        struct der const whole = {.p = chain->cert[i].der, .len = chain->cert[i].len};
        if (is_repeated(v, whole)) continue;
        if (x509_certificate_parse(&v->cert[v->sent], whole.p, whole.len)) v->sent++;
        else if (!i) return X509_BAD_CERTIFICATE;
    }
    v->count = v->sent;
    return X509_OK;
}

static enum x509_error verify(struct verification *v, struct crypto_public_key *key)
{
    struct x509_check const *const check = v->check;
    enum x509_error error = parse_chain(v);
    v->culprit = (struct der){.p = v->chain->cert[0].der, .len = v->chain->count ? v->chain->cert[0].len : 0};
    if (!error) error = x509_public_key_strong(&v->cert[0], key);
    if (!error && check->pins && !x509_pins_have(check->pins, &v->cert[0])) error = X509_WRONG_PIN;
    if (error || !check->trust) return error;
    error = search(v);
    if (error) return error;
    v->culprit = v->cert[0].whole;
    return check->name ? x509_check_identity(&v->cert[0], check->name) : X509_OK;
}

/* ---- who is to blame ---- */

static void describe(struct verification const *v, char culprit[X509_MAX_CULPRIT])
{
    struct x509_certificate const cert = {.der = v->culprit.p, .len = v->culprit.len};
    char subject[X509_MAX_CULPRIT - 32];
    size_t i = 0;
    if (!cert.len) {
        *culprit = 0;
        return;
    }
    x509_subject(&cert, subject, sizeof subject);
    while (i < v->chain->count && v->chain->cert[i].der != cert.der) i++;
    if (i == v->chain->count) snprintf(culprit, X509_MAX_CULPRIT, "trust anchor (%s)", subject);
    else
        snprintf(culprit, X509_MAX_CULPRIT, "certificate %hhu of %hhu (%s)", (unsigned char)(i + 1),
                 (unsigned char)v->chain->count, subject);
}

enum x509_error x509_verify(struct x509_chain const *chain, struct x509_check const *check,
                            struct crypto_public_key *key, char culprit[X509_MAX_CULPRIT])
{
    struct verification v;
    v.chain = chain;
    v.check = check;
    v.sent = v.count = v.room_used = 0;
    v.steps = MAX_STEPS;
    v.signatures = MAX_SIGNATURES;
    v.comparisons = MAX_COMPARISONS;
    memset(v.verdict, UNTRIED, sizeof v.verdict);
    v.error = X509_OK;
    v.rank = RANK_NONE;
    enum x509_error const error = verify(&v, key);
    if (error) memset(key, 0, sizeof *key);
    if (!error) v.culprit.len = 0;
    if (culprit) describe(&v, culprit);
    return error;
}
