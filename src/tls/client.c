/* ISC license. */

/* The client up to the ServerHello that decides the version (RFC 8446, 4.1). */

#include <errno.h>
#include <string.h>

#include "tls/handshake.h"

static void random_bytes(struct handshake const *hs, void *to, size_t len)
{
    hs->config->random.fill(hs->config->random.ctx, to, len);
}

int make_share(struct handshake *hs, uint16_t group)
{
    hs->session->group = group;
    return crypto_share_generate(&hs->share, group, &hs->config->random) ||
           fail(hs, TLS_INTERNAL_ERROR, "no key share");
}

int client_send_hello(struct handshake *hs)
{
    if (!hs->enables12 && !hs->enables13) return fail_with(hs, TLS_ERROR_SYSTEM, EINVAL, "no suite to offer");
    note_server_name(hs, offered_server_name(hs->config));
    random_bytes(hs, hs->client_random, sizeof hs->client_random);
    if (hs->enables13) {
        /* RFC 8446, D.4: middleboxes want to see a resumption. */
        hs->session_id_len = sizeof hs->session_id;
        random_bytes(hs, hs->session_id, hs->session_id_len);
        if (!make_share(hs, hs->config->groups[0])) return 0;
    }
    return write_client_hello(hs, (struct span){ 0 }) && flush_flight(hs);
}

static int read_server_hello(struct handshake *hs, struct message *m, struct server_hello *hello)
{
    return expect_message(hs, TLS_SERVER_HELLO, m) && parse_server_hello(hs, m, hello);
}

int take_suite(struct handshake *hs, struct server_hello const *hello)
{
    struct crypto_suite const *before = hs->suite;
    if (hello->compression) return fail(hs, TLS_ILLEGAL_PARAMETER, "compression");
    hs->suite = NULL;
    for (size_t i = 0; i < hs->config->suite_count; i++)
        if (hs->config->suites[i] == hello->cipher_suite)
            hs->suite = crypto_suite_by_id((uint16_t)hello->cipher_suite);
    if (!hs->suite || hs->suite->version != hs->version)
        return fail(hs, TLS_ILLEGAL_PARAMETER, "a cipher suite we did not offer");
    if (before && before != hs->suite) return fail(hs, TLS_ILLEGAL_PARAMETER, "the cipher suite changed");
    return 1;
}

int take_empty_server_name(struct handshake *hs, struct extensions const *x)
{
    return !x->body[EXT_SERVER_NAME].len || fail(hs, TLS_DECODE_ERROR, "server_name should be empty");
}

/* RFC 7301, 3.1: exactly one, of those that we offered. */
int take_alpn(struct handshake *hs, struct extensions const *x)
{
    if (!HAS(x, EXT_ALPN)) return 1;
    struct reader r = reader_on(x->body[EXT_ALPN]);
    struct reader list = reader_on(read_vector16(&r));
    struct span const name = read_vector8(&list);
    if (!read_to_end(&r) || !read_to_end(&list) || !name.len)
        return fail(hs, TLS_DECODE_ERROR, "malformed ALPN answer");
    struct reader offered = reader_on((struct span){ hs->config->alpn, hs->config->alpn_len });
    while (offered.left && !offered.bad) {
        if (!span_equal(read_vector8(&offered), name)) continue;
        memcpy(hs->session->alpn, name.p, name.len);
        hs->session->alpn[name.len] = 0;
        return 1;
    }
    return fail(hs, TLS_ILLEGAL_PARAMETER, "an application protocol we did not offer");
}

/* RFC 8446, 4.1.3: a 1.3 server marks an answer below 1.3. */
static int check_downgrade(struct handshake *hs, struct server_hello const *hello)
{
    static unsigned char const sentinel[7] = { 'D', 'O', 'W', 'N', 'G', 'R', 'D' };
    unsigned char const *tail = hello->random.p + 24;
    if (hs->enables13 && !memcmp(tail, sentinel, sizeof sentinel) && tail[7] <= 1)
        return fail(hs, TLS_ILLEGAL_PARAMETER, "somebody downgraded the protocol version");
    return 1;
}

static int take_legacy_version(struct handshake *hs, struct server_hello const *hello)
{
    if (hs->version) return fail(hs, TLS_ILLEGAL_PARAMETER, "the version changed after HelloRetryRequest");
    if (hello->legacy_version != TLS_1_2 || !hs->enables12)
        return fail(hs, TLS_PROTOCOL_VERSION, "the server wants a protocol version that we do not");
    if (hs->dummy_ccs_seen) return fail(hs, TLS_UNEXPECTED_MESSAGE, "ChangeCipherSpec out of place");
    hs->version = TLS_1_2;
    hs->dummy_ccs_allowed = 0;
    return check_downgrade(hs, hello);
}

static int take_selected_version(struct handshake *hs, struct server_hello const *hello, struct span body)
{
    struct reader r = reader_on(body);
    unsigned int const version = read16(&r);
    if (!read_to_end(&r)) return fail(hs, TLS_DECODE_ERROR, "malformed supported_versions");
    if (version != TLS_1_3 || hello->legacy_version != TLS_1_2)
        return fail(hs, TLS_ILLEGAL_PARAMETER, "a protocol version we did not offer");
    hs->version = TLS_1_3;
    struct span const sent = { hs->session_id, hs->session_id_len };
    if (!span_equal(hello->session_id, sent)) return fail(hs, TLS_ILLEGAL_PARAMETER, "session id not echoed");
    return 1;
}

static int take_version(struct handshake *hs, struct server_hello const *hello)
{
    struct extensions x;
    if (!parse_extensions(hs, hello->extension_block, &x)) return 0;
    if (hs->enables13 && HAS(&x, EXT_SUPPORTED_VERSIONS))
        return take_selected_version(hs, hello, x.body[EXT_SUPPORTED_VERSIONS]);
    return take_legacy_version(hs, hello);
}

/* The group that a HelloRetryRequest asks for: one of ours, but not the one we sent. */
static int take_retry_group(struct handshake *hs, struct span body)
{
    struct reader r = reader_on(body);
    unsigned int const group = read16(&r);
    if (!read_to_end(&r)) return fail(hs, TLS_DECODE_ERROR, "malformed key_share");
    if (!has_group(hs, group) || group == hs->share.group)
        return fail(hs, TLS_ILLEGAL_PARAMETER, "HelloRetryRequest for a group that changes nothing");
    return make_share(hs, (uint16_t)group);
}

static int take_retry(struct handshake *hs, struct server_hello const *hello, struct span *cookie)
{
    struct extensions x;
    if (!take_version(hs, hello)) return 0;
    if (hs->version != TLS_1_3)
        return fail(hs, TLS_ILLEGAL_PARAMETER, "HelloRetryRequest without supported_versions");
    if (!take_suite(hs, hello)) return 0;
    if (!parse_answer(hs, hello->extension_block,
                      BIT(EXT_SUPPORTED_VERSIONS) | BIT(EXT_KEY_SHARE) | BIT(EXT_COOKIE), &x))
        return 0;
    if (!HAS(&x, EXT_KEY_SHARE) && !HAS(&x, EXT_COOKIE))
        return fail(hs, TLS_ILLEGAL_PARAMETER, "HelloRetryRequest that changes nothing");
    *cookie = (struct span){ 0 };
    if (HAS(&x, EXT_COOKIE)) {
        struct reader r = reader_on(x.body[EXT_COOKIE]);
        *cookie = read_vector16(&r);
        if (!read_to_end(&r) || !cookie->len) return fail(hs, TLS_DECODE_ERROR, "malformed cookie");
    }
    return !HAS(&x, EXT_KEY_SHARE) || take_retry_group(hs, x.body[EXT_KEY_SHARE]);
}

static int answer_retry(struct handshake *hs, struct message const *m, struct server_hello const *hello)
{
    struct span cookie;
    if (!take_retry(hs, hello, &cookie) || !at_record_boundary(hs)) return 0;
    restart_transcript(hs);
    hs->session->retried = 1;
    add_to_transcript(hs, m);
    hs->dummy_ccs_sent = 1;
    return put_change_cipher_spec(hs) && write_client_hello(hs, cookie) && flush_flight(hs);
}

int client_after_hello(struct handshake *hs)
{
    struct message m;
    struct server_hello hello;

    hs->hello_sent = 1;
    hs->dummy_ccs_allowed = hs->enables13;
    if (!read_server_hello(hs, &m, &hello)) return 0;
    if (hello.is_retry && hs->enables13) {
        if (!answer_retry(hs, &m, &hello) || !read_server_hello(hs, &m, &hello)) return 0;
        if (hello.is_retry) return fail(hs, TLS_UNEXPECTED_MESSAGE, "a second HelloRetryRequest");
    }
    if (!take_version(hs, &hello) || !take_suite(hs, &hello)) return 0;
    memcpy(hs->server_random, hello.random.p, sizeof hs->server_random);
    add_to_transcript(hs, &m);
    return hs->version == TLS_1_3 ? client13(hs, &hello) : client12(hs, &hello);
}
