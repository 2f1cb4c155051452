/* ISC license. */

/* What a server makes of a ClientHello (RFC 8446, 4.1.2 and 4.2; RFC 5246, 7.4.1.2). Uses $KTLS_PKI. */

#include "hello.h"

#define PSK "000a 0004 61626364 00000000 0021 20" SESSION_ID
struct hello_case {
    char const *what, *changes;
    int expected;
};

static struct hello_case const cases13[] = {
    { "the base", "", ACCEPT },
    { "P-256", "set 51 004500170041" P256_SHARE, ACCEPT },
    { "P-384", "set 51 006500180061" P384_SHARE, ACCEPT },
    { "an empty session id", "sid ", ACCEPT },
    /* structure */
    { "a byte behind the extensions", "tail 00", TLS_DECODE_ERROR },
    { "extension block too long", "blocklen 1", TLS_DECODE_ERROR },
    { "extension block too short", "blocklen -1", TLS_DECODE_ERROR },
    { "the last byte missing", "chop 1", TLS_DECODE_ERROR },
    { "session id of 33 bytes", "sid " SESSION_ID "70", TLS_DECODE_ERROR },
    { "no cipher suite", "suites ", TLS_DECODE_ERROR },
    { "half a cipher suite", "suites 130113", TLS_DECODE_ERROR },
    { "no compression method", "comp ", TLS_DECODE_ERROR },
    /* version */
    { "SSL 3.0 as legacy_version", "ver 0300", TLS_PROTOCOL_VERSION },
    { "SSL 2.0 as legacy_version", "ver 0200", TLS_PROTOCOL_VERSION },
    { "supported_versions alone decides: TLS 1.1", "ver 0302", ACCEPT },
    { "supported_versions alone decides: 1.3", "ver 0304", ACCEPT },
    { "a future version only", "set 43 020305", TLS_PROTOCOL_VERSION },
    { "a draft version only", "set 43 027f1c", TLS_PROTOCOL_VERSION },
    { "TLS 1.1 only", "set 43 020302", TLS_PROTOCOL_VERSION },
    { "GREASE among the versions", "set 43 040a0a0304", ACCEPT },
    { "1.2 before 1.3", "set 43 0403030304", ACCEPT },
    { "no version", "set 43 00", TLS_DECODE_ERROR },
    { "empty supported_versions", "set 43 ", TLS_DECODE_ERROR },
    { "half a version", "set 43 03030403", TLS_DECODE_ERROR },
    { "a byte behind the versions", "set 43 02030400", TLS_DECODE_ERROR },
    { "1.3 suites without supported_versions", "del 43", TLS_HANDSHAKE_FAILURE },
    /* compression */
    { "DEFLATE", "comp 01", TLS_ILLEGAL_PARAMETER },
    { "null and DEFLATE", "comp 0001", TLS_ILLEGAL_PARAMETER },
    { "null twice", "comp 0000", TLS_ILLEGAL_PARAMETER },
    /* suites */
    { "no suite of ours", "suites 13041305", TLS_HANDSHAKE_FAILURE },
    { "GREASE among the suites", "suites 1a1a1302", ACCEPT },
    { "1.2 suites only", "suites c02bc02f", TLS_HANDSHAKE_FAILURE },
    { "fallback SCSV without a fallback", "suites 13015600", ACCEPT },
    /* extensions in general */
    { "an extension twice", "add 10 00020017", TLS_ILLEGAL_PARAMETER },
    { "an unknown extension twice", "add 2570 ;add 2570 00", TLS_ILLEGAL_PARAMETER },
    { "GREASE extensions", "add 2570 ;add 6682 00", ACCEPT },
    { "extensions of others", "add 35 ;add 5 0100000000;add 18 ;add 28 4001;add 17613 0003026832", ACCEPT },
    { "padding", "add 21 000000", ACCEPT },
    { "no extensions", "noext", TLS_HANDSHAKE_FAILURE },
    /* what must be there */
    { "no supported_groups", "del 10", TLS_MISSING_EXTENSION },
    { "no key_share", "del 51", TLS_MISSING_EXTENSION },
    { "no supported_groups, no key_share", "del 10;del 51", TLS_MISSING_EXTENSION },
    { "no signature_algorithms", "del 13", TLS_MISSING_EXTENSION },
    { "none of the three", "del 10;del 13;del 51", TLS_MISSING_EXTENSION },
    { "no group", "set 10 0000", TLS_DECODE_ERROR },
    { "empty supported_groups", "set 10 ", TLS_DECODE_ERROR },
    { "half a group", "set 10 0003001d00", TLS_DECODE_ERROR },
    { "a byte behind the groups", "set 10 0002001d00", TLS_DECODE_ERROR },
    { "no signature scheme", "set 13 0000", TLS_DECODE_ERROR },
    { "empty signature_algorithms", "set 13 ", TLS_DECODE_ERROR },
    { "half a signature scheme", "set 13 0003040305", TLS_DECODE_ERROR },
    { "a byte behind the signature schemes", "set 13 0002040300", TLS_DECODE_ERROR },
    { "signature_algorithms_cert", "add 50 00020804", ACCEPT },
    { "empty signature_algorithms_cert", "add 50 0000", TLS_DECODE_ERROR },
    /* signatures */
    { "ECDSA with P-256 only", "set 13 00020403", ACCEPT },
    { "ECDSA with P-384 only", "set 13 00020503;", TLS_HANDSHAKE_FAILURE },
    { "PSS only", "set 13 00020805", ACCEPT },
    { "PKCS#1 v1.5 only", "set 13 00020401", TLS_HANDSHAKE_FAILURE },
    { "SHA-1 only", "set 13 000402010203", TLS_HANDSHAKE_FAILURE },
    { "EdDSA only", "set 13 000408070808", TLS_HANDSHAKE_FAILURE },
    /* key_share */
    { "no share", "set 51 0000", RETRY },
    { "empty key_share", "set 51 ", TLS_DECODE_ERROR },
    { "half a share", "set 51 0002001d", TLS_DECODE_ERROR },
    { "a byte behind the shares", "set 51 0024001d0020" X25519_SHARE "00", TLS_DECODE_ERROR },
    { "a share of no bytes", "set 51 0004001d0000", TLS_ILLEGAL_PARAMETER },
    { "a share longer than the list", "set 51 0024001d0021" X25519_SHARE, TLS_DECODE_ERROR },
    { "a share of an unlisted group", "set 10 00020017", TLS_ILLEGAL_PARAMETER },
    { "an unlisted share behind a good one",
      "set 10 0002001d;set 51 0069001d0020" X25519_SHARE "00170041" P256_SHARE, TLS_ILLEGAL_PARAMETER },
    { "the same group twice", "set 51 0048001d0020" X25519_SHARE "001d0020" X25519_SHARE,
      TLS_ILLEGAL_PARAMETER },
    { "an unknown group's share twice",
      "set 10 00046a6a001d;set 51 002e001d0020" X25519_SHARE "6a6a0001006a6a000100", TLS_ILLEGAL_PARAMETER },
    { "X25519 share of 31 bytes",
      "set 51 0023001d001f 9dd79f1a5bd4dd7e6d1f0d4cc4ed3ae2c6bbd5aa6f9e2a3b0c7e6e3c3d9a1b",
      TLS_ILLEGAL_PARAMETER },
    { "X25519 share of 33 bytes", "set 51 0025001d0021" X25519_SHARE "00", TLS_ILLEGAL_PARAMETER },
    { "X25519 share zero", "set 51 0024001d0020" ZERO32, TLS_ILLEGAL_PARAMETER },
    { "X25519 share of small order",
      "set 51 0024001d0020 e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      TLS_ILLEGAL_PARAMETER },
    { "P-256 off the curve", "set 51 004500170041 04" P256_X P256_X, TLS_ILLEGAL_PARAMETER },
    { "P-256 compressed", "set 51 002500170021 03" P256_X, TLS_ILLEGAL_PARAMETER },
    { "P-256 hybrid", "set 51 004500170041 07" P256_X P256_Y, TLS_ILLEGAL_PARAMETER },
    { "P-256 infinity", "set 51 00050017000100", TLS_ILLEGAL_PARAMETER },
    { "P-256 point for P-384", "set 51 004500180041" P256_SHARE, TLS_ILLEGAL_PARAMETER },
    { "a GREASE share too", "set 10 00046a6a001d;set 51 00296a6a000100001d0020" X25519_SHARE, ACCEPT },
    { "a share of group 0", "set 51 002900000001aa001d0020" X25519_SHARE, TLS_ILLEGAL_PARAMETER },
    { "a GREASE share only", "set 10 00046a6a001d;set 51 00056a6a000100", RETRY },
    { "no group of ours", "set 10 0002001e;set 51 0000", TLS_HANDSHAKE_FAILURE },
    /* pre_shared_key: never accepted, but checked */
    { "pre_shared_key", "add 45 0101;add 41 " PSK, ACCEPT },
    { "pre_shared_key and early_data", "add 42 ;add 45 0101;add 41 " PSK, ACCEPT },
    { "pre_shared_key not last", "add 41 " PSK ";add 45 0101", TLS_ILLEGAL_PARAMETER },
    { "pre_shared_key without modes", "add 41 " PSK, TLS_MISSING_EXTENSION },
    { "pre_shared_key without an identity", "add 45 0101;add 41 0000 0021 20" SESSION_ID, TLS_DECODE_ERROR },
    { "pre_shared_key, empty identity",
      "add 45 0101;add 41 0006 0000 00000000 0021 20" SESSION_ID,
      TLS_DECODE_ERROR },
    { "pre_shared_key without a binder",
      "add 45 0101;add 41 000a 0004 61626364 00000000 0000",
      TLS_DECODE_ERROR },
    { "pre_shared_key, short binder",
      "add 45 0101;add 41 000a 0004 61626364 00000000 0002 0161",
      TLS_DECODE_ERROR },
    { "pre_shared_key, two binders",
      "add 45 0101;add 41 000a 0004 61626364 00000000 0042 20" SESSION_ID "20" SESSION_ID,
      TLS_ILLEGAL_PARAMETER },
    { "a byte behind pre_shared_key", "add 45 0101;add 41 " PSK "00", TLS_DECODE_ERROR },
    { "no PSK mode", "add 45 00", TLS_DECODE_ERROR },
    { "a byte behind the PSK modes", "add 45 010100", TLS_DECODE_ERROR },
    { "early_data with content", "add 42 00", TLS_DECODE_ERROR },
    /* server_name */
    { "no server_name", "del 0", ACCEPT },
    { "server_name with an underscore", "set 0 000600000361 5f62", ACCEPT },
    { "empty server_name", "set 0 ", TLS_DECODE_ERROR },
    { "no name in the list", "set 0 0000", TLS_DECODE_ERROR },
    { "a name of no bytes", "set 0 0003000000", TLS_DECODE_ERROR },
    { "a name longer than the list", "set 0 000600000461 6263", TLS_DECODE_ERROR },
    { "a byte behind the list of names", "set 0 0004000001 6100", TLS_DECODE_ERROR },
    { "two host names", "set 0 0008 00000161 00000162", TLS_ILLEGAL_PARAMETER },
    { "a name of another type", "set 0 0005 01000261ff", ACCEPT },
    { "a host name and a name of another type", "set 0 0009 00000161 01000261ff", ACCEPT },
    { "another name of no type", "set 0 0005 0000016101", TLS_DECODE_ERROR },
    { "a name with NUL", "set 0 0006 000003610062", ACCEPT },
    { "a name with a space", "set 0 0006 000003612062", ACCEPT },
    { "a name with a newline", "set 0 0006 000003610a62", ACCEPT },
    { "a name in UTF-8", "set 0 0005 000002c3a9", ACCEPT },
    { "a name with an empty label", "set 0 0007 000004612e2e62", ACCEPT },
    { "a name with a trailing dot", "set 0 0005 000002612e", ACCEPT },
    { "two host names, the first an IPv4 address", "set 0 000e 000007312e322e332e34 00000161", TLS_ILLEGAL_PARAMETER },
    { "an IPv4 address", "set 0 000a 000007312e322e332e34", ACCEPT },
    /* ALPN: the server has h2 and http/1.1 */
    { "ALPN", "add 16 0003026832", ACCEPT },
    { "ALPN without overlap", "add 16 0003026833", TLS_NO_APPLICATION_PROTOCOL },
    { "ALPN, empty", "add 16 ", TLS_DECODE_ERROR },
    { "ALPN, no name", "add 16 0000", TLS_DECODE_ERROR },
    { "ALPN, a name of no bytes", "add 16 000100", TLS_DECODE_ERROR },
    { "ALPN, a name of no bytes behind a good one", "add 16 000402683200", TLS_DECODE_ERROR },
    { "ALPN, a name longer than the list", "add 16 0003036832", TLS_DECODE_ERROR },
    { "ALPN, a byte behind the list", "add 16 000302683200", TLS_DECODE_ERROR },
    /* what belongs to 1.2 */
    { "1.2's extensions in a 1.3 hello", "add 11 0100;add 23 ;add 65281 00", ACCEPT },
    { "extended_master_secret with content", "add 23 00", TLS_DECODE_ERROR },
    { "empty renegotiation_info", "add 65281 ", TLS_DECODE_ERROR },
    { "no point format", "add 11 00", TLS_DECODE_ERROR },
};

static struct hello_case const cases12[] = {
    { "the base", "", ACCEPT },
    { "a session id", "sid " SESSION_ID, ACCEPT },
    { "version above ours", "ver 0304", ACCEPT },
    { "version far above ours", "ver 0400", ACCEPT },
    { "TLS 1.1", "ver 0302", TLS_PROTOCOL_VERSION },
    { "TLS 1.0", "ver 0301", TLS_PROTOCOL_VERSION },
    { "SSL 3.0", "ver 0300", TLS_PROTOCOL_VERSION },
    { "supported_versions with 1.2", "add 43 020303", ACCEPT },
    { "supported_versions with 1.1", "add 43 020302", TLS_PROTOCOL_VERSION },
    { "null and DEFLATE", "comp 0100", ACCEPT },
    { "DEFLATE only", "comp 01", TLS_ILLEGAL_PARAMETER },
    { "a byte behind the extensions", "tail 00", TLS_DECODE_ERROR },
    { "the last byte missing", "chop 1", TLS_DECODE_ERROR },
    { "no suite of ours", "suites 002f0035c013", TLS_HANDSHAKE_FAILURE },
    { "1.3 suites only", "suites 13011302", TLS_HANDSHAKE_FAILURE },
    { "GREASE among the suites", "suites 1a1ac02b", ACCEPT },
    { "a fallback", "suites c02b5600", TLS_INAPPROPRIATE_FALLBACK },
    { "an extension twice", "add 23 ", TLS_ILLEGAL_PARAMETER },
    /* groups and points */
    { "no supported_groups", "del 10", ACCEPT },
    { "P-256 only", "set 10 00020017", ACCEPT },
    { "P-384 only, a P-256 certificate", "set 10 00020018;suites c02b", TLS_HANDSHAKE_FAILURE },
    { "P-384 only, an RSA certificate", "set 10 00020018", ACCEPT },
    { "no group of ours", "set 10 0002001e", TLS_HANDSHAKE_FAILURE },
    { "no ec_point_formats", "del 11", ACCEPT },
    { "compressed points too", "set 11 03000102", ACCEPT },
    { "no uncompressed points", "set 11 0101", TLS_ILLEGAL_PARAMETER },
    { "no point format", "set 11 00", TLS_DECODE_ERROR },
    { "empty ec_point_formats", "set 11 ", TLS_DECODE_ERROR },
    { "a byte behind the point formats", "set 11 010000", TLS_DECODE_ERROR },
    /* signatures */
    { "no signature_algorithms: SHA-1", "del 13", TLS_HANDSHAKE_FAILURE },
    { "SHA-1 only", "set 13 000402010203", TLS_HANDSHAKE_FAILURE },
    { "PKCS#1 v1.5 only", "set 13 00020401", ACCEPT },
    { "PSS only", "set 13 00020804", ACCEPT },
    { "an RSA suite, ECDSA signatures", "suites c02f;set 13 00020403", TLS_HANDSHAKE_FAILURE },
    { "an ECDSA suite, RSA signatures", "suites c02b;set 13 00020401", TLS_HANDSHAKE_FAILURE },
    { "P-256 with SHA-384: not bound in 1.2", "suites c02b;set 13 00020503", ACCEPT },
    /* renegotiation_info, RFC 5746 */
    { "SCSV instead of renegotiation_info", "del 65281;suites c02b00ff", ACCEPT },
    { "neither", "del 65281", ACCEPT },
    { "renegotiation_info not empty", "set 65281 0c000102030405060708090a0b", TLS_HANDSHAKE_FAILURE },
    { "renegotiation_info of one byte", "set 65281 01aa", TLS_HANDSHAKE_FAILURE },
    { "empty renegotiation_info", "set 65281 ", TLS_DECODE_ERROR },
    { "a byte behind renegotiation_info", "set 65281 0000", TLS_DECODE_ERROR },
    { "no extended_master_secret", "del 23", ACCEPT },
    { "extended_master_secret with content", "set 23 00", TLS_DECODE_ERROR },
    { "no extensions", "noext", TLS_HANDSHAKE_FAILURE },
    { "ALPN", "add 16 0003026832", ACCEPT },
    { "ALPN without overlap", "add 16 0003026833", TLS_NO_APPLICATION_PROTOCOL },
    { "key_share, ignored", "add 51 0024001d0020" X25519_SHARE, ACCEPT },
};

static void hellos(uint16_t version, struct hello_case const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct spec spec;
        char what[128];
        spec_base(&spec, version);
        spec_apply(&spec, cases[i].changes);
        offer(&spec);
        snprintf(what, sizeof what, "%s: %s", version == TLS_1_3 ? "1.3" : "1.2", cases[i].what);
        outcome_is(cases[i].expected, what);
        if (cases[i].expected >= 0)
            ok(tape.out_len == 7 && tape.writes == 1, "%s: nothing but the alert leaves", what);
    }
}

/* Cut anywhere, with and without a length that says so. */
static void cut_hellos(uint16_t version)
{
    struct spec spec;
    unsigned char message[4096];
    int bad = 0, silent = 0;

    spec_base(&spec, version);
    size_t const len = spec_write(&spec, message, sizeof message);
    for (spec.chop = 1; spec.chop < len - 4; spec.chop++) {
        offer(&spec);
        bad += outcome() < 0;
    }
    ok(!bad, "%04x: no shortened hello is accepted", version);
    for (size_t left = 0; left < len; left++) {
        server_config();
        tape_clear(&tape);
        tape_record(KTLS_HANDSHAKE, message, len);
        tape.in_len = 5 + left;
        serve_tape();
        silent += server.error.kind == TLS_ERROR_EOF && !tape.out_len;
    }
    ok(silent == (int)len, "%04x: a peer that goes away in its hello gets no answer", version);
}

/* Every byte changed to some other value: an answer or an alert, never anything else. */
static void changed_hellos(uint16_t version)
{
    static unsigned char const masks[] = { 0x01, 0x80, 0xff, 0x10 };
    struct spec spec;
    unsigned char message[4096];
    int bad = 0;

    spec_base(&spec, version);
    size_t const len = spec_write(&spec, message, sizeof message);
    for (size_t i = 4; i < len; i++)
        for (size_t m = 0; m < sizeof masks; m++) {
            server_config();
            tape_clear(&tape);
            message[i] ^= masks[m];
            tape_record(KTLS_HANDSHAKE, message, len);
            message[i] ^= masks[m];
            serve_tape();
            bad += outcome() == CLOSED || (outcome() >= 0 && !ends_in_alert(outcome()));
        }
    ok(!bad, "%04x: every changed byte gets an answer or an alert", version);
}

int main(void)
{
    server_config();
    hellos(TLS_1_3, cases13, sizeof cases13 / sizeof *cases13);
    hellos(TLS_1_2, cases12, sizeof cases12 / sizeof *cases12);
    cut_hellos(TLS_1_3);
    cut_hellos(TLS_1_2);
    changed_hellos(TLS_1_3);
    changed_hellos(TLS_1_2);
    return done_testing();
}
