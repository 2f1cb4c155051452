/* ISC license. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tls/handshake.h"

static struct {
    unsigned char number;
    char const *name;
} const alerts[] = {
    { 0, "close_notify" },
    { 10, "unexpected_message" },
    { 20, "bad_record_mac" },
    { 21, "decryption_failed" },
    { 22, "record_overflow" },
    { 30, "decompression_failure" },
    { 40, "handshake_failure" },
    { 41, "no_certificate" },
    { 42, "bad_certificate" },
    { 43, "unsupported_certificate" },
    { 44, "certificate_revoked" },
    { 45, "certificate_expired" },
    { 46, "certificate_unknown" },
    { 47, "illegal_parameter" },
    { 48, "unknown_ca" },
    { 49, "access_denied" },
    { 50, "decode_error" },
    { 51, "decrypt_error" },
    { 60, "export_restriction" },
    { 70, "protocol_version" },
    { 71, "insufficient_security" },
    { 80, "internal_error" },
    { 86, "inappropriate_fallback" },
    { 90, "user_canceled" },
    { 100, "no_renegotiation" },
    { 109, "missing_extension" },
    { 110, "unsupported_extension" },
    { 111, "certificate_unobtainable" },
    { 112, "unrecognized_name" },
    { 113, "bad_certificate_status_response" },
    { 114, "bad_certificate_hash_value" },
    { 115, "unknown_psk_identity" },
    { 116, "certificate_required" },
    { 120, "no_application_protocol" },
    { 121, "ech_required" },
};

char const *tls_alert_name(unsigned int description)
{
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (alerts[i].number == description) return alerts[i].name;
    return "unknown alert";
}

int tls_fail_with(struct handshake *hs, enum tls_error_kind kind, int number, char const *reason)
{
    if (hs->error->kind != TLS_ERROR_NONE) {
        hs->error->went_on = 1;
        return 0;
    }
    *hs->error = (struct tls_error){ .kind = kind,
                                     .number = number,
                                     .reason = reason,
                                     .no_hello = hs->is_server && !hs->hello_begun };
    return 0;
}

int tls_fail(struct handshake *hs, enum tls_alert alert, char const *reason)
{
    return tls_fail_with(hs, TLS_ERROR_SENT, (int)alert, reason);
}

int tls_fail_system(struct handshake *hs)
{
    int const e = errno;
    if (e == ETIMEDOUT) return tls_fail_with(hs, TLS_ERROR_TIMEOUT, e, "timed out");
    return tls_fail_with(hs, TLS_ERROR_SYSTEM, e, "transport");
}

void tls_error_text(struct tls_error const *error, char *out, size_t max)
{
    switch (error->kind) {
    case TLS_ERROR_NONE: snprintf(out, max, "no error"); break;
    case TLS_ERROR_SYSTEM: snprintf(out, max, "%s: %s", error->reason, strerror(error->number)); break;
    case TLS_ERROR_TIMEOUT: snprintf(out, max, "timed out"); break;
    case TLS_ERROR_EOF: snprintf(out, max, "the peer closed the connection"); break;
    case TLS_ERROR_SENT:
        snprintf(out, max, "%s (sent alert %s)%s%s", error->reason, tls_alert_name((unsigned int)error->number),
                 error->certificate[0] ? ": " : "", error->certificate);
        break;
    case TLS_ERROR_RECEIVED:
        snprintf(out, max, "received alert %s", tls_alert_name((unsigned int)error->number));
        break;
    }
}
