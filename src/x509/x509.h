/* ISC license. */

/*
 * Certificates and keys: files, certification paths (RFC 5280), names (RFC 9525), pins, CRLs.
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
#define X509_MAX_PATH 10           /* certificates below the trust anchor */
#define X509_MAX_FILE (4u << 20)   /* bytes of a trust file, or of all CRLs */
#define X509_MAX_CHAIN (64u << 10) /* DER bytes of our own chain */
#define X509_MAX_NAME 255          /* a DNS name or IP address literal */
#define X509_MIN_MODULUS 256       /* bytes of an RSA modulus */

struct x509_certificate {
    unsigned char const *der;
    size_t len;
};

/* End-entity first. */
struct x509_chain {
    struct x509_certificate cert[X509_MAX_CERTIFICATES];
    size_t count;
};

/* Errors of files, of a certificate, of a path, of revocation. errno has the cause of X509_SYSTEM. */
#define X509_ERRORS(X) \
    X(X509_OK, "no error") \
    X(X509_SYSTEM, "system call failed") \
    X(X509_TOO_BIG, "file or certificate chain too large") \
    X(X509_NO_CERTIFICATE, "no certificate") \
    X(X509_NOT_A_FILE, "not a regular file") \
    X(X509_TRUSTED, "only a TRUSTED CERTIFICATE of OpenSSL, not a CERTIFICATE") \
    X(X509_ENCRYPTED_KEY, "the private key is encrypted, and nobody is here to give a passphrase") \
    X(X509_NO_KEY, "no usable private key") \
    X(X509_KEY_MISMATCH, "private key does not belong to the certificate") \
    X(X509_NO_ANCHORS, "no trusted certificates") \
    X(X509_NO_LISTS, "no certificate revocation lists") \
    X(X509_BAD_PIN, "not a list of pins sha256//BASE64") \
    X(X509_BAD_CERTIFICATE, "certificate is malformed or breaks RFC 5280") \
    X(X509_BAD_SIGNATURE, "certificate has a wrong signature") \
    X(X509_UNSUPPORTED, "an unsupported algorithm") \
    X(X509_ED25519, "certificate with Ed25519, which is not supported") \
    X(X509_WEAK_KEY, "an RSA key that is too small or too large") \
    X(X509_CRITICAL_EXTENSION, "certificate with an unsupported critical extension") \
    X(X509_EXPIRED, "certificate expired") \
    X(X509_NOT_YET_VALID, "certificate not yet valid") \
    X(X509_WRONG_KEY_USAGE, "certificate's keyUsage does not allow this use") \
    X(X509_WRONG_PURPOSE, "certificate's extendedKeyUsage does not allow this use") \
    X(X509_NO_ALT_NAME, "certificate has no subjectAltName, and the common name does not count") \
    X(X509_WRONG_NAME, "certificate is for another name") \
    X(X509_WRONG_PIN, "certificate's key is none of the pinned ones") \
    X(X509_UNKNOWN_CA, "certificate issued by an unknown CA") \
    X(X509_NOT_CA, "issuer is not a CA by its basicConstraints") \
    X(X509_PATH_LENGTH, "path longer than a pathLenConstraint allows") \
    X(X509_NAME_CONSTRAINT, "name outside of the name constraints of an issuer") \
    X(X509_POLICY, "no valid policy, but one is required") \
    X(X509_TOO_MUCH_WORK, "certificate chain takes too much work to verify") \
    X(X509_REVOKED, "certificate is revoked") \
    X(X509_NO_CRL, "no revocation list of the certificate's issuer") \
    X(X509_BAD_CRL, "revocation list of the issuer is malformed or has a wrong signature") \
    X(X509_OLD_CRL, "revocation list of the issuer is expired or not yet valid") \
    X(X509_DELTA_CRL, "revocation list of the issuer is a delta CRL, which is not supported") \
    X(X509_INDIRECT_CRL, "revocation list of the issuer has an unsupported critical extension")

#define X509_ERROR_NAME(name, text) name,
enum x509_error { X509_ERRORS(X509_ERROR_NAME) };

/* The error in a few words without punctuation. For X509_SYSTEM, errno is translated. */
extern char const *x509_strerror(enum x509_error error);

/* The content of files with certificates or CRLs, and an index of them. Trusted certificates stay in base64 until a
   chain needs them: of most only the beginning is decoded. */
struct x509_bundle {
    unsigned char *bytes;
    size_t len;
    struct x509_item {
        size_t at, len;
        uint32_t fingerprint; /* of the subject of a certificate, of the issuer of a CRL */
        int is_text;          /* in base64 */
    } *item;
    size_t count;
};

/* Our certificate chain and its private key. */
struct x509_credential {
    struct x509_chain chain;
    struct crypto_public_key public_key;
    struct crypto_private_key private_key;
    struct x509_bundle storage; /* of the chain */
};

/* PEM or DER; a PEM certificate file may hold a chain. Keys are PKCS#8,
   PKCS#1 or SEC1, not encrypted: P-256, P-384, P-521, RSA of 2048 to 4096 bits. Checks
   that the key is the end-entity certificate's. Both files may be the same;
   neither may be larger than 1 MiB. On failure *culprit is the file to name. */
extern enum x509_error x509_credential_load(struct x509_credential *credential, char const *certfile,
                                            char const *keyfile, char const **culprit);
/* The same for open files of these sizes. key_fd is -1 if both are in one file. On failure *in_key is 1 if the file
   of the key is at fault. */
extern enum x509_error x509_credential_load_open(struct x509_credential *credential, int cert_fd,
                                                 size_t cert_size, int key_fd, size_t key_size, int *in_key);
/* The same from the contents of the files. */
extern enum x509_error x509_credential_decode(struct x509_credential *credential, void const *cert,
                                              size_t cert_len, void const *key, size_t key_len);
extern void x509_credential_free(struct x509_credential *credential);

struct x509_trust {
    struct x509_bundle certificates;
};

/* Loads the files of cadir, or else cafile, or else the system's bundle: PEM, or DER for a single certificate. In a
   directory, files whose name starts with a dot and files without a certificate are ignored. */
extern enum x509_error x509_trust_load(struct x509_trust *trust, char const *cadir, char const *cafile,
                                       char const **culprit);
/* The same from the content of a file. */
extern enum x509_error x509_trust_decode(struct x509_trust *trust, void const *bytes, size_t len);
extern void x509_trust_free(struct x509_trust *trust);

struct x509_crls {
    struct x509_bundle lists;
};

/* PEM or DER, as above. Either crldir or crlfile must not be NULL. */
extern enum x509_error x509_crls_load(struct x509_crls *crls, char const *crldir, char const *crlfile,
                                      char const **culprit);
extern void x509_crls_free(struct x509_crls *crls);

#define X509_MAX_PINS 8
#define X509_PIN_TEXT 53 /* includes the terminator */

/* SHA-256 of the SubjectPublicKeyInfo (RFC 7469, 2.4). */
struct x509_pins {
    size_t count;
    unsigned char hash[X509_MAX_PINS][32];
};

/* sha256//BASE64[;sha256//BASE64...] */
extern enum x509_error x509_pins_parse(struct x509_pins *pins, char const *text);
/* The pin of a certificate in that form; 0 if the certificate is malformed. */
extern int x509_pin(struct x509_certificate const *cert, char text[X509_PIN_TEXT]);

enum x509_purpose { X509_SERVER_AUTH, X509_CLIENT_AUTH };

struct x509_check {
    struct x509_trust const *trust; /* NULL: only the pins decide */
    struct x509_pins const *pins;   /* the end entity's key must be one of them; NULL: none */
    struct x509_crls const *crls;   /* each certificate below the anchor must have one; NULL: no revocation */
    enum x509_purpose purpose;
    char const *name; /* that the end entity must have if there is trust; NULL: any name */
    int64_t now;      /* s since 1970 */
};

/* The certificate that an error is about, as a printable line; "" if it is about none. */
#define X509_MAX_CULPRIT 112

/* Finds a path from the end entity, the chain's first certificate, to an anchor
   and validates it as RFC 5280, 6.1 says, for any policy. The chain may have
   superfluous certificates, and issuers in any order. Gives the end entity's
   key. Signatures are RSA (PKCS#1 v1.5 or PSS, keys of 2048 to 8192 bits) or ECDSA
   (P-256, P-384, P-521) with SHA-256, SHA-384 or SHA-512.

   An anchor must be a CA by its own basicConstraints, which no certificate of
   version 1 has, and all that its certificate says binds it: validity, usages,
   path length, constraints, critical extensions. Any certificate in trust is
   also trusted as the end entity itself, byte for byte.

   The name is a DNS name for dNSName (a wildcard is the whole left-most label and
   stands for one label) or an IP address literal for iPAddress; the common name
   is never compared. culprit may be NULL. About 100 KiB of stack are needed. */
extern enum x509_error x509_verify(struct x509_chain const *chain, struct x509_check const *check,
                                   struct crypto_public_key *key, char culprit[X509_MAX_CULPRIT]);

/* The public key of a certificate; nothing is verified. */
extern enum x509_error x509_public_key(struct x509_certificate const *cert, struct crypto_public_key *key);

/* The SignatureScheme (RFC 8446, 4.2.3) of the signature of a certificate; for ECDSA it tells only the hash. 0 for
   any other algorithm, and for a self-issued certificate, whose signature does not matter. */
extern uint16_t x509_signature_scheme(struct x509_certificate const *cert);

/* 1 if name is a DNS name that can be sent in server_name (RFC 6066, 3): labels of letters, digits, hyphens and
   underscores, no final dot, not an IP address literal. */
extern int x509_is_dns_name(char const *name, size_t len);
/* 1 if name is an IPv4 or IPv6 address literal. */
extern int x509_is_ip_address(char const *name);

/* Converts the name or address of a server, as a user writes it, to the form that x509_verify and struct tls_config
   take: without the final dot of a DNS name, without the brackets and the zone of an IPv6 address. It is never longer
   than given. Returns NULL, or why it is not a name. */
extern char const *x509_reference_name(char out[X509_MAX_NAME + 1], char const *given);

/* The subject as one printable line of UTF-8, in the order of the certificate, with ", " between the RDNs. Values
   are escaped as in RFC 4514, and so are control characters. The line is cut to max-1 bytes between characters. 0 and
   "" if the certificate is malformed up to the subject. */
extern int x509_subject(struct x509_certificate const *cert, char *out, size_t max);

/* The subjectAltName as one printable line: DNS:name, IP:address, email:address and URI:uri, in its order, with
   commas between them; other types are left out. In values, commas, backslashes and everything but visible ASCII are
   escaped as \HH. The line is never cut: 0 and "" if it does not fit, or is empty, or the certificate is malformed. */
extern int x509_alt_names(struct x509_certificate const *cert, char *out, size_t max);

#pragma GCC visibility pop

#endif
