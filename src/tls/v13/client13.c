/* ISC license. */

/* The client's TLS 1.3 handshake after the ServerHello (RFC 8446, 2 and 4.2 to 4.4). */

#include <string.h>

#include "tls/v13/v13.h"

/* ---- HelloRetryRequest (4.1.4) ---- */

/* RFC 8446, 4.2.8: the group must be one that we support and whose share we have not sent. */
static int take_retry_group(struct handshake *hs, struct span body)
{
    struct reader r = tls_reader_on(body);
    unsigned int const group = tls_read16(&r);
    if (!tls_read_to_end(&r)) return tls_fail(hs, TLS_DECODE_ERROR, "malformed key_share");
    if (!tls_has_group(hs, group) || tls_sent_share(hs, group))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "HelloRetryRequest for an unusable group");
    hs->retry_group = (uint16_t)group;
    return tls_make_share(hs, hs->retry_group);
}

static int take_retry(struct handshake *hs, struct server_hello const *hello, struct span *cookie)
{
    struct extensions x;
    if (hs->version != TLS_1_3)
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "HelloRetryRequest without supported_versions");
    if (!tls_take_suite(hs, hello)) return 0;
    if (!tls_parse_answer(hs, hello->extension_block,
                      BIT(EXT_SUPPORTED_VERSIONS) | BIT(EXT_KEY_SHARE) | BIT(EXT_COOKIE), &x))
        return 0;
    if (!HAS(&x, EXT_KEY_SHARE) && !HAS(&x, EXT_COOKIE))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "HelloRetryRequest that would not change the ClientHello");
    *cookie = (struct span){ 0 };
    if (HAS(&x, EXT_COOKIE) && (!tls_only_vector(x.body[EXT_COOKIE], 2, cookie) || !cookie->len))
        return tls_fail(hs, TLS_DECODE_ERROR, "malformed cookie");
    return !HAS(&x, EXT_KEY_SHARE) || take_retry_group(hs, x.body[EXT_KEY_SHARE]);
}

int tls_client13_retry(struct handshake *hs, struct message const *m, struct server_hello const *hello)
{
    struct span cookie;
    if (!take_retry(hs, hello, &cookie) || !tls_at_record_boundary(hs)) return 0;
    tls_restart_transcript(hs);
    hs->session->retried = 1;
    tls_add_to_transcript(hs, m);
    hs->dummy_ccs_sent = 1;
    return tls_put_change_cipher_spec(hs) && tls_write_client_hello(hs, cookie) && tls_flush_flight(hs);
}

/* ---- after the ServerHello ---- */

static int agree(struct handshake *hs, struct span body)
{
    struct reader r = tls_reader_on(body);
    unsigned char shared[CRYPTO_MAX_SHARED_SECRET];

    unsigned int const group = tls_read16(&r);
    struct span const share = tls_read_vector16(&r);
    if (!tls_read_to_end(&r) || !share.len) return tls_fail(hs, TLS_DECODE_ERROR, "malformed key_share");
    if (!tls_sent_share(hs, group))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "key share of a group that was not offered");
    hs->session->group = (uint16_t)group;
    size_t const len = crypto_share_agree(&hs->share, hs->session->group, share.p, share.len, shared);
    if (!len) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "invalid key share");
    tls_schedule_handshake(hs, shared, len);
    crypto_wipe(shared, sizeof shared);
    crypto_wipe(&hs->share, sizeof hs->share);
    return 1;
}

/* The dummy ChangeCipherSpec precedes our first protected record, which is our
   flight or an alert (RFC 8446, D.4). */
static int send_dummy_ccs(struct handshake *hs)
{
    return hs->dummy_ccs_sent || !hs->session_id_len || tls_put_change_cipher_spec(hs);
}

static int use_server_hello(struct handshake *hs, struct server_hello const *hello)
{
    struct extensions x;
    if (!tls_parse_answer(hs, hello->extension_block, BIT(EXT_SUPPORTED_VERSIONS) | BIT(EXT_KEY_SHARE), &x)) return 0;
    if (!HAS(&x, EXT_KEY_SHARE)) return tls_fail(hs, TLS_MISSING_EXTENSION, "ServerHello without key_share");
    return agree(hs, x.body[EXT_KEY_SHARE]) && tls_protect_rx(hs) && send_dummy_ccs(hs) && tls_protect_tx(hs);
}

static int read_encrypted_extensions(struct handshake *hs)
{
    struct message m;
    struct span block;
    struct extensions x;
    if (!tls_expect_message(hs, TLS_ENCRYPTED_EXTENSIONS, &m)) return 0;
    if (!tls_only_vector(m.body, 2, &block)) return tls_fail(hs, TLS_DECODE_ERROR, "malformed EncryptedExtensions");
    if (!tls_parse_answer(hs, block, BIT(EXT_SERVER_NAME) | BIT(EXT_SUPPORTED_GROUPS) | BIT(EXT_ALPN), &x)) return 0;
    tls_add_to_transcript(hs, &m);
    return tls_take_empty_server_name(hs, &x) && tls_take_alpn(hs, &x);
}

static int read_schemes(struct handshake *hs, struct span body, struct span *schemes)
{
    return tls_only_list16(body, 2, schemes) || tls_fail(hs, TLS_DECODE_ERROR, "malformed signature_algorithms");
}

static int read_certificate_request(struct handshake *hs, struct message const *m)
{
    static unsigned int const allowed = BIT(EXT_SIGNATURE_ALGORITHMS) | BIT(EXT_SIGNATURE_ALGORITHMS_CERT);
    struct reader r = tls_reader_on(m->body);
    struct extensions x;

    struct span const context = tls_read_vector8(&r), block = tls_read_vector16(&r);
    if (!tls_read_to_end(&r)) return tls_fail(hs, TLS_DECODE_ERROR, "malformed CertificateRequest");
    if (context.len) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "certificate_request_context");
    if (!tls_parse_extensions(hs, block, &x)) return 0;
    for (enum extension e = 0; e < EXTENSIONS; e++)
        if (HAS(&x, e) && !(allowed & BIT(e)))
            return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "an extension in the wrong message");
    if (!HAS(&x, EXT_SIGNATURE_ALGORITHMS))
        return tls_fail(hs, TLS_MISSING_EXTENSION, "CertificateRequest without signature_algorithms");
    struct request request = { .key_types = 1u << CRYPTO_RSA | 1u << CRYPTO_EC };
    if (!read_schemes(hs, x.body[EXT_SIGNATURE_ALGORITHMS], &request.schemes)) return 0;
    request.certificate_schemes = request.schemes;
    struct span const for_certificates = x.body[EXT_SIGNATURE_ALGORITHMS_CERT];
    if (for_certificates.p && !read_schemes(hs, for_certificates, &request.certificate_schemes)) return 0;
    tls_add_to_transcript(hs, m);
    return tls_choose_client_credential(hs, &request);
}

static int read_server_authentication(struct handshake *hs, int *asked)
{
    struct message m;
    int empty;

    if (!tls_next_message(hs, &m)) return 0;
    *asked = m.type == TLS_CERTIFICATE_REQUEST;
    if (*asked && (!read_certificate_request(hs, &m) || !tls_next_message(hs, &m))) return 0;
    return tls_take_certificate(hs, &m, &empty) && tls_read_certificate_verify(hs);
}

static int send_flight(struct handshake *hs, int asked)
{
    if (asked && !tls_write_certificate(hs)) return 0;
    if (hs->credential && !tls_write_certificate_verify(hs)) return 0;
    return tls_write_finished13(hs) && tls_flush_flight(hs) && tls_advance_tx(hs);
}

/*
 * The order of messages (RFC 8446, 2). *: in some handshakes only; {}: under the
 * handshake traffic keys. Every other message causes unexpected_message.
 *
 *   client                              server
 *   ClientHello                   ->
 *                                <-     HelloRetryRequest *
 *   ClientHello *                 ->
 *                                <-     ServerHello
 *                                       {EncryptedExtensions}
 *                                       {CertificateRequest} *
 *                                       {Certificate}
 *                                       {CertificateVerify}
 *                                <-     {Finished}
 *   {Certificate} *       if it was requested
 *   {CertificateVerify} * if it is not empty
 *   {Finished}                    ->
 */
int tls_client13(struct handshake *hs, struct server_hello const *hello)
{
    int asked;
    if (!use_server_hello(hs, hello)) return 0;
    if (!read_encrypted_extensions(hs)) return 0;
    if (!read_server_authentication(hs, &asked)) return 0;
    if (!tls_read_finished13(hs)) return 0;
    tls_schedule_application(hs);
    return tls_advance_rx(hs) && send_flight(hs, asked);
}
