/* ISC license. */

/* A client that does wrong behind a right ClientHello: what the server says to it. Uses $KTLS_PKI. */

#include "faults.h"

enum { EC = 1, RSA = 2, REQUIRED = 4, REQUESTED = 8 };

struct fault_case {
    char const *what, *change;
    int expected; /* 0: nothing wrong; negative: the peer's alert, see RECEIVED */
    int flags;
};

#define RECEIVED(alert) (-1 - (alert))

/* 11 Certificate, 15 CertificateVerify, 20 Finished */
static struct fault_case const faults13[] = {
    /* Finished alone */
    { "a wrong Finished", "poke 20 3 0011", TLS_DECRYPT_ERROR, 0 },
    { "the last byte of Finished", "poke 20 -1 00;poke 20 -2 00", TLS_DECRYPT_ERROR, 0 },
    { "a short Finished", "cut 20 1", TLS_DECODE_ERROR, 0 },
    { "a long Finished", "grow 20 00", TLS_DECODE_ERROR, 0 },
    { "an empty Finished", "body 20 ", TLS_DECODE_ERROR, 0 },
    { "more behind Finished in its record", "after 20 22 1800000100;glue 20", TLS_UNEXPECTED_MESSAGE, 0 },
    { "half a header behind Finished", "after 20 22 18;glue 20", TLS_UNEXPECTED_MESSAGE, 0 },
    { "application data before Finished", "before 20 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "empty application data before Finished", "before 20 23 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a Certificate that was not asked for", "before 20 22 0b00000400000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a second ClientHello", "before 20 22 01000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "EndOfEarlyData", "before 20 22 05000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "KeyUpdate", "before 20 22 1800000100", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a wrong tag", "corrupt 20", TLS_BAD_RECORD_MAC, 0 },
    { "Finished in the clear", "clear 20", TLS_UNEXPECTED_MESSAGE, 0 },
    { "another outer type", "outer 20 22", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an inner ChangeCipherSpec", "sealed 20 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "padding only", "sealed 20 0 0000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an unknown inner type", "before 20 99 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an empty record", "before 20 22 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an empty alert", "before 20 21 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "plaintext longer than 2^14 + 1", "pad 20 16380", TLS_RECORD_OVERFLOW, 0 },
    { "an alert in the middle of Finished", "break 20 21 015a", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a dummy in the middle of Finished", "break 20 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec of 2", "before 20 20 02", TLS_UNEXPECTED_MESSAGE, 0 },
    { "padding", "pad 20 200", 0, 0 },
    { "Finished in two records", "split 20 1", 0, 0 },
    { "a second dummy", "before 20 20 01", 0, 0 },
    { "user_canceled", "before 20 21 015a", 0, 0 },
    { "close_notify", "before 20 21 0100", RECEIVED(TLS_CLOSE_NOTIFY), 0 },
    { "handshake_failure, as a warning", "before 20 21 0128", RECEIVED(TLS_HANDSHAKE_FAILURE), 0 },
    { "an unknown alert, as a warning", "before 20 21 01fe", RECEIVED(254), 0 },
    { "bad_certificate", "before 20 21 022a", RECEIVED(TLS_BAD_CERTIFICATE), 0 },
    { "a Finished of 16 MiB", "claim 20 16777215", TLS_DECODE_ERROR, 0 },
    { "a Finished of 20000 bytes", "claim 20 20000", TLS_DECODE_ERROR, 0 },
    /* client certificates */
    { "no Certificate", "drop 11", TLS_UNEXPECTED_MESSAGE, EC },
    { "no CertificateVerify", "drop 15", TLS_UNEXPECTED_MESSAGE, EC },
    { "CertificateVerify only", "drop 11;drop 20", TLS_UNEXPECTED_MESSAGE, EC },
    { "Certificate twice", "dup 11", TLS_UNEXPECTED_MESSAGE, EC },
    { "CertificateVerify twice", "dup 15", TLS_UNEXPECTED_MESSAGE, EC },
    { "CertificateVerify first", "swap 11 15", TLS_UNEXPECTED_MESSAGE, EC },
    { "CertificateVerify behind an empty Certificate", "body 11 00000000", TLS_UNEXPECTED_MESSAGE,
      EC | REQUESTED },
    { "an empty Certificate, and one is required", "body 11 00000000", TLS_CERTIFICATE_REQUIRED,
      EC | REQUIRED },
    { "CertificateVerify without a certificate", "before 20 22 0f00000404030000", TLS_UNEXPECTED_MESSAGE,
      REQUESTED },
    { "a Certificate of 200000 bytes", "claim 11 200000", TLS_DECODE_ERROR, EC },
    { "a context", "body 11 01aa000000", TLS_ILLEGAL_PARAMETER, EC },
    { "Certificate with a byte too many", "grow 11 00", TLS_DECODE_ERROR, EC },
    { "an empty entry", "body 11 000000050000000000", TLS_DECODE_ERROR, EC },
    { "an extension that was not asked for", "ext 11 5 01000000", TLS_UNSUPPORTED_EXTENSION, EC },
    { "a certificate that is none", "body 11 000000080000033003020000", TLS_BAD_CERTIFICATE, EC },
    { "a changed certificate", "poke 11 300 ffffffff", TLS_BAD_CERTIFICATE, EC },
    { "a wrong signature", "poke 15 -4 0011", TLS_DECRYPT_ERROR, EC },
    { "a wrong RSA signature", "poke 15 -4 0011", TLS_DECRYPT_ERROR, RSA },
    { "PKCS#1 v1.5", "poke 15 0 0401", TLS_ILLEGAL_PARAMETER, RSA },
    { "a scheme for another key", "poke 15 0 0403", TLS_ILLEGAL_PARAMETER, RSA },
    { "a scheme for another curve", "poke 15 0 0503", TLS_ILLEGAL_PARAMETER, EC },
    { "SHA-1", "poke 15 0 0203", TLS_ILLEGAL_PARAMETER, EC },
    { "another hash", "poke 15 0 0806", TLS_DECRYPT_ERROR, RSA },
    { "a byte behind the signature", "grow 15 00", TLS_DECODE_ERROR, EC },
    { "a signature of no bytes", "body 15 04030000", TLS_DECRYPT_ERROR, EC },
    { "an empty CertificateVerify", "body 15 ", TLS_DECODE_ERROR, EC },
    { "Certificate in three records", "split 11 3;split 15 1", 0, EC },
    { "all in one record", "glue 11;glue 11", 0, EC },
};

/* 11 Certificate, 16 ClientKeyExchange, 15 CertificateVerify, 20 Finished */
static struct fault_case const faults12[] = {
    { "a wrong Finished", "poke 20 3 0011", TLS_DECRYPT_ERROR, 0 },
    { "a short Finished", "cut 20 1", TLS_DECODE_ERROR, 0 },
    { "a long Finished", "grow 20 00", TLS_DECODE_ERROR, 0 },
    { "more behind Finished in its record", "after 20 22 01000000;glue 20", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a wrong tag", "corrupt 20", TLS_BAD_RECORD_MAC, 0 },
    { "Finished in the clear", "clear 20", TLS_BAD_RECORD_MAC, 0 },
    { "ChangeCipherSpec twice", "before 20 20 01", TLS_BAD_RECORD_MAC, 0 },
    { "a protected ChangeCipherSpec", "sealed 20 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "application data before Finished", "before 20 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an empty record before Finished", "before 20 22 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "another message before Finished", "before 20 22 01000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no ClientKeyExchange", "drop 16", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ClientKeyExchange twice", "dup 16", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec before ClientKeyExchange", "before 16 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec in the middle of ClientKeyExchange", "break 16 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an alert in the middle of ClientKeyExchange", "break 16 21 015a", TLS_UNEXPECTED_MESSAGE, 0 },
    { "another share", "poke 16 4 0011", TLS_BAD_RECORD_MAC, 0 },
    { "a Certificate that was not asked for", "before 16 22 0b000003000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "Finished in two records", "split 20 3", 0, 0 },
    { "a warning", "before 16 21 015a", 0, 0 },
    { "a protected warning", "before 20 21 015a", 0, 0 },
    { "no_renegotiation", "before 16 21 0164", 0, 0 },
    { "close_notify", "before 16 21 0100", RECEIVED(TLS_CLOSE_NOTIFY), 0 },
    { "a protected close_notify", "before 20 21 0100", RECEIVED(TLS_CLOSE_NOTIFY), 0 },
    { "a fatal alert", "before 16 21 022a", RECEIVED(TLS_BAD_CERTIFICATE), 0 },
    { "a ClientKeyExchange of 20000 bytes", "claim 16 20000", TLS_DECODE_ERROR, 0 },
    /* client certificates */
    { "no Certificate", "drop 11", TLS_UNEXPECTED_MESSAGE, EC },
    { "no CertificateVerify", "drop 15", TLS_UNEXPECTED_MESSAGE, EC },
    { "CertificateVerify before ClientKeyExchange", "swap 15 16", TLS_UNEXPECTED_MESSAGE, EC },
    { "ClientKeyExchange before Certificate", "swap 11 16", TLS_UNEXPECTED_MESSAGE, EC },
    { "CertificateVerify behind an empty Certificate", "body 11 000000", TLS_UNEXPECTED_MESSAGE,
      EC | REQUESTED },
    { "an empty Certificate, and one is required", "body 11 000000", TLS_HANDSHAKE_FAILURE, EC | REQUIRED },
    { "CertificateVerify twice", "dup 15", TLS_UNEXPECTED_MESSAGE, EC },
    { "Certificate with a byte too many", "grow 11 00", TLS_DECODE_ERROR, EC },
    { "an empty entry", "body 11 000003000000", TLS_DECODE_ERROR, EC },
    { "a wrong signature", "poke 15 -4 0011", TLS_DECRYPT_ERROR, EC },
    { "a wrong RSA signature", "poke 15 -4 0011", TLS_DECRYPT_ERROR, RSA },
    { "a scheme for another key", "poke 15 0 0403", TLS_ILLEGAL_PARAMETER, RSA },
    { "SHA-1", "poke 15 0 0203", TLS_ILLEGAL_PARAMETER, EC },
    { "MD5", "poke 15 0 0101", TLS_ILLEGAL_PARAMETER, RSA },
    { "another hash", "poke 15 0 0503", TLS_DECRYPT_ERROR, EC },
    { "a byte behind the signature", "grow 15 00", TLS_DECODE_ERROR, EC },
    { "all in one record", "glue 11;glue 11", 0, EC },
};

static void begin_case(struct fault_case const *c, uint16_t version)
{
    loopback_reset();
    client.run = run_faulty_client;
    only_version(&client.config, version);
    if (c->flags)
        server.config.client_auth = c->flags & REQUIRED ? TLS_REQUIRE_CLIENT_CERT : TLS_REQUEST_CLIENT_CERT;
    if (c->flags & EC) client.config.credential[0] = credential("client-ec");
    if (c->flags & RSA) client.config.credential[0] = credential("client-rsa");
    fault = (struct fault){ 1, c->change };
}

static int is_right(struct fault_case const *c)
{
    if (c->expected < 0) return received(&server, -1 - c->expected);
    return c->expected ? sent(&server, c->expected) : server.done;
}

static void faults(uint16_t version, struct fault_case const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fault_case const *c = cases + i;
        begin_case(c, version);
        loopback_run();
        ok(faulty.applied, "%04x: %s: applied", version, c->what);
        if (!ok(is_right(c), "%04x: %s: server: %s", version, c->what, error_text(&server)))
            diag("wanted %s", c->expected ? tls_alert_name((unsigned int)c->expected) : "success");
        if (c->expected <= 0) continue;
        ok(!server.session.peer_present && !server.session.version,
           "%04x: %s: nothing is left of the session", version, c->what);
        /* The 1.3 client had finished: it learns it with its first read, as its user will. */
        if (version == TLS_1_2) ok(received(&client, c->expected), "%04x: %s: client: %s", version, c->what,
                                   error_text(&client));
    }
}

/* Data right behind Finished stays where it is, to the byte. */
static void pipelined(uint16_t version)
{
    struct fault_case const c = { "data behind Finished", "after 20 23 68656c6c6f", 0, 0 };
    begin_case(&c, version);
    loopback_run();
    size_t const overhead = version == TLS_1_3                                   ? 17
                            : server.session.rx.cipher == KTLS_CHACHA20_POLY1305 ? 16
                                                                                 : 24;
    ok(server.done && server.left == 5 + 5 + overhead, "%04x: data behind Finished is left: %zu bytes",
       version, server.left);
}

int main(void)
{
    loopback_reset();
    faults(TLS_1_3, faults13, sizeof faults13 / sizeof *faults13);
    faults(TLS_1_2, faults12, sizeof faults12 / sizeof *faults12);
    pipelined(TLS_1_2);
    pipelined(TLS_1_3);
    return done_testing();
}
