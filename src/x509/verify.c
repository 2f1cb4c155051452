/* ISC license. */

/*
 * Path validation (RFC 5280, 6). BearSSL's engine verifies one path at a time:
 * signatures, validity, CA flag, path length, keyCertSign, critical extensions.
 *
 * What it does not do is done here: building the path, as a peer may send
 * superfluous certificates and in any order; extendedKeyUsage, which an
 * intermediate CA may restrict, too; keyUsage and names of the end entity;
 * extensions that are there twice; keys that would cost much; what binds an
 * anchor, to the engine a name and a key alone; and certificates with name
 * constraints are refused.
 *
 * What nobody does: revocation, certificate policies; and names are compared
 * byte by byte. An extendedKeyUsage that is critical is refused by BearSSL.
 */

#include <bearssl.h>
#include <string.h>
#include <time.h>

#include "x509/anchor.h"
#include "x509/key.h"

#define MAX_PATH 10
#define MAX_SIGNATURES 12   /* certificates given to the engine, for all paths */
#define MAX_STEPS 512       /* of the search */
#define DAYS_TO_1970 719528 /* from year 0, where BearSSL starts */

struct verification {
    struct certificate cert[X509_MAX_CERTIFICATES]; /* those that parse, end-entity first */
    size_t count;
    struct anchors anchors;
    enum x509_purpose purpose;
    int64_t now;
    struct crypto_public_key *key;

    size_t path[MAX_PATH]; /* indices into cert */
    size_t depth;
    size_t next[MAX_PATH]; /* the first issuer not tried yet, by place in the path */
    size_t signatures;
    enum x509_error error; /* of the first path that failed */
};

static void init_engine(br_x509_minimal_context *engine, br_x509_trust_anchor const *anchors, size_t count,
                        int64_t now)
{
    br_x509_minimal_init(engine, &br_sha256_vtable, anchors, count);
    br_x509_minimal_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
    br_x509_minimal_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
    br_x509_minimal_set_rsa(engine, br_rsa_pkcs1_vrfy_get_default());
    br_x509_minimal_set_ecdsa(engine, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
    br_x509_minimal_set_minrsa(engine, KEY_MIN_RSA_BYTES);
    br_x509_minimal_set_time(engine, (uint32_t)(now / 86400 + DAYS_TO_1970), (uint32_t)(now % 86400));
}

static struct certificate const *last_of_path(struct verification const *v)
{
    return &v->cert[v->path[v->depth - 1]];
}

static enum x509_error run_engine(struct verification *v)
{
    br_x509_trust_anchor anchors[MAX_ANCHORS];
    br_x509_minimal_context engine;
    size_t const count = anchors_for_path(&v->anchors, last_of_path(v), v->depth - 1, anchors);
    if (!count) return X509_WRONG_PURPOSE;
    v->signatures += v->depth;
    if (v->signatures > MAX_SIGNATURES) return X509_UNKNOWN_CA;
    init_engine(&engine, anchors, count, v->now);
    br_x509_class const **const context = &engine.vtable;
    engine.vtable->start_chain(context, NULL);
    for (size_t i = 0; i < v->depth; i++) {
        struct der const der = v->cert[v->path[i]].whole;
        engine.vtable->start_cert(context, (uint32_t)der.len);
        engine.vtable->append(context, der.p, der.len);
        engine.vtable->end_cert(context);
    }
    unsigned const error = engine.vtable->end_chain(context);
    if (error) return x509_error_of((int)error);
    return key_public(engine.vtable->get_pkey(context, NULL), v->key);
}

/* The engine takes the last one of two extensions, others may take the first. */
static enum x509_error check_single(struct certificate const *cert)
{
    static unsigned char const numbers[] = {EXT_KEY_USAGE, EXT_BASIC_CONSTRAINTS, EXT_EXT_KEY_USAGE};
    struct der value;
    for (size_t i = 0; i < sizeof numbers; i++)
        if (certificate_extension(cert, numbers[i], &value) < 0) return X509_BAD_CERTIFICATE;
    return X509_OK;
}

static enum x509_error check_key(struct certificate const *cert)
{
    br_x509_pkey key;
    return key_parse(cert, &key);
}

static enum x509_error check_issuer(struct certificate const *cert, enum x509_purpose purpose)
{
    struct der value;
    enum x509_error error = check_single(cert);
    if (!error) error = check_key(cert);
    if (!error) error = certificate_check_key_usage(cert, KEY_CERT_SIGN);
    if (!error && certificate_extension(cert, EXT_NAME_CONSTRAINTS, &value)) error = X509_UNSUPPORTED;
    if (!error) error = certificate_check_signature_algorithm(cert);
    return error ? error : certificate_check_purpose(cert, purpose);
}

/* A directly trusted certificate needs no signature. */
static enum x509_error check_end_entity(struct verification const *v)
{
    struct certificate const *const cert = &v->cert[0];
    enum x509_error error = check_single(cert);
    if (!error) error = check_key(cert);
    if (error || anchors_have_end_entity(&v->anchors)) return error;
    return certificate_check_signature_algorithm(cert);
}

static enum x509_error verify_path(struct verification *v)
{
    enum x509_error error = check_end_entity(v);
    for (size_t i = 1; !error && i < v->depth; i++) error = check_issuer(&v->cert[v->path[i]], v->purpose);
    return error ? error : run_engine(v);
}

static int is_complete(struct verification const *v)
{
    if (v->depth == 1 && anchors_have_end_entity(&v->anchors)) return 1;
    return anchors_have_issuer(&v->anchors, last_of_path(v));
}

static int is_in_path(struct verification const *v, size_t index)
{
    for (size_t i = 0; i < v->depth; i++)
        if (v->path[i] == index) return 1;
    return 0;
}

static int push(struct verification *v, size_t index)
{
    v->path[v->depth] = index;
    v->next[v->depth] = 1;
    v->depth++;
    if (!is_complete(v)) return 0;
    enum x509_error const error = verify_path(v);
    if (error && !v->error) v->error = error;
    return !error;
}

/* An issuer of the path's last certificate that was not tried, or count. */
static size_t next_issuer(struct verification *v)
{
    struct certificate const *const last = last_of_path(v);
    size_t i = v->depth < MAX_PATH ? v->next[v->depth - 1] : v->count;
    while (i < v->count && (is_in_path(v, i) || !der_equal(v->cert[i].subject, last->issuer))) i++;
    v->next[v->depth - 1] = i + 1;
    return i;
}

/* Depth first, in the order sent; the shortest path that reaches an anchor
   comes first, and a well-made chain needs no other. */
static enum x509_error search(struct verification *v)
{
    if (push(v, 0)) return X509_OK;
    for (unsigned steps = 0; v->depth && v->signatures < MAX_SIGNATURES && steps < MAX_STEPS; steps++) {
        size_t const issuer = next_issuer(v);
        if (issuer >= v->count) v->depth--;
        else if (push(v, issuer)) return X509_OK;
    }
    if (v->error) return v->error;
    return v->anchors.rejected ? v->anchors.rejected : X509_UNKNOWN_CA;
}

static enum x509_error parse_chain(struct verification *v, struct x509_chain const *chain)
{
    if (!chain->count) return X509_NO_CERTIFICATE;
    if (chain->count > X509_MAX_CERTIFICATES) return X509_TOO_BIG;
    for (size_t i = 0; i < chain->count; i++) {
        if (certificate_parse(&v->cert[v->count], chain->cert[i].der, chain->cert[i].len)) v->count++;
        else if (!i) return X509_BAD_CERTIFICATE;
    }
    return X509_OK;
}

static enum x509_error find_path(struct verification *v, struct x509_trust const *trust)
{
    struct wanted wanted = {.count = v->count, .now = v->now, .purpose = v->purpose};
    for (size_t i = 0; i < v->count; i++) wanted.cert[i] = &v->cert[i];
    enum x509_error error = anchors_collect(&v->anchors, trust, &wanted);
    if (!error) error = search(v);
    anchors_free(&v->anchors);
    return error;
}

enum x509_error x509_verify(struct x509_chain const *chain, struct x509_trust const *trust,
                            enum x509_purpose purpose, char const *name, struct crypto_public_key *key)
{
    struct verification v;
    v.count = v.depth = v.signatures = 0;
    v.error = X509_OK;
    v.purpose = purpose;
    v.now = time(NULL);
    v.key = key;
    enum x509_error error = parse_chain(&v, chain);
    if (!error) error = find_path(&v, trust);
    if (!error) error = certificate_check_key_usage(&v.cert[0], DIGITAL_SIGNATURE);
    if (!error) error = certificate_check_purpose(&v.cert[0], purpose);
    if (!error && name) error = certificate_check_name(&v.cert[0], name);
    if (error) memset(key, 0, sizeof *key);
    return error;
}
