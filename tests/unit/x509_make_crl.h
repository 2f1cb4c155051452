/* ISC license. */

/* Revocation lists of the certificates of x509_make.h. */

#ifndef X509_MAKE_CRL_H
#define X509_MAKE_CRL_H

#include <stdlib.h>
#include <unistd.h>

#include "x509_make.h"

#define MAX_LISTS 4
#define NOW "231114221320Z"     /* check.now */
#define EARLIER "231114221319Z"
#define LATER "231114221321Z"

struct list {
    struct bytes version, issuer, from, to, revoked, extensions, behind;
    unsigned signer;
};

static struct list list[MAX_LISTS];
static size_t list_count;

static struct list list_of(char const *issuer, unsigned signer)
{
    return (struct list){ .version = RAW("\x02\x01\x01"), .issuer = name(issuer), .signer = signer,
                          .from = text(DER_UTC_TIME, "230101000000Z"), .to = text(DER_UTC_TIME, "240101000000Z") };
}

/* The CA's list is the first. */
static void reset_lists(void)
{
    reset();
    list[0] = list_of("CA", 1);
    list[1] = list_of("root", 2);
    list_count = 2;
}

static struct bytes make_list(struct list const *l)
{
    struct bytes tbs = l->version;
    append(&tbs, ecdsa_sha256());
    append(&tbs, l->issuer);
    append(&tbs, l->from);
    append(&tbs, l->to);
    if (l->revoked.len) append(&tbs, tlv(DER_SEQUENCE, l->revoked));
    if (l->extensions.len) append(&tbs, tlv(0xa0, tlv(DER_SEQUENCE, l->extensions)));
    append(&tbs, l->behind);
    return sign(tlv(DER_SEQUENCE, tbs), ecdsa_sha256(), l->signer);
}

static struct bytes entry(char serial, struct bytes more)
{
    return tlv(DER_SEQUENCE, both(both(tlv(DER_INTEGER, raw(&serial, 1)), text(DER_UTC_TIME, "230601000000Z")), more));
}

static enum x509_error load(struct x509_crls *crls)
{
    char dir[] = "/tmp/ktls-crl-XXXXXX", path_of[MAX_LISTS][64];
    char const *who;
    if (!mkdtemp(dir)) give_up("mkdtemp");
    for (size_t i = 0; i < list_count; i++) {
        struct bytes const der = make_list(list + i);
        snprintf(path_of[i], sizeof path_of[i], "%s/%zu.crl", dir, i);
        FILE *const file = fopen(path_of[i], "w");
        if (!file || fwrite(der.p, 1, der.len, file) != der.len || fclose(file)) give_up("a list");
    }
    enum x509_error const error = x509_crls_load(crls, dir, NULL, &who);
    for (size_t i = 0; i < list_count; i++) unlink(path_of[i]);
    rmdir(dir);
    return error;
}

#endif
