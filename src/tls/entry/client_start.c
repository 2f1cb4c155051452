/* ISC license. */

/* The client up to the ServerHello that decides the version (RFC 8446, 4.1). */

#include <errno.h>
#include <string.h>

#include "tls/entry/entry.h"
#include "tls/v12/v12.h"
#include "tls/v13/v13.h"

static void random_bytes(struct handshake const *hs, void *to, size_t len)
{
    hs->config->random.fill(hs->config->random.ctx, to, len);
}

int tls_client_send_hello(struct handshake *hs)
{
    if (!hs->enables12 && !hs->enables13) return tls_fail_with(hs, TLS_ERROR_SYSTEM, EINVAL, "no enabled cipher suite");
    tls_note_server_name(hs, tls_offered_server_name(hs->config));
    random_bytes(hs, hs->client_random, sizeof hs->client_random);
    if (hs->enables13) {
        /* RFC 8446, D.4: middleboxes expect a hello that looks like a resumption. */
        hs->session_id_len = sizeof hs->session_id;
        random_bytes(hs, hs->session_id, hs->session_id_len);
        if (!tls_make_share(hs, hs->config->groups[0])) return 0;
    }
    return tls_write_client_hello(hs, (struct span){ 0 }) && tls_flush_flight(hs);
}

static int read_server_hello(struct handshake *hs, struct message *m, struct server_hello *hello)
{
    return tls_expect_message(hs, TLS_SERVER_HELLO, m) && tls_parse_server_hello(hs, m, hello);
}

/* RFC 8446, 4.1.3: a server that supports 1.3 marks the random of an answer with a lower version. */
static int check_downgrade(struct handshake *hs, struct server_hello const *hello)
{
    static unsigned char const sentinel[7] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D' };
    unsigned char const *tail = hello->random.p + 24;
    if (hs->enables13 && !memcmp(tail, sentinel, sizeof sentinel) && tail[7] <= 1)
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the server's random indicates a downgrade of the protocol version");
    return 1;
}

static int take_legacy_version(struct handshake *hs, struct server_hello const *hello)
{
    if (hs->version) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the version changed after HelloRetryRequest");
    if (hello->legacy_version != TLS_1_2 || !hs->enables12)
        return tls_fail(hs, TLS_PROTOCOL_VERSION, "unsupported protocol version");
    if (hs->dummy_ccs_seen) return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "ChangeCipherSpec out of place");
    hs->version = TLS_1_2;
    hs->dummy_ccs_allowed = 0;
    return check_downgrade(hs, hello);
}

static int take_selected_version(struct handshake *hs, struct server_hello const *hello, struct span body)
{
    struct reader r = tls_reader_on(body);
    unsigned int const version = tls_read16(&r);
    if (!tls_read_to_end(&r)) return tls_fail(hs, TLS_DECODE_ERROR, "malformed supported_versions");
    if (version != TLS_1_3 || hello->legacy_version != TLS_1_2)
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the server chose a protocol version that was not offered");
    hs->version = TLS_1_3;
    struct span const sent = { hs->session_id, hs->session_id_len };
    if (!tls_span_equal(hello->session_id, sent))
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "the server did not echo the session id");
    return 1;
}

static int take_version(struct handshake *hs, struct server_hello const *hello)
{
    struct extensions x;
    if (!tls_parse_extensions(hs, hello->extension_block, &x)) return 0;
    if (hs->enables13 && HAS(&x, EXT_SUPPORTED_VERSIONS))
        return take_selected_version(hs, hello, x.body[EXT_SUPPORTED_VERSIONS]);
    return take_legacy_version(hs, hello);
}

int tls_client_after_hello(struct handshake *hs)
{
    struct message m;
    struct server_hello hello;

    hs->hello_sent = 1;
    hs->dummy_ccs_allowed = hs->enables13;
    if (!read_server_hello(hs, &m, &hello)) return 0;
    if (hello.is_retry && hs->enables13) {
        if (!take_version(hs, &hello) || !tls_client13_retry(hs, &m, &hello)) return 0;
        if (!read_server_hello(hs, &m, &hello)) return 0;
        if (hello.is_retry) return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "a second HelloRetryRequest");
    }
    if (!take_version(hs, &hello) || !tls_take_suite(hs, &hello)) return 0;
    memcpy(hs->server_random, hello.random.p, sizeof hs->server_random);
    tls_add_to_transcript(hs, &m);
    return hs->version == TLS_1_3 ? tls_client13(hs, &hello) : tls_client12(hs, &hello);
}
