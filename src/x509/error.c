/* ISC license. */

#include "x509/x509.h"

char const *x509_strerror(enum x509_error error)
{
    static char const *const text[] = {
        [X509_OK] = "no error",
        [X509_SYSTEM] = "system call failed",
        [X509_TOO_BIG] = "file or certificate chain too large",
        [X509_NO_CERTIFICATE] = "no certificate",
        [X509_NO_KEY] = "no usable private key",
        [X509_KEY_MISMATCH] = "private key does not belong to the certificate",
        [X509_NO_ANCHORS] = "no trusted certificates",
        [X509_NO_LISTS] = "no certificate revocation lists",
        [X509_BAD_PIN] = "not a list of pins sha256//BASE64",
        [X509_BAD_CERTIFICATE] = "certificate is malformed or breaks RFC 5280",
        [X509_BAD_SIGNATURE] = "certificate has a wrong signature",
        [X509_UNSUPPORTED] = "certificate with an unsupported algorithm",
        [X509_ED25519] = "certificate with Ed25519, which is not supported",
        [X509_WEAK_KEY] = "certificate with a key that is too small or too large",
        [X509_CRITICAL_EXTENSION] = "certificate with an unsupported critical extension",
        [X509_EXPIRED] = "certificate expired",
        [X509_NOT_YET_VALID] = "certificate not yet valid",
        [X509_WRONG_KEY_USAGE] = "certificate's keyUsage does not allow this use",
        [X509_WRONG_PURPOSE] = "certificate's extendedKeyUsage does not allow this use",
        [X509_NO_ALT_NAME] = "certificate has no subjectAltName, and the common name does not count",
        [X509_WRONG_NAME] = "certificate is for another name",
        [X509_WRONG_PIN] = "certificate's key is none of the pinned ones",
        [X509_UNKNOWN_CA] = "certificate issued by an unknown CA",
        [X509_NOT_CA] = "issuer is not a CA by its basicConstraints",
        [X509_PATH_LENGTH] = "path longer than a pathLenConstraint allows",
        [X509_NAME_CONSTRAINT] = "name outside of the name constraints of an issuer",
        [X509_POLICY] = "no valid policy, but one is required",
        [X509_TOO_MUCH_WORK] = "certificate chain takes too much work to verify",
        [X509_REVOKED] = "certificate is revoked",
        [X509_NO_CRL] = "no revocation list of the certificate's issuer",
        [X509_BAD_CRL] = "revocation list of the issuer is malformed or has a wrong signature",
        [X509_OLD_CRL] = "revocation list of the issuer is expired or not yet valid",
        [X509_DELTA_CRL] = "revocation list of the issuer is a delta CRL, which is not supported",
        [X509_INDIRECT_CRL] = "revocation list of the issuer has an unsupported critical extension",
    };
    return (size_t)error < sizeof text / sizeof *text ? text[error] : "unknown error";
}
