/* ISC license. */

/* PEM (RFC 7468). */

#ifndef KTLS_X509_PEM_H
#define KTLS_X509_PEM_H

#include <stddef.h>

#include "x509/x509.h"

struct pem {
    char const *start, *rest, *end; /* rest is the part that is still to be searched */
    char const *label; /* without a leading "X509 ", which some programs write */
    size_t label_len;
    char const *body;
    size_t body_len;
};

extern void x509_pem_init(struct pem *pem, void const *bytes, size_t len);
/* Finds the next block; 0 if there is none. */
extern int x509_pem_next(struct pem *pem);
extern int x509_pem_has_label(struct pem const *pem, char const *label);
extern int x509_pem_is_private_key(struct pem const *pem);
extern int x509_pem_is_encrypted_key(struct pem const *pem);

/* An upper bound of the bytes that a body decodes to. */
#define PEM_DECODED(body_len) ((body_len) / 4 * 3 + 3)

/* Decodes base64 (RFC 4648, 4) to out, which has room for PEM_DECODED(text_len) bytes and may be the same as text.
   The time depends on the lengths of the lines, but not on the bytes. Returns 1, or 0 if the text is not base64. */
extern int x509_base64_decode(char const *text, size_t text_len, unsigned char *out, size_t *len);
/* Decodes as many whole blocks of twelve bytes as there are from the beginning of such a text. *text becomes the
   rest. Returns the end of the decoded bytes. */
extern unsigned char *x509_base64_blocks(char const **text, char const *end, unsigned char *out);
/* Encodes to text, with a terminator. */
extern void x509_base64_encode(unsigned char const *bytes, size_t len, char *text);

/* Reads the first private key of a file: PEM, or DER of PKCS#8, PKCS#1 or SEC1. X509_KEY_MISMATCH if public_key is
   not the other half of it. */
extern enum x509_error x509_key_private(unsigned char const *bytes, size_t len,
                                        struct crypto_public_key const *public_key, struct crypto_private_key *key);

#endif
