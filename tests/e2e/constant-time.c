/* ISC license. */

/*
 * Whether our code branches on a secret or uses one as an index, as valgrind's
 * memcheck sees it: secrets are marked undefined, and each use of an undefined
 * value that decides where the program goes is an error (the method of ctgrind).
 * What becomes public is marked defined where it does: at the functions that are
 * replaced below, by the linker's --wrap, and where bytes go to the network.
 * Run by tests/e2e/constant-time.t under valgrind. Uses $KTLS_PKI.
 */

#if __has_include(<valgrind/memcheck.h>)

#include <time.h>

#include <bearssl.h>
#include <valgrind/memcheck.h>

#include "../unit/loopback.h"
#include "crypto/keccak.h"
#include "crypto/mlkem.h"
#include "crypto/pss.h"
#include "tls/v13/v13.h"
#include "x509/der.h"
#include "x509/pem.h"

#define TICKET_HEAD 11 /* format, suite and time of a ticket are no secrets */

static int opens_ticket;

static void secret(void const *p, size_t len)
{
    VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

static void public(void const *p, size_t len)
{
    VALGRIND_MAKE_MEM_DEFINED(p, len);
}

/* ---- where secrets become public ---- */

extern int __real_crypto_equal(void const *a, void const *b, size_t len);
extern int __wrap_crypto_equal(void const *a, void const *b, size_t len);
extern int __real_crypto_share_generate(struct crypto_share *share, uint16_t group,
                                        struct crypto_random const *random);
extern int __wrap_crypto_share_generate(struct crypto_share *share, uint16_t group,
                                        struct crypto_random const *random);
extern long __real_crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header,
                                      unsigned char *body, size_t len, unsigned char *type,
                                      unsigned char **fragment);
extern long __wrap_crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header,
                                      unsigned char *body, size_t len, unsigned char *type,
                                      unsigned char **fragment);
extern int __real_crypto_pss_sign(br_rsa_private_key const *key, enum crypto_hash hash, unsigned char const *digest,
                           struct crypto_random const *random, unsigned char *signature);
extern int __wrap_crypto_pss_sign(br_rsa_private_key const *key, enum crypto_hash hash, unsigned char const *digest,
                           struct crypto_random const *random, unsigned char *signature);
extern br_rsa_pkcs1_sign __real_br_rsa_pkcs1_sign_get_default(void);
extern br_rsa_pkcs1_sign __wrap_br_rsa_pkcs1_sign_get_default(void);
extern br_ecdsa_sign __real_br_ecdsa_sign_asn1_get_default(void);
extern br_ecdsa_sign __wrap_br_ecdsa_sign_asn1_get_default(void);
extern br_rsa_compute_modulus __real_br_rsa_compute_modulus_get_default(void);
extern br_rsa_compute_modulus __wrap_br_rsa_compute_modulus_get_default(void);
extern int __real_crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                                unsigned char const *digest, unsigned char const *signature, size_t len);
extern int __wrap_crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                                unsigned char const *digest, unsigned char const *signature, size_t len);
extern size_t __real_br_ec_compute_pub(br_ec_impl const *ec, br_ec_public_key *key, void *buf,
                                       br_ec_private_key const *from);
extern size_t __wrap_br_ec_compute_pub(br_ec_impl const *ec, br_ec_public_key *key, void *buf,
                                       br_ec_private_key const *from);
extern br_ec_impl const *__real_br_ec_get_default(void);
extern br_ec_impl const *__wrap_br_ec_get_default(void);

/* The result, but of ML-KEM's comparison: rejection is implicit. Of a record also its inner content type, in front of the tag. */
int __wrap_crypto_equal(void const *a, void const *b, size_t len)
{
    int result = __real_crypto_equal(a, b, len);
    if (len != MLKEM_CIPHERTEXT) public(&result, sizeof result);
    if (len == CRYPTO_TAG) public((unsigned char const *)b - 1, 1);
    return result;
}

/* FIPS 203, 6.1: s, ek, H(ek), z. */
static void secret_decapsulation_key(unsigned char *dk)
{
    size_t const s_len = MLKEM_DECAPSULATION_KEY - MLKEM_ENCAPSULATION_KEY - 64;
    secret(dk, s_len);
    secret(dk + MLKEM_DECAPSULATION_KEY - MLKEM_SEED, MLKEM_SEED);
}

/* The public share is for the peer; the private one is a secret from here on. */
int __wrap_crypto_share_generate(struct crypto_share *share, uint16_t group, struct crypto_random const *random)
{
    int const result = __real_crypto_share_generate(share, group, random);
    secret(share->private_key, sizeof share->private_key);
    if (crypto_group_is_hybrid(group)) secret_decapsulation_key(share->decapsulation_key);
    return result;
}

extern size_t __real_crypto_share_answer(struct crypto_share *share, uint16_t group,
                                         struct crypto_random const *random, void const *peer, size_t peer_len,
                                         unsigned char secret[CRYPTO_MAX_SHARED_SECRET]);
extern size_t __wrap_crypto_share_answer(struct crypto_share *share, uint16_t group,
                                         struct crypto_random const *random, void const *peer, size_t peer_len,
                                         unsigned char secret[CRYPTO_MAX_SHARED_SECRET]);

size_t __wrap_crypto_share_answer(struct crypto_share *share, uint16_t group, struct crypto_random const *random,
                                  void const *peer, size_t peer_len, unsigned char shared[CRYPTO_MAX_SHARED_SECRET])
{
    size_t const len = __real_crypto_share_answer(share, group, random, peer, peer_len, shared);
    secret(shared, len);
    return len;
}

/* Matrix A of ML-KEM is made of rho, which is public, by SHAKE128, which nothing else is made by. */
extern void __real_crypto_keccak_squeeze(struct keccak *state, void *out, size_t len);
extern void __wrap_crypto_keccak_squeeze(struct keccak *state, void *out, size_t len);

void __wrap_crypto_keccak_squeeze(struct keccak *state, void *out, size_t len)
{
    __real_crypto_keccak_squeeze(state, out, len);
    if (state->rate == SHAKE128_RATE) public(out, len);
}

/* The digest covers messages that were made with secrets. */
int __wrap_crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                         unsigned char const *digest, unsigned char const *signature, size_t len)
{
    int result = __real_crypto_verify(key, scheme, digest, signature, len);
    public(&result, sizeof result);
    return result;
}

/* Handshake messages, but of a ticket not the session's secret. */
long __wrap_crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header, unsigned char *body,
                               size_t len, unsigned char *type, unsigned char **fragment)
{
    long const result = __real_crypto_open_record(keys, header, body, len, type, fragment);
    if (result > 0) public(*fragment, opens_ticket ? TICKET_HEAD : (size_t)result);
    return result;
}

int __wrap_crypto_pss_sign(br_rsa_private_key const *key, enum crypto_hash hash, unsigned char const *digest,
                    struct crypto_random const *random, unsigned char *signature)
{
    int result = __real_crypto_pss_sign(key, hash, digest, random, signature);
    public(&result, sizeof result);
    public(signature, (key->n_bitlen + 7) / 8);
    return result;
}

static uint32_t pkcs1_sign(unsigned char const *oid, unsigned char const *hash, size_t hash_len,
                           br_rsa_private_key const *key, unsigned char *signature)
{
    uint32_t result = __real_br_rsa_pkcs1_sign_get_default()(oid, hash, hash_len, key, signature);
    public(&result, sizeof result);
    public(signature, (key->n_bitlen + 7) / 8);
    return result;
}

br_rsa_pkcs1_sign __wrap_br_rsa_pkcs1_sign_get_default(void)
{
    return &pkcs1_sign;
}

static size_t ecdsa_sign(br_ec_impl const *ec, br_hash_class const *hash, void const *digest,
                         br_ec_private_key const *key, void *signature)
{
    size_t len = __real_br_ecdsa_sign_asn1_get_default()(ec, hash, digest, key, signature);
    public(&len, sizeof len);
    public(signature, len);
    return len;
}

br_ecdsa_sign __wrap_br_ecdsa_sign_asn1_get_default(void)
{
    return &ecdsa_sign;
}

static size_t compute_modulus(void *n, br_rsa_private_key const *key)
{
    size_t len = __real_br_rsa_compute_modulus_get_default()(n, key);
    public(&len, sizeof len);
    if (n) public(n, len);
    return len;
}

br_rsa_compute_modulus __wrap_br_rsa_compute_modulus_get_default(void)
{
    return &compute_modulus;
}

size_t __wrap_br_ec_compute_pub(br_ec_impl const *ec, br_ec_public_key *key, void *buf,
                                br_ec_private_key const *from)
{
    size_t len = __real_br_ec_compute_pub(ec, key, buf, from);
    public(&len, sizeof len);
    if (buf) public(buf, len);
    return len;
}

/* Whether the peer's point was a valid one. */
static uint32_t mul(unsigned char *point, size_t len, unsigned char const *scalar, size_t scalar_len, int curve)
{
    uint32_t result = __real_br_ec_get_default()->mul(point, len, scalar, scalar_len, curve);
    public(&result, sizeof result);
    return result;
}

br_ec_impl const *__wrap_br_ec_get_default(void)
{
    static br_ec_impl impl;
    impl = *__real_br_ec_get_default();
    impl.mul = &mul;
    return &impl;
}

/* ---- whole handshakes ---- */

struct wire {
    struct tls_transport const *below;
};

static ssize_t wire_read(void *ctx, void *buf, size_t len)
{
    struct tls_transport const *below = ((struct wire *)ctx)->below;
    return below->read(below->ctx, buf, len);
}

static ssize_t wire_write(void *ctx, void const *buf, size_t len)
{
    struct tls_transport const *below = ((struct wire *)ctx)->below;
    public(buf, len);
    return below->write(below->ctx, buf, len);
}

static int run_over_wire(struct side *side, struct tls_transport const *below)
{
    struct wire wire = { below };
    struct tls_transport const transport = { &wire_read, &wire_write, &wire };
    return side == &server ? run_server(side, &transport) : run_client(side, &transport);
}

static struct x509_credential const *secret_credential(char const *name)
{
    struct x509_credential const *loaded = credential(name);
    secret(loaded->private_key.data, sizeof loaded->private_key.data);
    return loaded;
}

static void is_clean(unsigned int before, char const *what)
{
    unsigned int const found = VALGRIND_COUNT_ERRORS - before;
    ok(!found, "%s: nothing depends on a secret (%u errors)", what, found);
}

static struct tls_ticket_keys ticket_keys = { .count = 1, .key = { { 1, 2, 3 } } };

static void handshake(uint16_t version, char const *key, char const *client_key, uint16_t suite)
{
    unsigned int const before = VALGRIND_COUNT_ERRORS;
    unsigned char exported[32];
    char what[128];

    snprintf(what, sizeof what, "TLS 1.%d, %s, client %s, suite %04x", version - 0x301, key,
             client_key, suite);
    loopback_reset();
    client.run = server.run = run_over_wire;
    only_version(&client.config, version);
    client.config.suites[0] = suite;
    client.config.suite_count = 1;
    server.config.credential[0] = secret_credential(key);
    client.config.credential[0] = secret_credential(client_key);
    server.config.client_auth = TLS_REQUIRE_CLIENT_CERT;
    client.config.ask_tickets = 1;
    server.config.ticket_keys = &ticket_keys;
    secret(ticket_keys.key, sizeof ticket_keys.key);
    loopback_run();
    both_done(what);
    ok(tls_export(&client.session, "EXPORTER-test", NULL, 0, exported, sizeof exported), "%s: exports", what);
    is_clean(before, what);
}

static void handshakes(void)
{
    handshake(TLS_1_3, "ec256", "client-rsa", 0x1301);
    handshake(TLS_1_3, "rsa", "client-ec", 0x1302);
    handshake(TLS_1_3, "ec384", "client-ec", 0x1303);
    handshake(TLS_1_2, "ec256", "client-rsa", 0xc02b);
    handshake(TLS_1_2, "rsa", "client-ec", 0xc030);
    handshake(TLS_1_2, "rsa", "client-rsa", 0xcca8);
}

/* ---- ML-KEM ---- */

static void mlkem(void)
{
    unsigned int const before = VALGRIND_COUNT_ERRORS;
    static unsigned char d[MLKEM_SEED], z[MLKEM_SEED], m[MLKEM_SEED];
    static unsigned char ek[MLKEM_ENCAPSULATION_KEY], dk[MLKEM_DECAPSULATION_KEY], ciphertext[MLKEM_CIPHERTEXT];
    unsigned char ours[MLKEM_SECRET], theirs[MLKEM_SECRET], rejected[MLKEM_SECRET];

    secret(d, sizeof d);
    secret(z, sizeof z);
    secret(m, sizeof m);
    crypto_mlkem_keygen(d, z, ek, dk);
    public(ek, sizeof ek);
    int const encapsulated = crypto_mlkem_encapsulate(ek, m, ciphertext, ours);
    public(ciphertext, sizeof ciphertext);
    crypto_mlkem_decapsulate(dk, ciphertext, theirs);
    ciphertext[0] ^= 1;
    crypto_mlkem_decapsulate(dk, ciphertext, rejected);
    is_clean(before, "ML-KEM-768");
    public(ours, sizeof ours);
    public(theirs, sizeof theirs);
    public(rejected, sizeof rejected);
    ok(encapsulated && !memcmp(ours, theirs, sizeof ours) && memcmp(ours, rejected, sizeof ours) != 0,
       "ML-KEM-768: agrees, rejects");
}

/* ---- tickets and binders ---- */

static struct handshake *resuming(uint16_t suite)
{
    static struct tls_config config;
    static struct tls_session session;
    static struct tls_error error;
    tls_config_init(&config);
    config.ticket_keys = &ticket_keys;
    struct handshake *hs = tls_handshake_new(&config, &(struct tls_transport){ NULL, NULL, NULL }, &session, &error);
    if (!hs) exit(111);
    hs->suite = crypto_suite_by_id(suite);
    hs->version = hs->suite->version;
    hs->credential = credential("ec256");
    hs->since = (uint64_t)time(NULL);
    hs->resumes = 1;
    return hs;
}

static void tickets(void)
{
    unsigned int const before = VALGRIND_COUNT_ERRORS;
    unsigned char sealed[TICKET_MAX], psk[TLS_MAX_SECRET] = { 7 };
    struct ticket ticket;
    struct handshake *hs = resuming(0x1301);

    secret(ticket_keys.key, sizeof ticket_keys.key);
    secret(psk, sizeof psk);
    size_t const len = tls_ticket_seal(hs, psk, sealed);
    public(sealed, len);
    opens_ticket = 1;
    int const opened = tls_ticket_open(hs, (struct span){ sealed, len }, &ticket);
    sealed[len - 1] ^= 1;
    int const forged = tls_ticket_open(hs, (struct span){ sealed, len }, &ticket);
    opens_ticket = 0;
    ok(opened && !forged, "a ticket opens, a forged one does not");
    is_clean(before, "sealing and opening a ticket");
    tls_handshake_free(hs);
}

static void binders(void)
{
    static uint16_t const suites[] = { 0x1301, 0x1302 };
    for (size_t i = 0; i < 2; i++) {
        unsigned int const before = VALGRIND_COUNT_ERRORS;
        unsigned char binder[CRYPTO_MAX_HASH] = { 0 };
        struct handshake *hs = resuming(suites[i]);
        size_t const len = crypto_hash_size(hs->suite->hash);
        secret(hs->secret.psk, sizeof hs->secret.psk);
        hs->at_binders = hs->transcript;
        ok(!tls_is_bound(hs, (struct span){ binder, len }), "suite %04x: a wrong binder", suites[i]);
        is_clean(before, "comparing a binder");
        tls_handshake_free(hs);
    }
}

/* ---- loading keys ---- */

static size_t read_file(char const *path, unsigned char *to, size_t max)
{
    FILE *f = fopen(path, "r");
    if (!f) exit(111);
    size_t const len = fread(to, 1, max, f);
    fclose(f);
    return len;
}

static size_t decoded_key(char const *name, unsigned char *der)
{
    unsigned char text[8192];
    struct pem pem;
    size_t len = 0;
    x509_pem_init(&pem, text, read_file(pki_path(name, ".key"), text, sizeof text));
    while (x509_pem_next(&pem))
        if (x509_pem_is_private_key(&pem) && !x509_base64_decode(pem.body, pem.body_len, der, &len)) exit(111);
    return len;
}

static int find_key(struct pem *pem, unsigned char const *text, size_t len)
{
    x509_pem_init(pem, text, len);
    while (x509_pem_next(pem))
        if (x509_pem_is_private_key(pem)) return 1;
    return 0;
}

/* The characters of a block; its lines are as long as everybody's. */
static void base64(char const *name)
{
    unsigned int before = VALGRIND_COUNT_ERRORS;
    unsigned char text[8192], der[8192];
    struct pem pem;
    size_t len = 0;
    size_t const text_len = read_file(pki_path(name, ".key"), text, sizeof text);

    if (!find_key(&pem, text, text_len)) exit(111);
    for (size_t i = 0; i < pem.body_len; i++)
        if (pem.body[i] != '\n') secret(pem.body + i, 1);
    ok(find_key(&pem, text, text_len), "%s: its text is found", name);
    is_clean(before, "looking for a key's text");
    before = VALGRIND_COUNT_ERRORS;
    ok(x509_base64_decode(pem.body, pem.body_len, der, &len) && len, "%s: its text decodes", name);
    is_clean(before, "decoding base64");
}

/* INTEGERs and OCTET STRINGs of 16 bytes and more, but for two bytes that say
   how long the number is. PKCS #8's OCTET STRING holds another structure. */
static void secret_numbers(struct der in)
{
    struct der content;
    unsigned tag;
    while (in.len && x509_der_read(&in, &tag, &content)) {
        struct der inner;
        int const wraps = tag == DER_OCTET_STRING && x509_der_only(content, DER_SEQUENCE, &inner);
        if (tag & 0x20 || wraps) secret_numbers(content);
        else if ((tag == DER_INTEGER || tag == DER_OCTET_STRING) && content.len >= 16)
            secret(content.p + 2, content.len - 2);
    }
}

static void key_file(char const *name)
{
    unsigned int const before = VALGRIND_COUNT_ERRORS;
    struct crypto_private_key key;
    unsigned char der[8192];
    struct der const whole = { .p = der, .len = decoded_key(name, der) };

    secret_numbers(whole);
    int const loads = x509_key_private(der, whole.len, &credential(name)->public_key, &key) == X509_OK;
    ok(loads, "%s: the key loads", name);
    is_clean(before, "loading a key");
}

static void loading(void)
{
    static char const *const names[] = { "rsa", "ec256", "ec384", "client-rsa" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        base64(names[i]);
        key_file(names[i]);
    }
}

/* ---- the method ---- */

/* A branch on a secret is found, or else all of this says nothing. */
static void control(void)
{
    unsigned int const before = VALGRIND_COUNT_ERRORS;
    volatile unsigned char byte = 1;
    secret((void const *)(uintptr_t)&byte, 1);
    if (byte) diag("a branch on purpose: memcheck complains of control()");
    ok(VALGRIND_COUNT_ERRORS > before, "a branch on a secret is found");
}

int main(void)
{
    if (!RUNNING_ON_VALGRIND) skip_all("not under valgrind");
    control();
    loading();
    mlkem();
    tickets();
    binders();
    handshakes();
    return done_testing();
}

#else

#include "../unit/tap.h"

int main(void)
{
    skip_all("valgrind/memcheck.h was missing; Debian package valgrind");
}

#endif
