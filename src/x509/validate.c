/* ISC license. */

/*
 * Validation of one path by RFC 5280, 6.1. The order of the checks is different: signatures and CRLs, which are
 * expensive, come last.
 */

#include "x509/path.h"
#include "x509/policy.h"

struct certificate const *x509_path_certificate(struct verification const *v, size_t place)
{
    return &v->cert[v->path[place]];
}

/* ---- each certificate by itself: 6.1.3 (a) (2), 6.1.4 (o), 6.1.5 (f) ---- */

static enum x509_error check_time(struct verification const *v, struct certificate const *cert)
{
    if (v->check->now < cert->not_before) return X509_NOT_YET_VALID;
    return v->check->now > cert->not_after ? X509_EXPIRED : X509_OK;
}

static enum x509_error check_itself(struct verification const *v, struct certificate const *cert)
{
    enum x509_error const error = check_time(v, cert);
    if (error) return error;
    if (cert->is_unprocessed) return X509_CRITICAL_EXTENSION;
    /* The extendedKeyUsage of a CA restricts the certificates that it may issue. */
    return cert->purposes & 1u << v->check->purpose ? X509_OK : X509_WRONG_PURPOSE;
}

/* 6.1.4 (k). A certificate of version 1 has no basicConstraints. */
enum x509_error x509_validate_candidate(struct verification const *v, struct certificate const *cert)
{
    return cert->is_ca ? check_time(v, cert) : X509_NOT_CA;
}

static enum x509_error check_end_entity(struct verification const *v, struct certificate const *cert)
{
    enum x509_error const error = check_itself(v, cert);
    return error ? error : cert->key_usage & DIGITAL_SIGNATURE ? X509_OK : X509_WRONG_KEY_USAGE;
}

enum x509_error x509_validate_directly(struct verification const *v)
{
    return check_end_entity(v, &v->cert[0]);
}

/* ---- the state of 6.1.2, from the anchor down ---- */

struct state {
    struct policies policies;
    size_t max_path_length;
};

/* 6.1.3 (b) and (c). Instead of intersecting and uniting subtrees, the constraints of each authority above are
   checked. */
static enum x509_error check_names(struct verification *v, size_t place)
{
    struct certificate const *const cert = x509_path_certificate(v, place);
    enum x509_error error = X509_OK;
    if (place && cert->is_self_issued) return X509_OK;
    for (size_t above = place + 1; !error && above <= v->depth; above++)
        error = x509_check_constraints(x509_path_certificate(v, above), cert, &v->comparisons);
    return error;
}

/* 6.1.4 (l) to (n) */
static enum x509_error prepare_next(struct state *state, struct certificate const *cert)
{
    if (!cert->is_ca) return X509_NOT_CA;
    if (!cert->is_self_issued && !state->max_path_length--) return X509_PATH_LENGTH;
    if (cert->path_length < state->max_path_length) state->max_path_length = cert->path_length;
    if (!(cert->key_usage & KEY_CERT_SIGN)) return X509_WRONG_KEY_USAGE;
    return x509_policies_prepare(&state->policies, cert);
}

/* The constraints in the anchor's certificate apply (RFC 5937, 3.2); it is not itself part of the path. */
static enum x509_error start(struct verification const *v, struct state *state, struct certificate const *anchor)
{
    x509_policies_init(&state->policies, v->depth + 1);
    state->max_path_length = v->depth + 1;
    enum x509_error error = check_itself(v, anchor);
    if (!error && anchor->extension[EXT_POLICIES].p) error = x509_policies_process(&state->policies, anchor, 0);
    return error ? error : prepare_next(state, anchor);
}

static enum x509_error process(struct verification *v, struct state *state, size_t place)
{
    struct certificate const *const cert = x509_path_certificate(v, place);
    struct crypto_scheme const *scheme;
    enum x509_error error = cert->is_lax ? X509_BAD_CERTIFICATE : x509_signed_scheme(&cert->data, &scheme);
    if (!error) error = place ? check_itself(v, cert) : check_end_entity(v, cert);
    if (!error) error = check_names(v, place);
    if (!error) error = x509_policies_process(&state->policies, cert, !place);
    if (error) return error;
    return place ? prepare_next(state, cert) : x509_policies_wrap_up(&state->policies, cert);
}

/* ---- 6.1.3 (a) (1) and (3) ---- */

static enum x509_error check_signature(struct verification *v, size_t place, struct crypto_public_key const *key)
{
    unsigned char *const verdict = &v->verdict[v->path[place]][v->path[place + 1]];
    if (*verdict == UNTRIED) {
        if (!v->signatures) return X509_TOO_MUCH_WORK;
        v->signatures--;
        *verdict = (unsigned char)x509_signed_check(&x509_path_certificate(v, place)->data, key);
    }
    return (enum x509_error)*verdict;
}

static enum x509_error check_proofs(struct verification *v, size_t *place)
{
    struct crypto_public_key key;
    enum x509_error error = X509_OK;
    for (size_t above = v->depth; !error && above; above--) {
        struct certificate const *const issuer = x509_path_certificate(v, above);
        *place = above;
        error = x509_public_key_strong(issuer, &key);
        if (error) return error;
        *place = above - 1;
        error = check_signature(v, above - 1, &key);
        if (!error && v->check->crls)
            error = x509_crl_check(v->check, x509_path_certificate(v, above - 1), issuer, &key);
    }
    return error;
}

enum x509_error x509_path_validate(struct verification *v, size_t *place)
{
    struct state state;
    *place = v->depth;
    enum x509_error error = start(v, &state, x509_path_certificate(v, v->depth));
    while (!error && *place) error = process(v, &state, --*place);
    return error ? error : check_proofs(v, place);
}
