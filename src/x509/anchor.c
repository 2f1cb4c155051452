/* ISC license. */

#include <stdlib.h>
#include <string.h>

#include "x509/anchor.h"
#include "x509/key.h"
#include "x509/pem.h"

static int issues_a_wanted_one(struct wanted const *wanted, struct certificate const *candidate)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (der_equal(wanted->cert[i]->issuer, candidate->subject)) return 1;
    return 0;
}

static int is_known(struct anchors const *anchors, struct certificate const *candidate)
{
    for (size_t i = 0; i < anchors->count; i++)
        if (der_equal(anchors->cert[i].whole, candidate->whole)) return 1;
    return 0;
}

static int is_weak(br_x509_pkey const *key)
{
    return key->key_type == BR_KEYTYPE_RSA && key->key.rsa.nlen < KEY_MIN_RSA_BYTES;
}

/* An authority must not get more than its own certificate gives it, and to
   BearSSL an anchor is a name and a key alone. */
static enum x509_error check_ca(struct certificate const *candidate, br_x509_pkey const *key,
                                struct wanted const *wanted)
{
    struct der value;
    if (is_weak(key) || certificate_extension(candidate, EXT_NAME_CONSTRAINTS, &value))
        return X509_UNSUPPORTED;
    int path_length;
    enum x509_error error = certificate_check_critical(candidate);
    if (!error) error = certificate_path_length(candidate, &path_length);
    if (!error) error = certificate_check_key_usage(candidate, KEY_CERT_SIGN);
    if (!error) error = certificate_check_purpose(candidate, wanted->purpose);
    return error ? error : certificate_check_time(candidate, wanted->now);
}

static void add_anchor(struct anchors *anchors, struct certificate const *candidate, br_x509_pkey const *key,
                       unsigned flags)
{
    br_x509_trust_anchor *const anchor = &anchors->anchor[anchors->count];
    int *const path_length = &anchors->path_length[anchors->count];
    anchors->cert[anchors->count] = *candidate;
    if (!flags || certificate_path_length(candidate, path_length)) *path_length = NO_PATH_LENGTH;
    anchor->flags = flags;
    anchor->dn.data = (unsigned char *)(uintptr_t)candidate->subject.p;
    anchor->dn.len = candidate->subject.len;
    anchor->pkey = *key;
    anchors->count++;
}

/* 1 when the candidate became an anchor. */
static int try_candidate(struct anchors *anchors, struct wanted const *wanted,
                         struct certificate const *candidate)
{
    int const direct = der_equal(candidate->whole, wanted->cert[0]->whole);
    if (!direct && !issues_a_wanted_one(wanted, candidate)) return 0;
    if (anchors->count == MAX_ANCHORS || is_known(anchors, candidate)) return 0;
    if (!direct && !certificate_is_ca(candidate)) return 0;
    br_x509_pkey key;
    enum x509_error error = key_parse(candidate, &key);
    if (!error && !direct) error = check_ca(candidate, &key, wanted);
    if (error) anchors->rejected = error;
    else add_anchor(anchors, candidate, &key, direct ? 0 : BR_X509_TA_CA);
    return !error;
}

enum x509_error anchors_collect(struct anchors *anchors, struct x509_trust const *trust,
                                struct wanted const *wanted)
{
    struct pem pem;
    anchors->count = 0;
    anchors->rejected = X509_OK;
    anchors->storage = malloc(PEM_DECODED(trust->len));
    if (!anchors->storage) return X509_SYSTEM;
    unsigned char *der = anchors->storage;
    pem_init(&pem, trust->bytes, trust->len);
    while (pem_next(&pem)) {
        struct certificate candidate;
        size_t len;
        if (!pem_is_certificate(&pem) || !pem_decode(&pem, der, &len)) continue;
        if (certificate_parse(&candidate, der, len) && try_candidate(anchors, wanted, &candidate)) der += len;
    }
    return X509_OK;
}

void anchors_free(struct anchors *anchors)
{
    free(anchors->storage);
}

int anchors_have_issuer(struct anchors const *anchors, struct certificate const *cert)
{
    for (size_t i = 0; i < anchors->count; i++) {
        if (anchors->anchor[i].flags && der_equal(cert->issuer, anchors->cert[i].subject)) return 1;
    }
    return 0;
}

static int is_same_authority(struct certificate const *a, struct certificate const *b)
{
    return der_equal(a->subject, b->subject) && der_equal(a->public_key, b->public_key);
}

/* An authority with several certificates is bound by the strictest. */
static int allows_path(struct anchors const *anchors, size_t index, size_t between)
{
    for (size_t i = 0; i < anchors->count; i++) {
        if (anchors->path_length[i] == NO_PATH_LENGTH) continue;
        if (!is_same_authority(&anchors->cert[i], &anchors->cert[index])) continue;
        if (between > (size_t)anchors->path_length[i]) return 0;
    }
    return 1;
}

size_t anchors_for_path(struct anchors const *anchors, struct certificate const *cert, size_t between,
                        br_x509_trust_anchor *usable)
{
    size_t count = 0;
    for (size_t i = 0; i < anchors->count; i++) {
        int const direct = !anchors->anchor[i].flags;
        int const fits = direct ? !between
                                : der_equal(cert->issuer, anchors->cert[i].subject)
                                      && allows_path(anchors, i, between);
        if (fits) usable[count++] = anchors->anchor[i];
    }
    return count;
}

int anchors_have_end_entity(struct anchors const *anchors)
{
    for (size_t i = 0; i < anchors->count; i++)
        if (!anchors->anchor[i].flags) return 1;
    return 0;
}
