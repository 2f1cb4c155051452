/* ISC license. */

#include "x509/key.h"

char const *x509_strerror(enum x509_error error)
{
    switch (error) {
    case X509_OK: return "no error";
    case X509_SYSTEM: return "system call failed";
    case X509_TOO_BIG: return "file or certificate chain too large";
    case X509_NO_CERTIFICATE: return "no certificate";
    case X509_NO_KEY: return "no usable private key";
    case X509_KEY_MISMATCH: return "private key does not belong to the certificate";
    case X509_NO_ANCHORS: return "no trusted certificates";
    case X509_BAD_CERTIFICATE: return "malformed certificate or wrong signature";
    case X509_UNSUPPORTED: return "unsupported algorithm, key size or critical extension";
    case X509_EXPIRED: return "certificate expired or not yet valid";
    case X509_UNKNOWN_CA: return "certificate issued by an unknown CA";
    case X509_WRONG_PURPOSE: return "certificate not for this purpose";
    case X509_WRONG_NAME: return "certificate is for another name";
    }
    return "unknown error";
}

/* What is left to the default is an encoding error. A chain that does not
   reach an anchor is given to the engine only when an anchor has the right
   name, so "not trusted" means that the anchor's key did not sign. */
enum x509_error x509_error_of(int bearssl_error)
{
    switch (bearssl_error) {
    case BR_ERR_X509_OK: return X509_OK;
    case BR_ERR_X509_EMPTY_CHAIN: return X509_NO_CERTIFICATE;
    case BR_ERR_X509_UNSUPPORTED:
    case BR_ERR_X509_LIMIT_EXCEEDED:
    case BR_ERR_X509_CRITICAL_EXTENSION:
    case BR_ERR_X509_WEAK_PUBLIC_KEY: return X509_UNSUPPORTED;
    case BR_ERR_X509_TIME_UNKNOWN:
    case BR_ERR_X509_EXPIRED: return X509_EXPIRED;
    case BR_ERR_X509_DN_MISMATCH: return X509_UNKNOWN_CA;
    case BR_ERR_X509_NOT_CA:
    case BR_ERR_X509_FORBIDDEN_KEY_USAGE: return X509_WRONG_PURPOSE;
    case BR_ERR_X509_BAD_SERVER_NAME: return X509_WRONG_NAME;
    default: return X509_BAD_CERTIFICATE;
    }
}
