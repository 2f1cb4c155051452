/* ISC license. */

/* Files with many certificates or CRLs. */

#ifndef KTLS_X509_BUNDLE_H
#define KTLS_X509_BUNDLE_H

#include "x509/certificate.h"

struct bundle_kind {
    char const *label; /* in PEM */
    int (*name)(struct der whole, struct der *name);
    enum x509_error none; /* the error when the files have no item of that kind */
    int is_strict;        /* an item that cannot be decoded is an error; otherwise it is left out */
    int is_lazy;          /* name() needs only the beginning of an item; the rest stays in base64 */
};

extern enum x509_error x509_bundle_load(struct x509_bundle *bundle, struct bundle_kind const *kind, char const *dir,
                                   char const *file);
extern enum x509_error x509_bundle_decode(struct x509_bundle *bundle, struct bundle_kind const *kind,
                                     unsigned char const *bytes, size_t len);
extern void x509_bundle_free(struct x509_bundle *bundle);

/* An item in DER. If it is still in base64, it is decoded to room. p is NULL if it is malformed or does not fit. */
extern struct der x509_bundle_item(struct x509_bundle const *bundle, size_t index, unsigned char *room,
                                   size_t room_len);

#endif
