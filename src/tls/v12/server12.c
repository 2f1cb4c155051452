/* ISC license. */

/* The server's TLS 1.2 handshake (RFC 5246, 7.3 and 7.4; RFC 8422). */

#include <string.h>

#include "tls/v12/v12.h"

static int check_hello(struct handshake *hs, struct client_hello const *hello)
{
    struct extensions const *x = &hello->x;
    if (!memchr(hello->compression.p, 0, hello->compression.len))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "legacy_compression_methods lacks null");
    if (x->body[EXT_RENEGOTIATION_INFO].len > 1)
        return tls_fail(hs, TLS_HANDSHAKE_FAILURE, "renegotiation_info is not empty in an initial handshake");
    struct span formats;
    if (tls_only_vector(x->body[EXT_EC_POINT_FORMATS], 1, &formats) && !memchr(formats.p, 0, formats.len))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "ec_point_formats lacks uncompressed");
    return 1;
}

/* RFC 8422, 4: without supported_groups the server may choose any group; clients that
   omit it support P-256. */
static uint16_t choose_group(struct handshake const *hs, struct client_hello const *hello)
{
    if (!hello->groups.p) return tls_has_group(hs, CRYPTO_SECP256R1) ? CRYPTO_SECP256R1 : 0;
    for (size_t i = 0; i < hs->config->group_count; i++)
        if (tls_list16_has(hello->groups, hs->config->groups[i]) && !crypto_group_is_hybrid(hs->config->groups[i]))
            return hs->config->groups[i];
    return 0;
}

static int choose_share(struct handshake *hs, struct client_hello const *hello)
{
    uint16_t const group = choose_group(hs, hello);
    if (!group) return tls_fail(hs, TLS_HANDSHAKE_FAILURE, "no common group");
    return tls_make_share(hs, group);
}

/* RFC 8446, 4.1.3: a server that supports 1.3 marks the random of its 1.2 answers. */
static void make_random(struct handshake *hs)
{
    static unsigned char const sentinel[8] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D', 1 };
    struct crypto_random const *random = &hs->config->random;
    random->fill(random->ctx, hs->server_random, sizeof hs->server_random);
    if (hs->enables13) memcpy(hs->server_random + 24, sentinel, sizeof sentinel);
}

/* The answers that belong to a full handshake only (RFC 6066, 3; RFC 8422, 5.2), and the
   announcement of a NewSessionTicket (RFC 5077, 3.2). */
static void put_answers_once(struct handshake const *hs, struct writer *w, struct client_hello const *hello)
{
    static unsigned char const uncompressed = 0;
    if (hello->server_name.p) tls_put_empty_extension(w, EXT_SERVER_NAME);
    if (HAS(&hello->x, EXT_EC_POINT_FORMATS)) tls_put_extension(w, EXT_EC_POINT_FORMATS, 1, &uncompressed, 1);
    if (hs->gives_ticket) tls_put_empty_extension(w, EXT_SESSION_TICKET);
}

static int write_server_hello(struct handshake *hs, struct client_hello const *hello)
{
    enum { RENEGOTIATION_SCSV = 0x00ff };
    struct writer *w = tls_begin_server_hello(hs, hs->server_random);
    struct extensions const *x = &hello->x;

    hs->extended_master_secret = HAS(x, EXT_EXTENDED_MASTER_SECRET);
    size_t const block = tls_open_vector(w, 2);
    if (HAS(x, EXT_RENEGOTIATION_INFO) || tls_list16_has(hello->cipher_suites, RENEGOTIATION_SCSV))
        tls_put_extension(w, EXT_RENEGOTIATION_INFO, 1, NULL, 0);
    if (!hs->resumes) put_answers_once(hs, w, hello);
    if (hs->extended_master_secret) tls_put_empty_extension(w, EXT_EXTENDED_MASTER_SECRET);
    if (hs->session->alpn[0]) tls_put_chosen_alpn(hs, w);
    tls_close_vector(w, block, 2);
    /* A client that sent no extension may not support extensions at all, so an empty block is omitted. */
    if (w->len == block) w->len -= 2;
    return tls_end_message(hs);
}

static int write_certificate_request(struct handshake *hs)
{
    static unsigned char const types[] = { 1, 64 }; /* rsa_sign, ecdsa_sign */
    struct writer *w = tls_begin_message(hs, TLS_CERTIFICATE_REQUEST);
    tls_write8(w, sizeof types);
    tls_write_bytes(w, types, sizeof types);
    tls_write_list16(w, 2, hs->config->schemes, hs->config->scheme_count);
    tls_write16(w, 0); /* any authority */
    return tls_end_message(hs);
}

static int write_hello_done(struct handshake *hs)
{
    tls_begin_message(hs, TLS_SERVER_HELLO_DONE);
    return tls_end_message(hs);
}

static int send_flight(struct handshake *hs, struct client_hello const *hello)
{
    if (!write_server_hello(hs, hello) || !tls_write_certificate(hs) || !tls_write_server_key_exchange(hs)) return 0;
    if (hs->config->client_auth && !write_certificate_request(hs)) return 0;
    return write_hello_done(hs) && tls_flush_flight(hs);
}

static int read_client_certificate(struct handshake *hs, int *empty)
{
    struct message m;
    return tls_next_message(hs, &m) && tls_take_certificate(hs, &m, empty);
}

/*
 * The order of messages (RFC 5246, 7.3; RFC 8422, 2; RFC 5077, 3.1). *: in some
 * handshakes only; {}: under the new keys. Every other message causes unexpected_message.
 *
 *   client                              server
 *   ClientHello                   ->
 *                                <-     ServerHello, Certificate, ServerKeyExchange,
 *                                       CertificateRequest *, ServerHelloDone
 *   Certificate *         if it was requested
 *   ClientKeyExchange
 *   CertificateVerify *   if Certificate is not empty
 *   ChangeCipherSpec
 *   {Finished}                    ->
 *                                       NewSessionTicket *
 *                                       ChangeCipherSpec
 *                                <-     {Finished}
 */
static int full_handshake(struct handshake *hs, struct client_hello const *hello)
{
    int no_certificate = 1;
    if (!choose_share(hs, hello) || !send_flight(hs, hello)) return 0;
    if (hs->config->client_auth && !read_client_certificate(hs, &no_certificate)) return 0;
    if (!tls_read_client_key_exchange(hs)) return 0;
    if (!no_certificate && !tls_read_certificate_verify(hs)) return 0;
    if (!tls_read_finished12(hs)) return 0;
    if (hs->gives_ticket && !tls_write_ticket12(hs)) return 0;
    return tls_write_finished12(hs) && tls_flush_flight(hs);
}

/*
 * The abbreviated handshake when the client sent a valid ticket (RFC 5077, 3.1), which the
 * client may use again (3.4).
 *
 *   ClientHello                   ->
 *                                       ServerHello
 *                                       ChangeCipherSpec
 *                                <-     {Finished}
 *   ChangeCipherSpec
 *   {Finished}                    ->
 */
static int abbreviated_handshake(struct handshake *hs, struct client_hello const *hello)
{
    if (!write_server_hello(hs, hello)) return 0;
    tls_derive_keys12(hs);
    return tls_write_finished12(hs) && tls_flush_flight(hs) && tls_read_finished12(hs);
}

int tls_server12(struct handshake *hs, struct client_hello const *hello)
{
    if (!check_hello(hs, hello) || !tls_choose_suite_and_credential(hs, hello)) return 0;
    if (!tls_choose_alpn(hs, hello) || !tls_choose_session12(hs, hello)) return 0;
    make_random(hs);
    return hs->resumes ? abbreviated_handshake(hs, hello) : full_handshake(hs, hello);
}
