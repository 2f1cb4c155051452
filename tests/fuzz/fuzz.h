/* ISC license. */

/*
 * What the handshake targets share. The input is a byte that selects the
 * configuration and then what the peer sends. Randomness is the same in every
 * run, so that a recorded handshake plays again, encrypted records and all.
 *
 * With LENIENT nothing needs to be right: records that do not authenticate are
 * taken as they are, every signature and Finished is good. So the fuzzer gets
 * behind the cryptography, where everything must still be checked.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/tls.h"

#include "keys.h"

enum {
    ONLY_12 = 1,
    ONLY_13 = 2,
    AUTH = 4,     /* server: asks for a certificate; client: has one */
    REQUIRED = 8, /* and insists */
    ALPN = 16,
    RSA_KEY = 32, /* the server's */
    NO_TRUST = 64,
    LENIENT = 128,
};

static __thread int lenient;
static __thread int cheap_signatures; /* ours are constant, and verify as such */

static unsigned char const constant_signature[72] = { 'c', 'h', 'e', 'a', 'p' };

/* ---- link-time replacements, see tests/fuzz/run ---- */

extern long __real_crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header,
                                      unsigned char *body, size_t len, unsigned char *type,
                                      unsigned char **fragment);
extern size_t __real_crypto_seal_record(struct ktls_traffic_keys *keys, unsigned char type,
                                        void const *fragment, size_t len, unsigned char *record);
extern int __real_crypto_equal(void const *a, void const *b, size_t len);
extern int __real_crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                                unsigned char const *digest, unsigned char const *signature, size_t len);
extern size_t __real_crypto_sign(struct crypto_private_key const *key, struct crypto_public_key const *public_key,
                                 struct crypto_scheme const *scheme, unsigned char const *digest,
                                 struct crypto_random const *random, unsigned char *signature);
extern long __wrap_crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header,
                                      unsigned char *body, size_t len, unsigned char *type,
                                      unsigned char **fragment);
extern size_t __wrap_crypto_seal_record(struct ktls_traffic_keys *keys, unsigned char type,
                                        void const *fragment, size_t len, unsigned char *record);
extern int __wrap_crypto_equal(void const *a, void const *b, size_t len);
extern int __wrap_crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                                unsigned char const *digest, unsigned char const *signature, size_t len);
extern size_t __wrap_crypto_sign(struct crypto_private_key const *key, struct crypto_public_key const *public_key,
                                 struct crypto_scheme const *scheme, unsigned char const *digest,
                                 struct crypto_random const *random, unsigned char *signature);

/* Bytes of a record's body before the plaintext. */
static inline size_t nonce_size(struct ktls_traffic_keys const *keys)
{
    return crypto_record_overhead(keys) > 1 + CRYPTO_TAG ? 8 : 0;
}

long __wrap_crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header,
                               unsigned char *body, size_t len, unsigned char *type, unsigned char **fragment)
{
    size_t const nonce = nonce_size(keys);
    if (!lenient) return __real_crypto_open_record(keys, header, body, len, type, fragment);
    if (len < nonce + CRYPTO_TAG) return -1;
    long n = (long)(len - nonce - CRYPTO_TAG);
    keys->seq++;
    *fragment = body + nonce;
    *type = header[0];
    if (keys->version == KTLS_TLS_1_2) return n;
    while (n && !(*fragment)[n - 1]) n--;
    if (!n) return -2;
    *type = (*fragment)[n - 1];
    return n - 1;
}

size_t __wrap_crypto_seal_record(struct ktls_traffic_keys *keys, unsigned char type, void const *fragment,
                                 size_t len, unsigned char *record)
{
    size_t const n = __real_crypto_seal_record(keys, type, fragment, len, record);
    static __thread unsigned char copy[1 << 16];
    if (!lenient) return n;
    memcpy(copy, fragment, len);
    memset(record + 5, 0, n - 5);
    memcpy(record + 5 + nonce_size(keys), copy, len);
    if (keys->version == KTLS_TLS_1_3) record[5 + len] = type;
    return n;
}

/* Finished compares its verify_data; a comparison with zeros asks something else. */
int __wrap_crypto_equal(void const *a, void const *b, size_t len)
{
    static unsigned char const zero[48];
    if (lenient && (len == 12 || len == 32 || len == 48) && memcmp(b, zero, len)) return 1;
    return __real_crypto_equal(a, b, len);
}

int __wrap_crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                         unsigned char const *digest, unsigned char const *signature, size_t len)
{
    if (cheap_signatures && len == sizeof constant_signature && !memcmp(signature, constant_signature, len)) return 1;
    return __real_crypto_verify(key, scheme, digest, signature, len) || lenient;
}

size_t __wrap_crypto_sign(struct crypto_private_key const *key, struct crypto_public_key const *public_key,
                          struct crypto_scheme const *scheme, unsigned char const *digest,
                          struct crypto_random const *random, unsigned char *signature)
{
    if (cheap_signatures) {
        memcpy(signature, constant_signature, sizeof constant_signature);
        return sizeof constant_signature;
    }
    if (!lenient) return __real_crypto_sign(key, public_key, scheme, digest, random, signature);
    memset(signature, 0x55, 72);
    return 72;
}

/* ---- time: tickets and certificates in seeds stay what they are ---- */

#define FUZZ_TIME 1700000000

extern time_t __wrap_time(time_t *out);

time_t __wrap_time(time_t *out)
{
    if (out) *out = FUZZ_TIME;
    return FUZZ_TIME;
}

/* ---- randomness ---- */

struct counter {
    unsigned char seed[8]; /* the last four bytes count */
};

static inline void counter_fill(void *ctx, void *buf, size_t len)
{
    struct counter *counter = ctx;
    unsigned char block[32], *to = buf;
    while (len) {
        size_t const n = len < sizeof block ? len : sizeof block;
        for (int i = 7; i >= 4 && !++counter->seed[i]; i--) continue;
        crypto_hash(CRYPTO_SHA256, counter->seed, sizeof counter->seed, block);
        memcpy(to, block, n);
        to += n;
        len -= n;
    }
}

/* ---- configuration ---- */

static inline struct x509_credential const *fuzz_credential(unsigned char const *der, size_t len,
                                                            unsigned char const *key)
{
    static struct x509_credential known[3];
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (known[i].chain.cert[0].der == der) return known + i;
    struct x509_credential *c = known + count++;
    c->chain = (struct x509_chain){ .cert = { { der, len } }, .count = 1 };
    if (x509_public_key(c->chain.cert, &c->public_key) != X509_OK) abort();
    struct crypto_private_key *k = &c->private_key;
    k->type = c->public_key.type;
    if (k->type == CRYPTO_EC) {
        k->group = c->public_key.group;
        k->scalar_len = 32;
        memcpy(k->data, key, 32);
    } else {
        k->modulus_bits = 2048;
        k->p_len = k->q_len = k->dp_len = k->dq_len = k->iq_len = 128;
        memcpy(k->data, key, 5 * 128);
    }
    if (!crypto_key_matches(k, &c->public_key)) abort();
    return c;
}

static inline void fuzz_config(struct tls_config *config, int flags, struct counter *counter)
{
    static unsigned char const protocols[] = "\x02h2\x08http/1.1";
    static struct x509_trust trust;
    if (!trust.certificates.count && x509_trust_decode(&trust, anchors, sizeof anchors)) abort();
    lenient = flags & LENIENT;
    tls_config_init(config);
    /* The default order depends on the CPU. */
    for (size_t i = 0; i < CRYPTO_SUITES; i++) config->suites[i] = crypto_suites[i].id;
    if (flags & ONLY_12) config->max_version = TLS_1_2;
    else if (flags & ONLY_13) config->min_version = TLS_1_3;
    if (flags & ALPN) {
        config->alpn = protocols;
        config->alpn_len = sizeof protocols - 1;
    }
    if (!(flags & NO_TRUST)) config->trust = &trust;
    config->random = (struct crypto_random){ .fill = counter_fill, .ctx = counter };
}

/* What the configuration says, after a look at everything there is. */
static inline int fuzz_choose(void *ctx, struct tls_hello const *hello, struct x509_credential const *chosen[2])
{
    size_t const len = strlen(hello->server_name);
    unsigned char volatile sum = 0;
    (void)ctx;
    if (len && !x509_is_dns_name(hello->server_name, len)) abort();
    for (size_t i = 0; i < hello->alpn_len; i++) sum = (unsigned char)(sum ^ hello->alpn[i]);
    for (size_t i = 0; i < 2; i++)
        if (chosen[i] && tls_hello_suits(hello, chosen[i]) &&
            !(hello->key_types & 1u << chosen[i]->public_key.type))
            abort();
    return 1;
}

/* A client_hello that brings a ticket gets behind it with LENIENT only. */
static struct tls_ticket_keys const ticket_keys = { .count = 2, .key = { { 1 }, { 2 } } };

static inline void server_config(struct tls_config *config, int flags, struct counter *counter)
{
    memcpy(counter->seed, "srvr\0\0\0\0", 8);
    fuzz_config(config, flags, counter);
    if (flags & AUTH)
        config->client_auth = flags & REQUIRED ? TLS_REQUIRE_CLIENT_CERT : TLS_REQUEST_CLIENT_CERT;
    if (!(flags & RSA_KEY))
        config->credential[1] =
            fuzz_credential(ec_server_certificate, sizeof ec_server_certificate, ec_server_key);
    config->credential[0] =
        fuzz_credential(rsa_server_certificate, sizeof rsa_server_certificate, rsa_server_key);
    config->choose.function = fuzz_choose;
    config->ticket_keys = &ticket_keys;
}

static inline void client_config(struct tls_config *config, int flags, struct counter *counter)
{
    memcpy(counter->seed, "clnt\0\0\0\0", 8);
    fuzz_config(config, flags, counter);
    config->server_name = "localhost";
    if (flags & AUTH)
        config->credential[0] =
            fuzz_credential(ec_client_certificate, sizeof ec_client_certificate, ec_client_key);
}

/* ---- transport ---- */

struct input {
    unsigned char const *p;
    size_t left;
};

static inline ssize_t input_read(void *ctx, void *buf, size_t len)
{
    struct input *in = ctx;
    if (len > in->left) len = in->left;
    memcpy(buf, in->p, len);
    in->p += len;
    in->left -= len;
    return (ssize_t)len;
}

/* Every byte that leaves must be initialised and in bounds: it is read once. */
static inline ssize_t input_write(void *ctx, void const *buf, size_t len)
{
    unsigned char const *p = buf;
    unsigned char volatile sum = 0;
    (void)ctx;
    for (size_t i = 0; i < len; i++) sum = (unsigned char)(sum ^ p[i]);
    return (ssize_t)len;
}

typedef int handshake_function(struct tls_config const *config, struct tls_transport const *transport,
                               struct tls_session *session, struct tls_error *error);

/* What must hold whatever the peer sends. */
static inline void check_result(struct tls_config const *config, int done, struct tls_session const *session,
                                struct tls_error const *error)
{
    static struct tls_session const wiped;
    unsigned char material[32];
    if (done) {
        int const exportable = session->version == TLS_1_3 || session->extended_master_secret;
        if (tls_export(session, "EXPORTER-fuzz", NULL, 0, material, sizeof material) != exportable) abort();
        if (session->version < config->min_version || session->version > config->max_version) abort();
        if (!session->suite || session->suite->version != session->version) abort();
        if (config->client_auth == TLS_REQUIRE_CLIENT_CERT && !session->peer_present) abort();
        if (session->peer_verified && !session->peer_present) abort();
    } else {
        if (error->kind == TLS_ERROR_NONE || memcmp(session, &wiped, sizeof wiped)) abort();
    }
}

static inline int fuzz_one(handshake_function *handshake,
                           void (*configure)(struct tls_config *, int, struct counter *),
                           unsigned char const *data, size_t size)
{
    struct tls_config config;
    struct tls_session session;
    struct tls_error error;
    struct counter counter;
    if (!size) return 0;
    struct input in = { data + 1, size - 1 };
    struct tls_transport const transport = { .read = input_read, .write = input_write, .ctx = &in };
    configure(&config, data[0], &counter);
    int const done = handshake(&config, &transport, &session, &error);
    check_result(&config, done, &session, &error);
    char text[256];
    tls_error_text(&error, text, sizeof text);
    return 0;
}

extern int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

#endif
