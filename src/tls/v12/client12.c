/* ISC license. */

/* The client's TLS 1.2 handshake after the ServerHello (RFC 5246, 7.3; RFC 8422, 2). */

#include <string.h>

#include "tls/v12/v12.h"

/* RFC 5746, 3.4 and 4.1: in an initial handshake renegotiated_connection is empty.
   Without the extension our handshake could be the continuation of an attacker's connection. */
static int check_renegotiation_info(struct handshake *hs, struct extensions const *x)
{
    struct span const body = x->body[EXT_RENEGOTIATION_INFO];
    if (!body.p) return tls_fail(hs, TLS_HANDSHAKE_FAILURE, "the server lacks secure renegotiation (RFC 5746)");
    if (body.len == 1 && !body.p[0]) return 1;
    return tls_fail(hs, TLS_HANDSHAKE_FAILURE, "renegotiation_info is not empty in an initial handshake");
}

static int check_point_formats(struct handshake *hs, struct extensions const *x)
{
    struct span formats;
    if (!HAS(x, EXT_EC_POINT_FORMATS)) return 1;
    if (!tls_only_vector(x->body[EXT_EC_POINT_FORMATS], 1, &formats) || !formats.len)
        return tls_fail(hs, TLS_DECODE_ERROR, "malformed ec_point_formats");
    return memchr(formats.p, 0, formats.len) ||
           tls_fail(hs, TLS_ILLEGAL_PARAMETER, "ec_point_formats lacks uncompressed");
}

static int use_server_hello(struct handshake *hs, struct server_hello const *hello)
{
    /* supported_groups does not belong here, but some servers send it. */
    unsigned int const allowed = BIT(EXT_SERVER_NAME) | BIT(EXT_EC_POINT_FORMATS) | BIT(EXT_ALPN) |
                                 BIT(EXT_EXTENDED_MASTER_SECRET) | BIT(EXT_RENEGOTIATION_INFO) |
                                 BIT(EXT_SUPPORTED_GROUPS);
    struct extensions x;
    if (!tls_parse_answer(hs, hello->extension_block, allowed, &x)) return 0;
    /* Our session id exists only for middleboxes: there is no session to resume. */
    if (hs->session_id_len && tls_span_equal(hello->session_id, (struct span){ hs->session_id, hs->session_id_len }))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "resumption of a session that does not exist");
    if (x.body[EXT_EXTENDED_MASTER_SECRET].len)
        return tls_fail(hs, TLS_DECODE_ERROR, "extended_master_secret should be empty");
    hs->extended_master_secret = HAS(&x, EXT_EXTENDED_MASTER_SECRET);
    return check_renegotiation_info(hs, &x) && check_point_formats(hs, &x) && tls_take_empty_server_name(hs, &x) &&
           tls_take_alpn(hs, &x);
}

static int read_server_certificate(struct handshake *hs)
{
    struct message m;
    int empty;
    if (!tls_next_message(hs, &m) || !tls_take_certificate(hs, &m, &empty)) return 0;
    return hs->peer_key.type == hs->suite->auth ||
           tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the certificate's key does not suit the cipher suite");
}

/* ClientCertificateType (RFC 8422, 5.5). */
static unsigned int key_types(struct span types)
{
    enum { RSA_SIGN = 1, ECDSA_SIGN = 64 };
    unsigned int mask = 0;
    for (size_t i = 0; i < types.len; i++) {
        if (types.p[i] == RSA_SIGN) mask |= 1u << CRYPTO_RSA;
        if (types.p[i] == ECDSA_SIGN) mask |= 1u << CRYPTO_EC;
    }
    return mask;
}

static int well_formed_names(struct span authorities)
{
    struct reader names = tls_reader_on(authorities);
    while (names.left)
        if (!tls_read_vector16(&names).len) return 0;
    return !names.bad;
}

static int read_certificate_request(struct handshake *hs, struct message const *m)
{
    struct reader r = tls_reader_on(m->body);
    struct span const types = tls_read_vector8(&r), schemes = tls_read_vector16(&r);
    struct span const authorities = tls_read_vector16(&r);
    if (!tls_read_to_end(&r) || !types.len || !schemes.len || schemes.len % 2 || !well_formed_names(authorities))
        return tls_fail(hs, TLS_DECODE_ERROR, "malformed CertificateRequest");
    tls_add_to_transcript(hs, m);
    struct request const request = { key_types(types), schemes, schemes };
    return tls_choose_client_credential(hs, &request);
}

/* A copy of the server's share, because the next message overwrites the input buffer. */
struct peer_share {
    unsigned char bytes[CRYPTO_MAX_CURVE_SHARE];
    size_t len;
};

static int read_key_exchange(struct handshake *hs, struct peer_share *peer)
{
    struct message m;
    struct span share;
    if (!tls_expect_message(hs, TLS_SERVER_KEY_EXCHANGE, &m) || !tls_read_server_key_exchange(hs, &m, &share)) return 0;
    memcpy(peer->bytes, share.p, share.len);
    peer->len = share.len;
    tls_add_to_transcript(hs, &m);
    return 1;
}

static int read_hello_done(struct handshake *hs, int *asked)
{
    struct message m;
    if (!tls_next_message(hs, &m)) return 0;
    *asked = m.type == TLS_CERTIFICATE_REQUEST;
    if (*asked && (!read_certificate_request(hs, &m) || !tls_next_message(hs, &m))) return 0;
    if (m.type != TLS_SERVER_HELLO_DONE) return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "ServerHelloDone expected");
    if (m.body.len) return tls_fail(hs, TLS_DECODE_ERROR, "ServerHelloDone is not empty");
    tls_add_to_transcript(hs, &m);
    return tls_at_record_boundary(hs);
}

static int send_flight(struct handshake *hs, int asked, struct peer_share const *peer)
{
    if (asked && !tls_write_certificate(hs)) return 0;
    if (!tls_write_client_key_exchange(hs, (struct span){ peer->bytes, peer->len })) return 0;
    if (hs->credential && !tls_write_certificate_verify(hs)) return 0;
    return tls_write_finished12(hs) && tls_flush_flight(hs);
}

/*
 * The order of messages (RFC 5246, 7.3; RFC 8422, 2). *: in some handshakes only;
 * {}: under the new keys. Every other message causes unexpected_message, except
 * HelloRequest, which is ignored.
 *
 *   client                              server
 *   ClientHello                   ->
 *                                <-     ServerHello
 *                                       Certificate
 *                                       ServerKeyExchange
 *                                       CertificateRequest *
 *                                <-     ServerHelloDone
 *   Certificate *         if it was requested
 *   ClientKeyExchange
 *   CertificateVerify *   if Certificate is not empty
 *   ChangeCipherSpec
 *   {Finished}                    ->
 *                                       ChangeCipherSpec
 *                                <-     {Finished}
 */
int tls_client12(struct handshake *hs, struct server_hello const *hello)
{
    struct peer_share peer;
    int asked;
    if (!use_server_hello(hs, hello)) return 0;
    if (!read_server_certificate(hs)) return 0;
    if (!read_key_exchange(hs, &peer)) return 0;
    if (!read_hello_done(hs, &asked)) return 0;
    if (!send_flight(hs, asked, &peer)) return 0;
    return tls_read_finished12(hs);
}
