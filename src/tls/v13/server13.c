/* ISC license. */

/* The server's TLS 1.3 handshake (RFC 8446, 2, 4.1 to 4.4). */

#include <string.h>

#include "tls/v13/v13.h"

static int check_hello(struct handshake *hs, struct client_hello const *hello)
{
    struct extensions const *x = &hello->x;
    if (hello->compression.len != 1 || hello->compression.p[0])
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "compression");
    if (HAS(x, EXT_PRE_SHARED_KEY) && !HAS(x, EXT_PSK_KEY_EXCHANGE_MODES))
        return tls_fail(hs, TLS_MISSING_EXTENSION, "pre_shared_key without psk_key_exchange_modes");
    if (!HAS(x, EXT_SUPPORTED_GROUPS) || !HAS(x, EXT_KEY_SHARE) || !HAS(x, EXT_SIGNATURE_ALGORITHMS))
        return tls_fail(hs, TLS_MISSING_EXTENSION, "the client offers no key exchange with certificates");
    return 1;
}

/* RFC 8446, 4.2.8: each share must be of a group in supported_groups, and of a group of its own. */
static int check_shares(struct handshake *hs, struct client_hello const *hello)
{
    unsigned char due[65536 / 8] = { 0 };
    struct reader groups = tls_reader_on(hello->groups), shares = tls_reader_on(hello->shares);
    while (groups.left && !groups.bad) {
        unsigned int const group = tls_read16(&groups);
        due[group >> 3] |= (unsigned char)(1 << (group & 7));
    }
    while (shares.left && !shares.bad) {
        unsigned int const group = tls_read16(&shares), bit = 1u << (group & 7);
        tls_read_vector16(&shares);
        if (!(due[group >> 3] & bit))
            return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "key share duplicate, or of a group not in supported_groups");
        due[group >> 3] &= (unsigned char)~bit;
    }
    return 1;
}

static struct span find_share(struct client_hello const *hello, uint16_t group)
{
    struct reader r = tls_reader_on(hello->shares);
    while (r.left && !r.bad) {
        unsigned int const of = tls_read16(&r);
        struct span const share = tls_read_vector16(&r);
        if (of == group) return share;
    }
    return (struct span){ 0 };
}

/* Prefers a group whose share was sent to a better group that would cost a round trip. */
static int choose_group(struct handshake *hs, struct client_hello const *hello, uint16_t *group, struct span *share)
{
    *group = 0;
    *share = (struct span){ 0 };
    for (uint16_t const *g = hs->config->groups; g < hs->config->groups + hs->config->group_count; g++) {
        if (!tls_list16_has(hello->groups, *g)) continue;
        if (!*group) *group = *g;
        *share = find_share(hello, *g);
        if (!share->p) continue;
        *group = *g;
        return 1;
    }
    return *group || tls_fail(hs, TLS_HANDSHAKE_FAILURE, "no common group");
}

static void put16(struct writer *w, enum extension e, unsigned int n)
{
    unsigned char const bytes[2] = { (unsigned char)(n >> 8), (unsigned char)n };
    tls_put_extension(w, e, 0, bytes, sizeof bytes);
}

static int send_dummy_ccs(struct handshake *hs)
{
    int const due = hs->session_id_len && !hs->dummy_ccs_sent;
    hs->dummy_ccs_sent = 1;
    return !due || tls_put_change_cipher_spec(hs);
}

static int send_retry(struct handshake *hs, uint16_t group)
{
    tls_restart_transcript(hs);
    hs->session->retried = 1;
    struct writer *w = tls_begin_server_hello(hs, tls_hello_retry_random);
    size_t const block = tls_open_vector(w, 2);
    put16(w, EXT_KEY_SHARE, group);
    put16(w, EXT_SUPPORTED_VERSIONS, TLS_1_3);
    tls_close_vector(w, block, 2);
    return tls_end_message(hs) && send_dummy_ccs(hs) && tls_flush_flight(hs);
}

/* The second hello must contain exactly one share, of the group that we requested. */
static int take_only_share(struct handshake *hs, struct client_hello const *hello, uint16_t group, struct span *share)
{
    struct reader r = tls_reader_on(hello->shares);
    unsigned int const of = tls_read16(&r);
    *share = tls_read_vector16(&r);
    return (tls_read_to_end(&r) && of == group) ||
           tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the key share is not the one that HelloRetryRequest requested");
}

static int retry(struct handshake *hs, struct client_hello *hello, uint16_t group, struct span *share)
{
    struct client_hello const first = *hello;
    struct message m;

    if (!send_retry(hs, group)) return 0;
    hs->in_keep = hs->in_start; /* keeps the first hello for the comparison */
    hs->early_data_left = HAS(&first.x, EXT_EARLY_DATA) ? MAX_SKIPPED_EARLY_DATA : 0;
    if (!tls_expect_message(hs, TLS_CLIENT_HELLO, &m) || !tls_parse_client_hello(hs, &m, hello)) return 0;
    hs->early_data_left = 0;
    hs->in_keep = 0;
    if (!tls_at_record_boundary(hs) || !check_hello(hs, hello)) return 0;
    if (!tls_is_same_hello(&first, hello) || HAS(&hello->x, EXT_EARLY_DATA))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the second ClientHello differs from the first");
    tls_add_hello_to_transcript(hs, &m, hello);
    return take_only_share(hs, hello, group, share);
}

/* Returns the length of the shared secret; 0: failed. */
static size_t agree(struct handshake *hs, uint16_t group, struct span share, unsigned char *shared)
{
    hs->session->group = group;
    size_t const len =
        crypto_share_answer(&hs->share, group, &hs->config->random, share.p, share.len, shared);
    if (!len) tls_fail(hs, TLS_ILLEGAL_PARAMETER, "invalid key share");
    return len;
}

static int write_server_hello(struct handshake *hs)
{
    struct writer *w = tls_begin_server_hello(hs, hs->server_random);
    size_t const block = tls_open_vector(w, 2);
    size_t const extension = tls_open_extension(w, EXT_KEY_SHARE);
    tls_write16(w, hs->share.group);
    size_t const key = tls_open_vector(w, 2);
    tls_write_bytes(w, hs->share.public_key, hs->share.public_len);
    tls_close_vector(w, key, 2);
    tls_close_extension(w, extension);
    if (hs->resumes) put16(w, EXT_PRE_SHARED_KEY, hs->psk_identity);
    put16(w, EXT_SUPPORTED_VERSIONS, TLS_1_3);
    tls_close_vector(w, block, 2);
    return tls_end_message(hs);
}

static int say_hello(struct handshake *hs, uint16_t group, struct span share)
{
    unsigned char shared[CRYPTO_MAX_SHARED_SECRET];
    struct crypto_random const *random = &hs->config->random;

    random->fill(random->ctx, hs->server_random, sizeof hs->server_random);
    size_t const len = agree(hs, group, share, shared);
    int const said = len && write_server_hello(hs);
    if (said) tls_schedule_handshake(hs, shared, len);
    crypto_wipe(shared, sizeof shared);
    crypto_wipe(&hs->share, sizeof hs->share);
    return said && send_dummy_ccs(hs) && tls_protect_tx(hs) && tls_protect_rx(hs);
}

static int write_encrypted_extensions(struct handshake *hs, struct client_hello const *hello)
{
    struct writer *w = tls_begin_message(hs, TLS_ENCRYPTED_EXTENSIONS);
    size_t const block = tls_open_vector(w, 2);
    if (hello->server_name.p) tls_put_empty_extension(w, EXT_SERVER_NAME);
    if (hs->session->alpn[0]) tls_put_chosen_alpn(hs, w);
    tls_close_vector(w, block, 2);
    return tls_end_message(hs);
}

static int write_certificate_request(struct handshake *hs)
{
    struct writer *w = tls_begin_message(hs, TLS_CERTIFICATE_REQUEST);
    tls_write8(w, 0); /* certificate_request_context */
    size_t const block = tls_open_vector(w, 2);
    tls_put_scheme_extensions(hs, w);
    tls_close_vector(w, block, 2);
    return tls_end_message(hs);
}

static int write_authentication(struct handshake *hs)
{
    if (hs->config->client_auth && !write_certificate_request(hs)) return 0;
    return tls_write_certificate(hs) && tls_write_certificate_verify(hs);
}

static int send_flight(struct handshake *hs, struct client_hello const *hello)
{
    if (!write_encrypted_extensions(hs, hello)) return 0;
    if (!hs->resumes && !write_authentication(hs)) return 0;
    if (!tls_write_finished13(hs)) return 0;
    tls_schedule_application(hs);
    return tls_flush_flight(hs) && tls_advance_tx(hs);
}

static int read_client_authentication(struct handshake *hs)
{
    struct message m;
    int empty;
    if (!tls_next_message(hs, &m) || !tls_take_certificate(hs, &m, &empty)) return 0;
    return empty || tls_read_certificate_verify(hs);
}

/*
 * The order of messages (RFC 8446, 2). *: in some handshakes only; {}: under the
 * handshake traffic keys; []: under the application traffic keys. Every other message
 * causes unexpected_message.
 *
 *   client                              server
 *   ClientHello                   ->
 *                                <-     HelloRetryRequest *     without a share of a common group
 *   ClientHello *                 ->
 *                                <-     ServerHello
 *                                       {EncryptedExtensions}
 *                                       {CertificateRequest} *  these three not when a PSK is used
 *                                       {Certificate} *
 *                                       {CertificateVerify} *
 *                                <-     {Finished}
 *   {Certificate} *       if it was requested
 *   {CertificateVerify} * if it is not empty
 *   {Finished}                    ->
 *                                <-     [NewSessionTicket] *
 */
int tls_server13(struct handshake *hs, struct client_hello const *first)
{
    struct client_hello hello = *first;
    struct span share;
    uint16_t group;

    hs->dummy_ccs_allowed = 1;
    hs->session_id_len = hello.session_id.len;
    memcpy(hs->session_id, hello.session_id.p, hello.session_id.len);
    if (!check_hello(hs, &hello) || !check_shares(hs, &hello)) return 0;
    if (!tls_choose_suite_and_credential(hs, &hello) || !choose_group(hs, &hello, &group, &share)) return 0;
    if (!tls_choose_alpn(hs, &hello)) return 0;
    if (!share.p && !retry(hs, &hello, group, &share)) return 0;
    if (!tls_choose_psk(hs, &hello) || !say_hello(hs, group, share)) return 0;
    if (HAS(&hello.x, EXT_EARLY_DATA)) hs->early_data_left = MAX_SKIPPED_EARLY_DATA;
    if (!send_flight(hs, &hello)) return 0;
    if (hs->config->client_auth && !read_client_authentication(hs)) return 0;
    return tls_read_finished13(hs) && tls_advance_rx(hs) && tls_send_ticket13(hs);
}
