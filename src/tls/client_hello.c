/* ISC license. */

/* Writing and parsing ClientHello (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2). */

#include <string.h>

#include "tls/handshake.h"

/* ---- writing ---- */

static void put_suites(struct handshake const *hs, struct writer *w)
{
    size_t const list = tls_open_vector(w, 2);
    for (size_t i = 0; i < hs->config->suite_count; i++) {
        struct crypto_suite const *suite = crypto_suite_by_id(hs->config->suites[i]);
        if (suite && tls_config_enables(hs->config, suite->version)) tls_write16(w, suite->id);
    }
    tls_close_vector(w, list, 2);
}

struct span tls_offered_server_name(struct tls_config const *config)
{
    char const *name = config->server_name;
    if (!name || !x509_is_dns_name(name, strlen(name))) return (struct span){ 0 };
    return (struct span){ (unsigned char const *)name, strlen(name) };
}

static void put_server_name(struct writer *w, struct span name)
{
    size_t const extension = tls_open_extension(w, EXT_SERVER_NAME);
    size_t const list = tls_open_vector(w, 2);
    tls_write8(w, 0); /* host_name */
    size_t const host = tls_open_vector(w, 2);
    tls_write_bytes(w, name.p, name.len);
    tls_close_vector(w, host, 2);
    tls_close_vector(w, list, 2);
    tls_close_extension(w, extension);
}

static void put_groups(struct handshake const *hs, struct writer *w)
{
    uint16_t groups[TLS_MAX_GROUPS];
    size_t count = 0;
    for (size_t i = 0; i < hs->config->group_count; i++)
        if (hs->enables13 || !crypto_group_is_hybrid(hs->config->groups[i])) groups[count++] = hs->config->groups[i];
    tls_put_list16(w, EXT_SUPPORTED_GROUPS, 2, groups, count);
}

static void put_share(struct writer *w, struct crypto_share const *share, uint16_t group)
{
    unsigned char const *public_key;
    size_t const len = crypto_share_public(share, group, &public_key);
    tls_write16(w, group);
    size_t const key = tls_open_vector(w, 2);
    tls_write_bytes(w, public_key, len);
    tls_close_vector(w, key, 2);
}

static void put_shares(struct handshake const *hs, struct writer *w)
{
    size_t const extension = tls_open_extension(w, EXT_KEY_SHARE);
    size_t const list = tls_open_vector(w, 2);
    for (size_t i = 0; i < hs->config->group_count; i++)
        if (tls_sent_share(hs, hs->config->groups[i])) put_share(w, &hs->share, hs->config->groups[i]);
    tls_close_vector(w, list, 2);
    tls_close_extension(w, extension);
}

/* RFC 7627; RFC 5746, 3.4; RFC 8422, 5.1.2. */
static void put_extensions12(struct writer *w)
{
    static unsigned char const uncompressed = 0;
    tls_put_empty_extension(w, EXT_EXTENDED_MASTER_SECRET);
    tls_put_extension(w, EXT_RENEGOTIATION_INFO, 1, NULL, 0);
    tls_put_extension(w, EXT_EC_POINT_FORMATS, 1, &uncompressed, 1);
}

static void put_extensions13(struct handshake const *hs, struct writer *w, struct span cookie)
{
    static uint16_t const versions[] = { TLS_1_3, TLS_1_2 };
    static unsigned char const psk_dhe_ke = 1;
    tls_put_list16(w, EXT_SUPPORTED_VERSIONS, 1, versions, hs->enables12 ? 2 : 1);
    if (hs->config->ask_tickets) tls_put_extension(w, EXT_PSK_KEY_EXCHANGE_MODES, 1, &psk_dhe_ke, 1);
    if (cookie.p) tls_put_extension(w, EXT_COOKIE, 2, cookie.p, cookie.len);
    put_shares(hs, w);
}

static void put_extensions(struct handshake const *hs, struct writer *w, struct span cookie)
{
    struct tls_config const *config = hs->config;
    struct span const name = tls_offered_server_name(config);
    if (name.p) put_server_name(w, name);
    if (hs->enables12) put_extensions12(w);
    put_groups(hs, w);
    if (config->alpn_len) tls_put_extension(w, EXT_ALPN, 2, config->alpn, config->alpn_len);
    tls_put_scheme_extensions(hs, w);
    if (hs->enables13) put_extensions13(hs, w, cookie);
}

int tls_write_client_hello(struct handshake *hs, struct span cookie)
{
    struct writer *w = tls_begin_message(hs, TLS_CLIENT_HELLO);
    tls_write16(w, TLS_1_2);
    tls_write_bytes(w, hs->client_random, sizeof hs->client_random);
    tls_write8(w, (unsigned int)hs->session_id_len);
    tls_write_bytes(w, hs->session_id, hs->session_id_len);
    put_suites(hs, w);
    tls_write8(w, 1);
    tls_write8(w, 0); /* no compression */
    size_t const block = tls_open_vector(w, 2);
    put_extensions(hs, w, cookie);
    tls_close_vector(w, block, 2);
    if (!tls_end_message(hs)) return 0;
    if (hs->stage.len > sizeof hs->hello) return tls_fail(hs, TLS_INTERNAL_ERROR, "our hello is too long");
    memcpy(hs->hello, hs->stage.p, hs->stage.len);
    hs->hello_len = hs->stage.len;
    return 1;
}

/* ---- reading ---- */

static int malformed(struct handshake *hs, char const *what)
{
    return tls_fail(hs, TLS_DECODE_ERROR, what);
}

/* An extension that consists of one non-empty vector of uint16. */
static int read_list16(struct handshake *hs, struct span body, size_t prefix, struct span *list, char const *what)
{
    return !body.p || tls_only_list16(body, prefix, list) || malformed(hs, what);
}

/* A fully qualified name may end with a dot; names in certificates do not. */
static struct span without_final_dot(struct span name)
{
    if (name.len > 1 && name.p[name.len - 1] == '.') name.len--;
    return name;
}

/* RFC 6066, 3: at most one name of each type. Names of future types begin with a
   16-bit length, so that they can be skipped. IP addresses and other strings that
   are not DNS names are ignored: no certificate can be chosen by them. */
static int read_host_name(struct handshake *hs, struct reader *list, struct span *host)
{
    unsigned int const type = tls_read8(list);
    struct span const name = tls_read_vector16(list);
    if (list->bad || (!type && !name.len)) return malformed(hs, "malformed server_name");
    if (type) return 1;
    if (host->p) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "server_name contains two host names");
    *host = without_final_dot(name);
    return 1;
}

static int read_server_name(struct handshake *hs, struct client_hello *hello)
{
    struct span names, host = { 0 };
    if (!HAS(&hello->x, EXT_SERVER_NAME)) return 1;
    if (!tls_only_vector(hello->x.body[EXT_SERVER_NAME], 2, &names) || !names.len)
        return malformed(hs, "malformed server_name");
    struct reader list = tls_reader_on(names);
    while (list.left)
        if (!read_host_name(hs, &list, &host)) return 0;
    if (x509_is_dns_name((char const *)host.p, host.len)) hello->server_name = host;
    return 1;
}

static int read_alpn(struct handshake *hs, struct client_hello *hello)
{
    if (!HAS(&hello->x, EXT_ALPN)) return 1;
    int bad = !tls_only_vector(hello->x.body[EXT_ALPN], 2, &hello->alpn) || !hello->alpn.len;
    struct reader names = tls_reader_on(hello->alpn);
    while (!bad && names.left) bad = !tls_read_vector8(&names).len || names.bad;
    return !bad || malformed(hs, "malformed ALPN list");
}

static int read_shares(struct handshake *hs, struct client_hello *hello)
{
    if (!HAS(&hello->x, EXT_KEY_SHARE)) return 1;
    int bad = !tls_only_vector(hello->x.body[EXT_KEY_SHARE], 2, &hello->shares);
    struct reader shares = tls_reader_on(hello->shares);
    while (!bad && shares.left) {
        tls_read16(&shares);
        tls_read_vector16(&shares); /* an empty one is as invalid as any of a wrong length */
        bad = shares.bad;
    }
    return !bad || malformed(hs, "malformed key_share");
}

/* RFC 8446, 4.2.11. */
static int read_psk(struct handshake *hs, struct client_hello *hello)
{
    if (!HAS(&hello->x, EXT_PRE_SHARED_KEY)) return 1;
    struct reader r = tls_reader_on(hello->x.body[EXT_PRE_SHARED_KEY]);
    hello->psk_identities = tls_read_vector16(&r);
    hello->psk_binders = tls_read_vector16(&r);
    struct reader identities = tls_reader_on(hello->psk_identities), binders = tls_reader_on(hello->psk_binders);
    size_t offered = 0, bound = 0;
    for (; identities.left && !identities.bad; offered++) {
        if (!tls_read_vector16(&identities).len) identities.bad = 1;
        tls_read_bytes(&identities, 4);
    }
    for (; binders.left && !binders.bad; bound++)
        if (tls_read_vector8(&binders).len < 32) binders.bad = 1;
    if (!tls_read_to_end(&r) || identities.bad || binders.bad || !offered || !bound)
        return malformed(hs, "malformed pre_shared_key");
    if (hello->x.last != TLS_EXT_PRE_SHARED_KEY)
        return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "pre_shared_key is not the last extension");
    if (offered != bound) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "PSK identities and binders differ in number");
    return 1;
}

/* The supported extensions that are a single short vector, or empty. */
static int check_small_extensions(struct handshake *hs, struct extensions const *x)
{
    static enum extension const vectors8[] = { EXT_EC_POINT_FORMATS, EXT_PSK_KEY_EXCHANGE_MODES };
    static enum extension const empty[] = { EXT_EXTENDED_MASTER_SECRET, EXT_EARLY_DATA };
    struct span content;
    for (size_t i = 0; i < sizeof vectors8 / sizeof *vectors8; i++)
        if (HAS(x, vectors8[i]) && (!tls_only_vector(x->body[vectors8[i]], 1, &content) || !content.len))
            return malformed(hs, "malformed extension");
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if (x->body[empty[i]].len) return malformed(hs, "extension should be empty");
    return !HAS(x, EXT_RENEGOTIATION_INFO) || tls_only_vector(x->body[EXT_RENEGOTIATION_INFO], 1, &content) ||
           malformed(hs, "malformed renegotiation_info");
}

static int read_extension_bodies(struct handshake *hs, struct client_hello *hello)
{
    struct span *body = hello->x.body;
    return read_server_name(hs, hello) &&
           read_list16(hs, body[EXT_SUPPORTED_VERSIONS], 1, &hello->versions, "malformed supported_versions") &&
           read_alpn(hs, hello) &&
           read_list16(hs, body[EXT_SUPPORTED_GROUPS], 2, &hello->groups, "malformed supported_groups") &&
           read_list16(hs, body[EXT_SIGNATURE_ALGORITHMS], 2, &hello->signature_algorithms,
                       "malformed signature_algorithms") &&
           read_list16(hs, body[EXT_SIGNATURE_ALGORITHMS_CERT], 2, &hello->certificate_schemes,
                       "malformed signature_algorithms_cert") &&
           read_shares(hs, hello) && check_small_extensions(hs, &hello->x) && read_psk(hs, hello);
}

int tls_parse_client_hello(struct handshake *hs, struct message const *m, struct client_hello *hello)
{
    struct reader r = tls_reader_on(m->body);
    *hello = (struct client_hello){ .legacy_version = tls_read16(&r) };
    hello->random = tls_read_bytes(&r, 32);
    hello->session_id = tls_read_vector8(&r);
    hello->cipher_suites = tls_read_vector16(&r);
    hello->compression = tls_read_vector8(&r);
    if (r.left) hello->extension_block = tls_read_vector16(&r);
    if (!tls_read_to_end(&r)) return malformed(hs, "malformed ClientHello");
    if (hello->session_id.len > 32 || !hello->cipher_suites.len || hello->cipher_suites.len % 2 ||
        !hello->compression.len)
        return malformed(hs, "malformed ClientHello");
    return tls_parse_extensions(hs, hello->extension_block, &hello->x) && read_extension_bodies(hs, hello);
}

/* The payload of Encrypted Client Hello is encrypted again for the second hello. */
static int may_change(unsigned int type)
{
    return type == TLS_EXT_KEY_SHARE || type == TLS_EXT_EARLY_DATA || type == TLS_EXT_PRE_SHARED_KEY ||
           type == TLS_EXT_PADDING || type == TLS_EXT_ENCRYPTED_CLIENT_HELLO;
}

/* Finds the next extension that must be the same in both hellos. Returns 0 at the end. */
static int next_fixed_extension(struct reader *block, unsigned int *type, struct span *body)
{
    while (block->left && !block->bad) {
        *type = tls_read16(block);
        *body = tls_read_vector16(block);
        if (!may_change(*type)) return 1;
    }
    return 0;
}

static int same_fixed_extensions(struct span first, struct span second)
{
    struct reader a = tls_reader_on(first), b = tls_reader_on(second);
    unsigned int type_a, type_b;
    struct span body_a = { 0 }, body_b = { 0 };
    for (;;) {
        int const more_a = next_fixed_extension(&a, &type_a, &body_a);
        int const more_b = next_fixed_extension(&b, &type_b, &body_b);
        if (!more_a || !more_b) return more_a == more_b;
        if (type_a != type_b || !tls_span_equal(body_a, body_b)) return 0;
    }
}

int tls_is_same_hello(struct client_hello const *first, struct client_hello const *second)
{
    return first->legacy_version == second->legacy_version && tls_span_equal(first->random, second->random) &&
           tls_span_equal(first->session_id, second->session_id) &&
           tls_span_equal(first->cipher_suites, second->cipher_suites) &&
           tls_span_equal(first->compression, second->compression) &&
           same_fixed_extensions(first->extension_block, second->extension_block);
}

/* RFC 8446, 4.2.11.2: a binder covers the hello up to the list of binders. */
void tls_add_hello_to_transcript(struct handshake *hs, struct message const *m, struct client_hello const *hello)
{
    size_t const list = hello->psk_binders.p ? 2 + hello->psk_binders.len : 0, head = m->bytes.len - list;
    crypto_transcript_add(&hs->transcript, m->bytes.p, head);
    hs->at_binders = hs->transcript;
    crypto_transcript_add(&hs->transcript, m->bytes.p + head, list);
}

void tls_note_server_name(struct handshake *hs, struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char const c = name.p[i];
        hs->session->server_name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    hs->session->server_name[name.len] = 0;
}
