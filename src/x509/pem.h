/* ISC license. */

/* PEM (RFC 7468). */

#ifndef KTLS_X509_PEM_H
#define KTLS_X509_PEM_H

#include <stddef.h>

#include "x509/x509.h"

struct pem {
    char const *start, *rest, *end; /* rest is still to be searched */
    char const *label; /* without the "X509 " that some put in front */
    size_t label_len;
    char const *body;
    size_t body_len;
};

extern void pem_init(struct pem *pem, void const *bytes, size_t len);
/* 1 when there is one more block. */
extern int pem_next(struct pem *pem);
extern int pem_has_label(struct pem const *pem, char const *label);
extern int pem_is_private_key(struct pem const *pem);
extern int pem_is_encrypted_key(struct pem const *pem);

/* At most how many bytes a body decodes to. */
#define PEM_DECODED(body_len) ((body_len) / 4 * 3 + 3)

/* Base64 (RFC 4648, 4) to out, which has room for PEM_DECODED(text_len) and may be where text is, in a time that does not
   depend on the bytes, only on the lines. 1, or 0 when the text is not base64. */
extern int base64_decode(char const *text, size_t text_len, unsigned char *out, size_t *len);
/* The beginning of such a text, by twelve bytes; *text becomes what is left. Returns the end of the bytes. */
extern unsigned char *base64_blocks(char const **text, char const *end, unsigned char *out);
/* To text, with a terminator. */
extern void base64_encode(unsigned char const *bytes, size_t len, char *text);

/* The first private key of a file: PEM, or DER of PKCS#8, PKCS#1 or SEC1.
   X509_KEY_MISMATCH when it is not public_key's. */
extern enum x509_error key_private(unsigned char const *bytes, size_t len, struct crypto_public_key const *public_key,
                                   struct crypto_private_key *key);

#endif
