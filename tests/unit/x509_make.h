/* ISC license. */

/* Certificates and CRLs that a test makes: a path of them, the end entity's first, each issued by the next, and the
   last by itself. */

#ifndef X509_MAKE_H
#define X509_MAKE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "x509/bundle.h"
#include "x509/x509.h"

/* ---- DER ---- */

struct bytes {
    unsigned char p[3000];
    size_t len;
};

static struct bytes raw(void const *p, size_t len)
{
    struct bytes b = {.len = len};
    if (len > sizeof b.p) abort();
    memcpy(b.p, p, len);
    return b;
}

#define RAW(literal) raw(literal, sizeof literal - 1)

static void append(struct bytes *to, struct bytes b)
{
    if (b.len > sizeof to->p - to->len) abort();
    memcpy(to->p + to->len, b.p, b.len);
    to->len += b.len;
}

static struct bytes tlv(unsigned tag, struct bytes content)
{
    unsigned char head[4] = {(unsigned char)tag, (unsigned char)content.len};
    size_t len = 2;
    if (content.len > 255) {
        memcpy(head + 1, (unsigned char[]){0x82, (unsigned char)(content.len >> 8), (unsigned char)content.len}, 3);
        len = 4;
    } else if (content.len > 127) {
        memcpy(head + 1, (unsigned char[]){0x81, (unsigned char)content.len}, 2);
        len = 3;
    }
    struct bytes b = raw(head, len);
    append(&b, content);
    return b;
}

static struct bytes both(struct bytes a, struct bytes b)
{
    append(&a, b);
    return a;
}

static struct bytes none(void)
{
    return (struct bytes){.len = 0};
}

static struct bytes text(unsigned tag, char const *s)
{
    return tlv(tag, raw(s, strlen(s)));
}

static struct bytes oid(char const *hex)
{
    struct bytes b = {.len = 0};
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) b.p[b.len++] = (unsigned char)byte;
    return tlv(DER_OID, b);
}

/* CN, as PrintableString, and with another tag. */
static struct bytes name_as(unsigned tag, char const *cn)
{
    if (!*cn) return tlv(DER_SEQUENCE, none());
    return tlv(DER_SEQUENCE, tlv(DER_SET, tlv(DER_SEQUENCE, both(oid("550403"), text(tag, cn)))));
}

static struct bytes name(char const *cn)
{
    return name_as(DER_PRINTABLE_STRING, cn);
}

/* ---- keys ---- */

#define KEYS 8

static struct crypto_share key_share[KEYS];

static struct crypto_share const *key(unsigned number)
{
    struct crypto_share *share = &key_share[number];
    if (!share->public_len && !crypto_share_generate(share, CRYPTO_SECP256R1, &crypto_random_os)) abort();
    return share;
}

static struct bytes key_info(unsigned number)
{
    struct bytes const algorithm = tlv(DER_SEQUENCE, both(oid("2a8648ce3d0201"), oid("2a8648ce3d030107")));
    struct bytes const point = raw(key(number)->public_key, key(number)->public_len);
    return tlv(DER_SEQUENCE, both(algorithm, tlv(DER_BIT_STRING, both(RAW("\0"), point))));
}

static struct bytes ecdsa_sha256(void)
{
    return tlv(DER_SEQUENCE, oid("2a8648ce3d040302"));
}

static struct bytes sign(struct bytes tbs, struct bytes algorithm, unsigned signer)
{
    struct crypto_private_key private_key = {.type = CRYPTO_EC, .group = CRYPTO_SECP256R1, .scalar_len = 32};
    unsigned char digest[32], signature[CRYPTO_MAX_SIGNATURE];
    struct crypto_public_key public_key = {.type = CRYPTO_EC, .group = CRYPTO_SECP256R1, .point_len = 65};
    memcpy(private_key.data, key(signer)->private_key, 32);
    memcpy(public_key.data, key(signer)->public_key, 65);
    crypto_hash(CRYPTO_SHA256, tbs.p, tbs.len, digest);
    size_t const len = crypto_sign(&private_key, &public_key, crypto_scheme_by_id(0x0403), digest, &crypto_random_os,
                                   signature);
    struct bytes const bits = tlv(DER_BIT_STRING, both(RAW("\0"), raw(signature, len)));
    return tlv(DER_SEQUENCE, both(both(tbs, algorithm), bits));
}

/* ---- certificates ---- */

struct spec {
    struct bytes subject, issuer; /* the issuer's is empty where it is the next one's subject */
    unsigned key;
    unsigned signer;  /* its key's number; KEYS: the next one's */
    unsigned version; /* of the standard, 1 to 3 */
    struct bytes serial, from, to, algorithm; /* the algorithm inside */
    struct bytes unique_ids, extensions;
    unsigned char empty_extensions, written_version_1; /* what DER or RFC 5280 forbid */
};

static struct bytes extension(char const *id, int critical, struct bytes value)
{
    struct bytes const flag = critical ? RAW("\x01\x01\xff") : none();
    return tlv(DER_SEQUENCE, both(both(oid(id), flag), tlv(DER_OCTET_STRING, value)));
}

static struct spec plain(char const *cn, unsigned number)
{
    return (struct spec){
        .subject = name(cn),
        .key = number,
        .signer = KEYS,
        .version = 3,
        .serial = RAW("\x02\x01\x05"),
        .from = text(DER_UTC_TIME, "200101000000Z"),
        .to = text(DER_UTC_TIME, "300101000000Z"),
        .algorithm = ecdsa_sha256(),
    };
}

static void add(struct spec *spec, char const *id, int critical, struct bytes value)
{
    append(&spec->extensions, extension(id, critical, value));
}

#define BASIC_CONSTRAINTS "551d13"
#define KEY_USAGE "551d0f"
#define EXT_KEY_USAGE "551d25"
#define ALT_NAME "551d11"
#define NAME_CONSTRAINTS "551d1e"
#define POLICIES "551d20"
#define POLICY_MAPPINGS "551d21"
#define POLICY_CONSTRAINTS "551d24"
#define INHIBIT_ANY "551d36"
#define AUTHORITY_KEY "551d23"
#define SUBJECT_KEY "551d0e"

static struct spec authority(char const *cn, unsigned number)
{
    struct spec spec = plain(cn, number);
    add(&spec, BASIC_CONSTRAINTS, 1, RAW("\x30\x03\x01\x01\xff"));
    return spec;
}

static struct spec server(void)
{
    struct spec spec = plain("server", 0);
    add(&spec, ALT_NAME, 0, tlv(DER_SEQUENCE, text(NAME_DNS, "www.example.com")));
    return spec;
}

static struct bytes make(struct spec const *spec, struct spec const *issuer)
{
    unsigned char const number = (unsigned char)(spec->version - 1);
    struct bytes tbs = number || spec->written_version_1 ? tlv(0xa0, tlv(DER_INTEGER, raw(&number, 1))) : none();
    append(&tbs, spec->serial);
    append(&tbs, spec->algorithm);
    append(&tbs, spec->issuer.len ? spec->issuer : issuer->subject);
    append(&tbs, tlv(DER_SEQUENCE, both(spec->from, spec->to)));
    append(&tbs, spec->subject);
    append(&tbs, key_info(spec->key));
    append(&tbs, spec->unique_ids);
    if (spec->extensions.len || spec->empty_extensions) append(&tbs, tlv(0xa3, tlv(DER_SEQUENCE, spec->extensions)));
    return sign(tlv(DER_SEQUENCE, tbs), ecdsa_sha256(), spec->signer == KEYS ? issuer->key : spec->signer);
}

/* ---- a path ---- */

#define PATH_MAX_LEN 14

static struct spec path[PATH_MAX_LEN]; /* the last one is the anchor */
static size_t path_len;
static struct x509_check check;
static char culprit[X509_MAX_CULPRIT];

/* End entity, one CA, root. */
static void reset(void)
{
    path[0] = server();
    path[1] = authority("CA", 1);
    path[2] = authority("root", 2);
    path_len = 3;
    check = (struct x509_check){.purpose = X509_SERVER_AUTH, .name = "www.example.com", .now = 1700000000};
}

/* With so many CAs between end entity and root. */
static inline void reset_long(size_t authorities)
{
    char cn[16];
    reset();
    path[authorities + 1] = path[2];
    path_len = authorities + 2;
    for (size_t i = 1; i <= authorities; i++) {
        snprintf(cn, sizeof cn, "CA %zu", i);
        path[i] = authority(cn, 1);
    }
}

static struct bytes made[PATH_MAX_LEN];

static enum x509_error verify_path(void)
{
    struct x509_chain chain = {.count = path_len - 1};
    struct x509_trust trust;
    struct crypto_public_key found;
    for (size_t i = 0; i < path_len; i++) made[i] = make(&path[i], &path[i + 1 < path_len ? i + 1 : i]);
    for (size_t i = 0; i < chain.count; i++) chain.cert[i] = (struct x509_certificate){made[i].p, made[i].len};
    enum x509_error error = x509_trust_decode(&trust, made[path_len - 1].p, made[path_len - 1].len);
    if (error) return error;
    check.trust = &trust;
    error = x509_verify(&chain, &check, &found, culprit);
    x509_trust_free(&trust);
    return error;
}

static void expect(enum x509_error expected, char const *what)
{
    enum x509_error const error = verify_path();
    ok(error == expected, "%s: %s %s", what, x509_strerror(error), culprit);
}

/* What is said about it is wanted, too. */
static inline void expect_of(enum x509_error expected, char const *who, char const *what)
{
    expect(expected, what);
    ok(strstr(culprit, who) != NULL, "which is about %s", who);
}

#endif
