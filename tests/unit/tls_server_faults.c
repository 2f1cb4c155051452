/* ISC license. */

/* A server that does wrong behind a right ClientHello: what the client says to it. Uses $KTLS_PKI. */

#include "faults.h"

struct fault_case {
    char const *what, *change;
    int expected; /* 0: the client has nothing against it but the transcript: decrypt_error or no error at all
                   */
    int flags;
};

enum { ASKS = 1, RSA = 2, OFFERS_ALPN = 4, NO_12 = 8, NO_13 = 16, HAS_KEY = 32, DOWNGRADED = 64, ONLY_X25519 = 128 };

#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"
#define P256_POINT                                                                                           \
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                                     \
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define RETRY_RANDOM "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"

/* Types: 2 ServerHello, 8 EncryptedExtensions, 11 Certificate, 13 CertificateRequest, 15 CertificateVerify,
   20 Finished. The ServerHello's body: version 0, random 2, session id 34 (length) and 35, suite 67,
   compression 69. */
static struct fault_case const faults13[] = {
    /* ServerHello */
    { "ServerHello with a byte too many", "grow 2 00", TLS_DECODE_ERROR, 0 },
    { "ServerHello with a byte too few", "cut 2 1", TLS_DECODE_ERROR, 0 },
    { "an empty ServerHello", "body 2 ", TLS_DECODE_ERROR, 0 },
    { "session id not echoed", "poke 2 35 00112233", TLS_ILLEGAL_PARAMETER, 0 },
    { "session id of 33 bytes", "poke 2 34 21", TLS_DECODE_ERROR, 0 },
    { "legacy_version 1.3", "poke 2 0 0304", TLS_ILLEGAL_PARAMETER, 0 },
    { "legacy_version 1.1", "poke 2 0 0302", TLS_ILLEGAL_PARAMETER, 0 },
    { "a suite that was not offered", "poke 2 67 1304", TLS_ILLEGAL_PARAMETER, 0 },
    { "a suite of 1.2", "poke 2 67 c02b", TLS_ILLEGAL_PARAMETER, 0 },
    { "a GREASE suite", "poke 2 67 0a0a", TLS_ILLEGAL_PARAMETER, 0 },
    { "compression", "poke 2 69 01", TLS_ILLEGAL_PARAMETER, 0 },
    { "no supported_versions", "noext 2 43", TLS_ILLEGAL_PARAMETER, 0 },
    { "no supported_versions, only 1.3 offered", "noext 2 43", TLS_PROTOCOL_VERSION, NO_12 },
    { "selects 1.2 by supported_versions", "ext 2 43 0303", TLS_ILLEGAL_PARAMETER, 0 },
    { "selects 1.4", "ext 2 43 0305", TLS_ILLEGAL_PARAMETER, 0 },
    { "a list in supported_versions", "ext 2 43 020304", TLS_DECODE_ERROR, 0 },
    { "empty supported_versions", "ext 2 43 ", TLS_DECODE_ERROR, 0 },
    { "no key_share", "noext 2 51", TLS_MISSING_EXTENSION, 0 },
    { "empty key_share", "ext 2 51 ", TLS_DECODE_ERROR, 0 },
    { "key_share with the group only", "ext 2 51 001d", TLS_DECODE_ERROR, 0 },
    { "a share of no bytes", "ext 2 51 001d0000", TLS_DECODE_ERROR, 0 },
    { "a byte behind the share",
      "ext 2 51 001d0020"
      "11" ZERO32,
      TLS_DECODE_ERROR, 0 },
    { "share of a group without a share of ours", "ext 2 51 001700020400", TLS_ILLEGAL_PARAMETER, 0 },
    { "share of a group that was not offered", "ext 2 51 001900020400", TLS_ILLEGAL_PARAMETER, 0 },
    { "share zero", "ext 2 51 001d0020" ZERO32, TLS_ILLEGAL_PARAMETER, 0 },
    { "share of 31 bytes",
      "ext 2 51 001d001f"
      "00112233445566778899aabbccddeeff00112233445566778899aabbccddee",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "an extension twice", "dupext 2 43", TLS_ILLEGAL_PARAMETER, 0 },
    { "an extension that was not offered", "ext 2 2570 ", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "pre_shared_key that was not offered", "ext 2 41 0000", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "ALPN in the clear", "ext 2 16 0003026832", TLS_ILLEGAL_PARAMETER, OFFERS_ALPN },
    { "supported_groups in the clear", "ext 2 10 0002001d", TLS_ILLEGAL_PARAMETER, 0 },
    { "extended_master_secret in 1.3", "ext 2 23 ", TLS_ILLEGAL_PARAMETER, 0 },
    { "renegotiation_info in 1.3", "ext 2 65281 00", TLS_ILLEGAL_PARAMETER, 0 },
    { "server_name in the clear", "ext 2 0 ", TLS_ILLEGAL_PARAMETER, 0 },
    /* HelloRetryRequest */
    { "HelloRetryRequest for the group that was sent", "poke 2 2 " RETRY_RANDOM ";ext 2 51 001d",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "HelloRetryRequest for an unknown group", "poke 2 2 " RETRY_RANDOM ";ext 2 51 001e",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "HelloRetryRequest that changes nothing", "poke 2 2 " RETRY_RANDOM ";noext 2 51", TLS_ILLEGAL_PARAMETER,
      0 },
    { "HelloRetryRequest with a whole share", "poke 2 2 " RETRY_RANDOM, TLS_DECODE_ERROR, 0 },
    { "HelloRetryRequest with an empty cookie", "poke 2 2 " RETRY_RANDOM ";noext 2 51;ext 2 44 0000",
      TLS_DECODE_ERROR, 0 },
    { "HelloRetryRequest with a byte behind the cookie",
      "poke 2 2 " RETRY_RANDOM ";noext 2 51;ext 2 44 0001aabb", TLS_DECODE_ERROR, 0 },
    { "HelloRetryRequest without supported_versions", "poke 2 2 " RETRY_RANDOM ";ext 2 51 0017;noext 2 43",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "HelloRetryRequest with a foreign session id", "poke 2 2 " RETRY_RANDOM ";ext 2 51 0017;poke 2 35 0011",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "HelloRetryRequest with a foreign suite", "poke 2 2 " RETRY_RANDOM ";ext 2 51 0017;poke 2 67 1304",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "HelloRetryRequest with compression", "poke 2 2 " RETRY_RANDOM ";ext 2 51 0017;poke 2 69 01",
      TLS_ILLEGAL_PARAMETER, 0 },
    { "HelloRetryRequest with a foreign extension", "poke 2 2 " RETRY_RANDOM ";ext 2 51 0017;ext 2 2570 ",
      TLS_UNSUPPORTED_EXTENSION, 0 },
    { "HelloRetryRequest with ALPN", "poke 2 2 " RETRY_RANDOM ";ext 2 51 0017;ext 2 16 0003026832",
      TLS_ILLEGAL_PARAMETER, OFFERS_ALPN },
    /* order of messages and the keys they are under */
    { "a second ServerHello", "dup 2", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no ServerHello", "drop 2", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no EncryptedExtensions", "drop 8", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no Certificate", "drop 11", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no CertificateVerify", "drop 15", TLS_UNEXPECTED_MESSAGE, 0 },
    { "neither Certificate nor CertificateVerify", "drop 11;drop 15", TLS_UNEXPECTED_MESSAGE, 0 },
    { "EncryptedExtensions twice", "dup 8", TLS_UNEXPECTED_MESSAGE, 0 },
    { "Certificate twice", "dup 11", TLS_UNEXPECTED_MESSAGE, 0 },
    { "CertificateVerify twice", "dup 15", TLS_UNEXPECTED_MESSAGE, 0 },
    { "Certificate before EncryptedExtensions", "swap 8 11", TLS_UNEXPECTED_MESSAGE, 0 },
    { "CertificateVerify before Certificate", "swap 11 15", TLS_UNEXPECTED_MESSAGE, 0 },
    { "CertificateRequest twice", "dup 13", TLS_UNEXPECTED_MESSAGE, ASKS },
    { "CertificateRequest behind Certificate", "swap 13 11", TLS_UNEXPECTED_MESSAGE, ASKS },
    { "HelloRequest", "before 8 22 00000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "NewSessionTicket in the handshake", "before 20 22 04000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "KeyUpdate in the handshake", "before 20 22 1800000100", TLS_UNEXPECTED_MESSAGE, 0 },
    { "application data in the handshake", "before 8 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "EncryptedExtensions in the clear", "clear 8", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ServerHello and more in one record", "grow 2 ;after 2 22 08000000;glue 2", TLS_UNEXPECTED_MESSAGE, 0 },
    { "more behind Finished in its record", "after 20 22 04000000;glue 20", TLS_UNEXPECTED_MESSAGE, 0 },
    { "half a message behind Finished", "after 20 22 04;glue 20", TLS_UNEXPECTED_MESSAGE, 0 },
    /* records */
    { "a wrong tag", "corrupt 8", TLS_BAD_RECORD_MAC, 0 },
    { "another outer type", "outer 8 22", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an empty handshake record", "before 8 22 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an empty alert", "before 8 21 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "empty application data", "before 8 23 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an inner ChangeCipherSpec", "sealed 8 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an inner type 24", "before 8 24 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "padding only", "sealed 8 0 00000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec of 2", "before 8 20 02", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec of two bytes", "before 8 20 0101", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an alert in the middle of a message", "break 11 21 015a", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a dummy in the middle of a message", "break 11 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "application data in the middle of a message", "break 11 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an alert of one byte", "before 8 21 01", TLS_DECODE_ERROR, 0 },
    { "an alert of level 3", "before 8 21 035a", TLS_ILLEGAL_PARAMETER, 0 },
    { "plaintext longer than 2^14 + 1", "pad 11 16300", TLS_RECORD_OVERFLOW, 0 },
    /* EncryptedExtensions */
    { "EncryptedExtensions with a byte too many", "grow 8 00", TLS_DECODE_ERROR, 0 },
    { "EncryptedExtensions without a block", "body 8 ", TLS_DECODE_ERROR, 0 },
    { "an encrypted extension that was not offered", "ext 8 2570 ", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "early_data that was not offered", "ext 8 42 ", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "an encrypted extension twice", "dupext 8 0", TLS_ILLEGAL_PARAMETER, 0 },
    { "key_share encrypted", "ext 8 51 001d", TLS_ILLEGAL_PARAMETER, 0 },
    { "supported_versions encrypted", "ext 8 43 0304", TLS_ILLEGAL_PARAMETER, 0 },
    { "signature_algorithms encrypted", "ext 8 13 00020403", TLS_ILLEGAL_PARAMETER, 0 },
    { "server_name with content", "ext 8 0 00", TLS_DECODE_ERROR, 0 },
    { "ALPN that was not offered", "ext 8 16 0003026832", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "a protocol that was not offered", "ext 8 16 0003026833", TLS_ILLEGAL_PARAMETER, OFFERS_ALPN },
    { "two protocols", "ext 8 16 000c02683208687474702f312e31", TLS_DECODE_ERROR, OFFERS_ALPN },
    { "no protocol in ALPN", "ext 8 16 0000", TLS_DECODE_ERROR, OFFERS_ALPN },
    { "a protocol of no bytes", "ext 8 16 000100", TLS_DECODE_ERROR, OFFERS_ALPN },
    { "a byte behind the protocol", "ext 8 16 000302683200", TLS_DECODE_ERROR, OFFERS_ALPN },
    /* CertificateRequest */
    { "certificate_request_context", "body 13 01aa0008000d000400020403", TLS_ILLEGAL_PARAMETER, ASKS },
    { "CertificateRequest without signature_algorithms", "body 13 000000", TLS_MISSING_EXTENSION, ASKS },
    { "CertificateRequest without schemes", "body 13 000006000d00020000", TLS_DECODE_ERROR, ASKS },
    { "CertificateRequest with half a scheme", "body 13 000007000d0003000104", TLS_DECODE_ERROR, ASKS },
    { "CertificateRequest with a byte too many", "grow 13 00", TLS_DECODE_ERROR, ASKS },
    { "CertificateRequest with key_share", "ext 13 51 001d", TLS_ILLEGAL_PARAMETER, ASKS },
    { "CertificateRequest with server_name", "ext 13 0 ", TLS_ILLEGAL_PARAMETER, ASKS },
    { "CertificateRequest with renegotiation_info", "ext 13 65281 00", TLS_ILLEGAL_PARAMETER, ASKS },
    { "CertificateRequest with half a scheme for certificates", "ext 13 50 00030401" "00", TLS_DECODE_ERROR, ASKS },
    { "CertificateRequest with no scheme for certificates", "ext 13 50 0000", TLS_DECODE_ERROR, ASKS },
    { "an extension of CertificateRequest twice", "body 13 000010000d000400020403000d000400020403",
      TLS_ILLEGAL_PARAMETER, ASKS },
    /* Certificate */
    { "an empty Certificate", "body 11 00000000", TLS_DECODE_ERROR, 0 },
    { "an empty entry", "body 11 000000050000000000", TLS_DECODE_ERROR, 0 },
    { "Certificate with a byte too many", "grow 11 00", TLS_DECODE_ERROR, 0 },
    { "Certificate with a byte too few", "cut 11 1", TLS_DECODE_ERROR, 0 },
    { "Certificate's context", "body 11 01aa000000", TLS_ILLEGAL_PARAMETER, 0 },
    { "a certificate that is none", "body 11 000000080000033003020000", TLS_BAD_CERTIFICATE, 0 },
    { "an entry's extension that was not offered", "ext 11 5 01000000", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "an entry's extension in the wrong message", "ext 11 51 001d", TLS_ILLEGAL_PARAMETER, 0 },
    { "a changed certificate", "poke 11 300 ffffffff", TLS_BAD_CERTIFICATE, 0 },
    /* CertificateVerify and Finished */
    { "a wrong signature", "poke 15 -1 00", TLS_DECRYPT_ERROR, RSA },
    { "a wrong ECDSA signature", "poke 15 -4 0011", TLS_DECRYPT_ERROR, 0 },
    { "PKCS#1 v1.5", "poke 15 0 0401", TLS_ILLEGAL_PARAMETER, RSA },
    { "SHA-1", "poke 15 0 0201", TLS_ILLEGAL_PARAMETER, RSA },
    { "a scheme for another key", "poke 15 0 0403", TLS_ILLEGAL_PARAMETER, RSA },
    { "a scheme for another curve", "poke 15 0 0503", TLS_ILLEGAL_PARAMETER, 0 },
    { "a scheme that was not offered", "poke 15 0 0603", TLS_ILLEGAL_PARAMETER, 0 },
    { "EdDSA", "poke 15 0 0807", TLS_ILLEGAL_PARAMETER, 0 },
    { "another hash than the signature's", "poke 15 0 0805", TLS_DECRYPT_ERROR, RSA },
    { "a byte behind the signature", "grow 15 00", TLS_DECODE_ERROR, 0 },
    { "an empty CertificateVerify", "body 15 ", TLS_DECODE_ERROR, 0 },
    { "a signature of no bytes", "body 15 04030000", TLS_DECRYPT_ERROR, 0 },
    { "a Certificate of 200000 bytes", "claim 11 200000", TLS_DECODE_ERROR, 0 },
    { "EncryptedExtensions of 70000 bytes", "claim 8 70000", TLS_DECODE_ERROR, 0 },
    { "a ServerHello of 70000 bytes", "claim 2 70000", TLS_DECODE_ERROR, 0 },
    { "a wrong Finished", "poke 20 0 00112233", TLS_DECRYPT_ERROR, 0 },
    { "a short Finished", "cut 20 1", TLS_DECODE_ERROR, 0 },
    { "a long Finished", "grow 20 00", TLS_DECODE_ERROR, 0 },
    { "an empty Finished", "body 20 ", TLS_DECODE_ERROR, 0 },
    /* what is right although it is unusual */
    { "messages in records of their own", "pad 8 0", 0, 0 },
    { "a message in two records", "split 11 20", 0, 0 },
    { "a header in two records", "split 15 2", 0, 0 },
    { "padding", "pad 8 100;pad 11 3000", 0, 0 },
    { "a second dummy ChangeCipherSpec", "before 11 20 01", 0, 0 },
    { "user_canceled", "before 8 21 015a", 0, 0 },
    { "user_canceled as fatal", "before 8 21 025a", 0, 0 },
};

static void begin_case(struct fault_case const *c)
{
    static unsigned char const protocols[] = "\x02h2\x08http/1.1";
    loopback_reset();
    server.run = run_faulty_server;
    if (c->flags & ASKS) server.config.client_auth = TLS_REQUEST_CLIENT_CERT;
    if (c->flags & HAS_KEY) client.config.credential[0] = credential("client-ec");
    if (c->flags & RSA) server.config.credential[0] = credential("rsa");
    if (c->flags & ONLY_X25519) {
        client.config.groups[0] = CRYPTO_X25519;
        client.config.group_count = 1;
    }
    if (c->flags & NO_12) client.config.min_version = TLS_1_3;
    if (c->flags & NO_13) client.config.max_version = TLS_1_2;
    if (c->flags & OFFERS_ALPN) {
        client.config.alpn = protocols;
        client.config.alpn_len = sizeof protocols - 1;
    }
}

static void run_case(struct fault_case const *c, char const *version)
{
    fault = (struct fault){ 0, c->change };
    loopback_run();
    ok(faulty.applied, "%s: %s: applied", version, c->what);
    if (!c->expected)
        ok(client.done, "%s: %s: client: %s", version, c->what, error_text(&client));
    else if (!ok(sent(&client, c->expected), "%s: %s: client: %s", version, c->what, error_text(&client)))
        diag("wanted %s", tls_alert_name((unsigned int)c->expected));
}

static void faults_of_13(void)
{
    for (size_t i = 0; i < sizeof faults13 / sizeof *faults13; i++) {
        begin_case(faults13 + i);
        run_case(faults13 + i, "1.3");
    }
}

/* Types: 2 ServerHello, 11 Certificate, 12 ServerKeyExchange, 13 CertificateRequest, 14 ServerHelloDone. The
   ServerHello's body: version 0, random 2, session id 34, suite 35, compression 37. */
static struct fault_case const faults12[] = {
    { "ServerHello with a byte too many", "grow 2 00", TLS_DECODE_ERROR, 0 },
    { "version 1.1", "poke 2 0 0302", TLS_PROTOCOL_VERSION, 0 },
    { "version 1.3 without supported_versions", "poke 2 0 0304", TLS_PROTOCOL_VERSION, 0 },
    { "SSL 3.0", "poke 2 0 0300", TLS_PROTOCOL_VERSION, 0 },
    { "a suite that was not offered", "poke 2 35 002f", TLS_ILLEGAL_PARAMETER, 0 },
    { "a suite of 1.3", "poke 2 35 1301", TLS_ILLEGAL_PARAMETER, 0 },
    { "compression", "poke 2 37 01", TLS_ILLEGAL_PARAMETER, 0 },
    { "an extension that was not offered", "ext 2 2570 ", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "session_ticket that was not offered", "ext 2 35 ", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "ALPN that was not offered", "ext 2 16 0003026832", TLS_UNSUPPORTED_EXTENSION, 0 },
    { "a protocol that was not offered", "ext 2 16 0003026833", TLS_ILLEGAL_PARAMETER, OFFERS_ALPN },
    { "an extension twice", "dupext 2 23", TLS_ILLEGAL_PARAMETER, 0 },
    { "signature_algorithms in ServerHello", "ext 2 13 00020403", TLS_ILLEGAL_PARAMETER, 0 },
    { "extended_master_secret with content", "ext 2 23 00", TLS_DECODE_ERROR, 0 },
    { "no renegotiation_info", "noext 2 65281", TLS_HANDSHAKE_FAILURE, 0 },
    { "renegotiation_info not empty", "ext 2 65281 0101", TLS_HANDSHAKE_FAILURE, 0 },
    { "application data before ServerHelloDone", "before 14 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "application data before it, behind a CertificateRequest", "before 14 23 61", TLS_UNEXPECTED_MESSAGE,
      ASKS },
    { "renegotiation_info of another length than it says", "ext 2 65281 01", TLS_HANDSHAKE_FAILURE, 0 },
    { "renegotiation_info malformed", "ext 2 65281 ", TLS_HANDSHAKE_FAILURE, 0 },
    { "no uncompressed points", "ext 2 11 0101", TLS_ILLEGAL_PARAMETER, 0 },
    { "no point format", "ext 2 11 00", TLS_DECODE_ERROR, 0 },
    { "server_name with content", "ext 2 0 00", TLS_DECODE_ERROR, 0 },
    { "downgrade from 1.3 to 1.2", "poke 2 26 444f574e47524401", TLS_ILLEGAL_PARAMETER, DOWNGRADED },
    { "downgrade from 1.3 to 1.1", "poke 2 26 444f574e47524400", TLS_ILLEGAL_PARAMETER, DOWNGRADED },
    { "supported_versions in a 1.2 answer", "ext 2 43 0303", TLS_ILLEGAL_PARAMETER, DOWNGRADED },
    { "supported_versions that was not offered", "ext 2 43 0303", TLS_UNSUPPORTED_EXTENSION, NO_13 },
    { "key_share in a 1.2 answer", "ext 2 51 001d", TLS_ILLEGAL_PARAMETER, DOWNGRADED },
    /* order */
    { "no ServerHello", "drop 2", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no Certificate", "drop 11", TLS_UNEXPECTED_MESSAGE, 0 },
    { "no ServerKeyExchange", "drop 12", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ServerHello twice", "dup 2", TLS_UNEXPECTED_MESSAGE, 0 },
    { "Certificate twice", "dup 11", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ServerKeyExchange twice", "dup 12", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ServerKeyExchange before Certificate", "swap 11 12", TLS_UNEXPECTED_MESSAGE, 0 },
    { "CertificateRequest twice", "dup 13", TLS_UNEXPECTED_MESSAGE, ASKS },
    { "CertificateRequest before ServerKeyExchange", "swap 12 13", TLS_UNEXPECTED_MESSAGE, ASKS },
    { "CertificateStatus", "before 12 22 16000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "NewSessionTicket", "before 14 22 04000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "Finished", "before 14 22 1400000c000000000000000000000000", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an early ChangeCipherSpec", "before 11 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec first of all", "before 2 20 01", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ChangeCipherSpec first of all, 1.3 offered", "before 2 20 01", TLS_UNEXPECTED_MESSAGE, DOWNGRADED },
    { "a Certificate of 200000 bytes", "claim 11 200000", TLS_DECODE_ERROR, 0 },
    { "a ServerKeyExchange of 20000 bytes", "claim 12 20000", TLS_DECODE_ERROR, 0 },
    { "ChangeCipherSpec behind ServerHelloDone", "after 14 20 01", TLS_BAD_RECORD_MAC, 0 },
    { "application data", "before 11 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
    { "ServerHelloDone with content", "grow 14 00", TLS_DECODE_ERROR, 0 },
    { "more behind ServerHelloDone", "after 14 22 00000000;glue 14", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an empty record", "before 11 22 ", TLS_UNEXPECTED_MESSAGE, 0 },
    { "an alert in the middle of a message", "break 11 21 015a", TLS_UNEXPECTED_MESSAGE, 0 },
    { "a fatal user_canceled", "before 11 21 025a", -1, 0 },
    /* Certificate */
    { "an empty Certificate", "body 11 000000", TLS_DECODE_ERROR, 0 },
    { "Certificate with a byte too many", "grow 11 00", TLS_DECODE_ERROR, 0 },
    { "an empty entry", "body 11 000003000000", TLS_DECODE_ERROR, 0 },
    { "an RSA suite, an EC key", "poke 2 35 c02f", TLS_ILLEGAL_PARAMETER, 0 },
    { "an EC suite, an RSA key", "poke 2 35 c02b", TLS_ILLEGAL_PARAMETER, RSA },
    /* ServerKeyExchange: curve type 0, group 1, length 3, share 4, scheme 36 */
    { "explicit curve", "poke 12 0 01", TLS_ILLEGAL_PARAMETER, 0 },
    { "a group that was not offered", "poke 12 1 0019", TLS_ILLEGAL_PARAMETER, 0 },
    { "a GREASE group", "poke 12 1 0a0a", TLS_ILLEGAL_PARAMETER, 0 },
    { "a good share of a group that was not offered", "body 12 03001741" P256_POINT "080400020000",
      TLS_ILLEGAL_PARAMETER, ONLY_X25519 | RSA },
    { "a good share of one that was", "body 12 03001741" P256_POINT "080400020000", TLS_DECRYPT_ERROR, RSA },
    { "the share of another group", "poke 12 1 0017", TLS_ILLEGAL_PARAMETER, 0 },
    { "another share", "poke 12 4 1122", TLS_DECRYPT_ERROR, 0 },
    { "a share longer than the message", "poke 12 3 ff", TLS_DECODE_ERROR, 0 },
    { "an empty ServerKeyExchange", "body 12 ", TLS_DECODE_ERROR, 0 },
    { "ServerKeyExchange with a byte too many", "grow 12 00", TLS_DECODE_ERROR, 0 },
    { "a wrong signature", "poke 12 -3 0011", TLS_DECRYPT_ERROR, 0 },
    { "SHA-1", "poke 12 36 0203", TLS_ILLEGAL_PARAMETER, 0 },
    { "a scheme for another key", "poke 12 36 0804", TLS_ILLEGAL_PARAMETER, 0 },
    { "another hash than the signature's", "poke 12 36 0503", TLS_DECRYPT_ERROR, 0 },
    { "anonymous", "poke 12 36 0400", TLS_ILLEGAL_PARAMETER, 0 },
    /* CertificateRequest */
    { "no certificate type", "body 13 00000204030000", TLS_DECODE_ERROR, ASKS },
    { "no signature scheme", "body 13 014000000000", TLS_DECODE_ERROR, ASKS },
    { "half a signature scheme", "body 13 014000010400" "00", TLS_DECODE_ERROR, ASKS },
    { "CertificateRequest with a byte too many", "grow 13 00", TLS_DECODE_ERROR, ASKS },
    { "a malformed authority", "body 13 014000020403" "00020001", TLS_DECODE_ERROR, ASKS },
    /* fine */
    { "HelloRequest, ignored", "before 12 22 00000000", 0, 0 },
    { "a warning", "before 11 21 015a", 0, 0 },
    { "messages in one record", "glue 2;glue 2;glue 2", 0, 0 },
    { "a message in two records", "split 11 7", 0, 0 },
};

static void faults_of_12(void)
{
    for (size_t i = 0; i < sizeof faults12 / sizeof *faults12; i++) {
        struct fault_case c = faults12[i];
        begin_case(&c);
        if (c.flags & DOWNGRADED) server.config.max_version = TLS_1_2;
        else client.config.max_version = TLS_1_2;
        fault = (struct fault){ 0, c.change };
        loopback_run();
        ok(faulty.applied, "1.2: %s: applied", c.what);
        /* What was only rearranged fails at last, in the Finished of the client, which covers other octets.
         */
        int const noticed = c.expected < 0    ? received(&client, TLS_USER_CANCELED)
                            : c.expected > 0  ? sent(&client, c.expected)
                            : client.done     ? 1
                                              : received(&client, TLS_DECRYPT_ERROR);
        if (!ok(noticed, "1.2: %s: client: %s", c.what, error_text(&client)) && c.expected > 0)
            diag("wanted %s", tls_alert_name((unsigned int)c.expected));
    }
}

/* The server's last flight: ChangeCipherSpec and Finished. */
static void last_flight_of_12(void)
{
    static struct fault_case const cases[] = {
        { "a wrong Finished", "poke 20 0 001122", TLS_DECRYPT_ERROR, 0 },
        { "a short Finished", "cut 20 1", TLS_DECODE_ERROR, 0 },
        { "a long Finished", "grow 20 00", TLS_DECODE_ERROR, 0 },
        { "Finished twice in a record", "dup 20;glue 20", TLS_UNEXPECTED_MESSAGE, 0 },
        { "a wrong tag", "corrupt 20", TLS_BAD_RECORD_MAC, 0 },
        { "Finished in the clear", "clear 20", TLS_BAD_RECORD_MAC, 0 },
        { "two ChangeCipherSpecs", "before 20 20 01", TLS_BAD_RECORD_MAC, 0 },
        { "a message before Finished", "before 20 22 04000000", TLS_UNEXPECTED_MESSAGE, 0 },
        { "application data before Finished", "before 20 23 61", TLS_UNEXPECTED_MESSAGE, 0 },
        { "an empty record before Finished", "before 20 22 ", TLS_UNEXPECTED_MESSAGE, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin_case(cases + i);
        client.config.max_version = TLS_1_2;
        fault = (struct fault){ 1, cases[i].change };
        loopback_run();
        ok(faulty.applied, "1.2: %s: applied", cases[i].what);
        ok(sent(&client, cases[i].expected), "1.2: %s: client: %s", cases[i].what, error_text(&client));
    }
}

int main(void)
{
    loopback_reset();
    faults_of_13();
    faults_of_12();
    last_flight_of_12();
    return done_testing();
}
