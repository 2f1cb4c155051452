/* ISC license. */

/*
 * Certificates and keys: files, chain verification, names (RFC 5280, RFC 6125).
 *
 * What is loaded from files is owned by the structure and released by its
 * _free function, which wipes secrets. Chains borrow their bytes.
 */

#ifndef KTLS_X509_H
#define KTLS_X509_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

#pragma GCC visibility push(default)

#define X509_MAX_CERTIFICATES 16
#define X509_MAX_FILE (4u << 20)   /* bytes of a trust file */
#define X509_MAX_CHAIN (64u << 10) /* DER bytes of our own chain */
#define X509_MAX_NAME 255          /* a DNS name or IP address literal */

struct x509_certificate {
    unsigned char const *der;
    size_t len;
};

/* End-entity first. */
struct x509_chain {
    struct x509_certificate cert[X509_MAX_CERTIFICATES];
    size_t count;
};

enum x509_error {
    X509_OK,
    X509_SYSTEM,          /* see errno */
    X509_TOO_BIG,         /* file or chain larger than we take */
    X509_NO_CERTIFICATE,  /* the file holds none */
    X509_NO_KEY,          /* the file holds no private key we can use */
    X509_KEY_MISMATCH,    /* key and certificate do not belong together */
    X509_NO_ANCHORS,      /* nothing in CADIR or CAFILE */
    X509_BAD_CERTIFICATE, /* does not parse, or its signature is wrong */
    X509_UNSUPPORTED,     /* algorithm, weak hash, key size, critical extension, name constraints */
    X509_EXPIRED,         /* or not yet valid */
    X509_UNKNOWN_CA,      /* no anchor of an issuer's name */
    X509_WRONG_PURPOSE,   /* key usage, extended key usage, not a CA */
    X509_WRONG_NAME,
};

/* What went wrong, in a few words without punctuation. */
extern char const *x509_strerror(enum x509_error error);

/* Our certificate chain and its private key. */
struct x509_credential {
    struct x509_chain chain;
    struct crypto_public_key public_key;
    struct crypto_private_key private_key;
    unsigned char *storage;
};

/* PEM or DER; a PEM certificate file may hold a chain. Keys are PKCS#8,
   PKCS#1 or SEC1, not encrypted: P-256, P-384, RSA of 2048 to 4096 bits. Checks
   that the key is the end-entity certificate's. Both files may be the same;
   neither may be larger than 1 MiB. On failure *culprit is the file to name. */
extern enum x509_error x509_credential_load(struct x509_credential *credential, char const *certfile,
                                            char const *keyfile, char const **culprit);
/* The same from what the files hold. */
extern enum x509_error x509_credential_decode(struct x509_credential *credential, void const *cert,
                                              size_t cert_len, void const *key, size_t key_len);
extern void x509_credential_free(struct x509_credential *credential);

/* The PEM text of CADIR's files or of CAFILE, decoded only as far as a chain
   needs: reading a system bundle costs no parsing. */
struct x509_trust {
    unsigned char *bytes; /* files one after the other, each followed by '\n' */
    size_t len;
};

/* cadir wins over cafile; with neither, the system's bundle. PEM, or DER for
   a file that is a single certificate. Of a directory every regular file is
   taken that does not start with a dot and holds a certificate. */
extern enum x509_error x509_trust_load(struct x509_trust *trust, char const *cadir, char const *cafile,
                                       char const **culprit);
extern void x509_trust_free(struct x509_trust *trust);

enum x509_purpose { X509_SERVER_AUTH, X509_CLIENT_AUTH };

/* Verifies a chain up to an anchor in trust (SHA-256 or better, RSA of 2048 to
   4096 bits, NIST curves), validity in time, usages, and when name is not NULL
   that the end entity has it: a DNS name against dNSName (one-label wildcard
   in the left-most label only), an IP address literal against iPAddress; never
   the common name. Gives the end entity's key.

   An anchor is a certificate that is a CA by its basicConstraints, is valid
   now and has no name constraints; its own usages, path length and critical
   extensions bind it. Any other is trusted only as the end entity itself, byte
   for byte. The chain may have superfluous certificates, and issuers in any
   order. Not checked: revocation, policies. */
extern enum x509_error x509_verify(struct x509_chain const *chain, struct x509_trust const *trust,
                                   enum x509_purpose purpose, char const *name,
                                   struct crypto_public_key *key);

/* The end entity's key alone, nothing verified. Its group is 0 for a curve that
   crypto does not have. */
extern enum x509_error x509_public_key(struct x509_certificate const *cert, struct crypto_public_key *key);

/* The SignatureScheme (RFC 8446, 4.2.3) of a certificate's own signature, ECDSA
   by its hash alone. 0 for another algorithm, and for a certificate that is
   self-issued: nobody looks at that signature. */
extern uint16_t x509_signature_scheme(struct x509_certificate const *cert);

/* 1 when name is a DNS name that can go into server_name (RFC 6066, 3): LDH
   labels (and underscore), no trailing dot, no IP address literal. */
extern int x509_is_dns_name(char const *name, size_t len);
/* 1 when name is an IPv4 or IPv6 address literal. */
extern int x509_is_ip_address(char const *name);
/* A server's name or address as a user writes it, in the form that the functions
   here and struct tls_config take: without the DNS root's final dot, without the
   brackets and the zone of an IPv6 address, never longer than given. NULL, or why
   it is not a name. */
extern char const *x509_reference_name(char out[X509_MAX_NAME + 1], char const *given);

/* The subject as one printable line of UTF-8 (RFC 4514; controls escaped), cut
   to max-1 bytes between characters. 0 and "" when it does not parse. */
extern int x509_subject(struct x509_certificate const *cert, char *out, size_t max);

/* The subjectAltName as one printable line: what of it is DNS:name, IP:address,
   email:address or URI:uri, in its order, with commas between them. In values
   commas, backslashes and all but visible ASCII are escaped as \HH. 0 and "" when
   there is nothing, or it does not parse or does not fit: it is never cut. */
extern int x509_alt_names(struct x509_certificate const *cert, char *out, size_t max);

#pragma GCC visibility pop

#endif
