/* ISC license. */

/* Signatures: those of another implementation verify, ours do, and nothing that is not exactly one. */

#include "crypto/crypto.h"

#include "key_pair.h"
#include "tap.h"

static char const *const pss_names[] = { "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384",
                                         "rsa_pss_rsae_sha512" };
static uint16_t const pss_ids[] = { 0x0804, 0x0805, 0x0806 };
static uint16_t const pkcs1_ids[] = { 0x0401, 0x0501, 0x0601 };

static int verifies(struct crypto_public_key const *key, uint16_t id, unsigned char const *signature,
                    size_t len)
{
    struct crypto_scheme const *scheme = crypto_scheme_by_id(id);
    unsigned char digest[CRYPTO_MAX_HASH];
    crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
    return crypto_verify(key, scheme, digest, signature, len);
}

static int verifies_hex(struct crypto_public_key const *key, uint16_t id, char const *signature)
{
    struct bytes const s = hex(signature);
    return verifies(key, id, s.data, s.len);
}

static void known_rsa(struct rsa_vector const *v)
{
    struct key_pair const pair = rsa_pair(v);
    struct crypto_public_key const *key = &pair.public_key;

    for (int i = 0; i < 3; i++) {
        ok(verifies_hex(key, pss_ids[i], v->pss[i]), "RSA %u: %s verifies", v->bits, pss_names[i]);
        ok(verifies_hex(key, pkcs1_ids[i], v->pkcs1[i]), "RSA %u: PKCS#1 v1.5 %d verifies", v->bits, i);
        ok(!verifies_hex(key, pss_ids[i], v->pkcs1[i]), "RSA %u: PKCS#1 is not PSS", v->bits);
        ok(!verifies_hex(key, pkcs1_ids[i], v->pss[i]), "RSA %u: PSS is not PKCS#1", v->bits);
        ok(!verifies_hex(key, pss_ids[(i + 1) % 3], v->pss[i]), "RSA %u: not with another hash", v->bits);
    }
    ok(!verifies_hex(key, pss_ids[0], v->pss_other_salt[0]), "RSA %u: a salt of 20 bytes", v->bits);
    ok(!verifies_hex(key, pss_ids[0], v->pss_other_salt[1]), "RSA %u: no salt", v->bits);
}

static void own_rsa(struct rsa_vector const *v)
{
    struct key_pair const pair = rsa_pair(v);
    unsigned char digest[CRYPTO_MAX_HASH], a[CRYPTO_MAX_SIGNATURE], b[CRYPTO_MAX_SIGNATURE];

    ok(crypto_key_matches(&pair.private_key, &pair.public_key), "RSA %u: key pair", v->bits);
    for (size_t i = 0; i < CRYPTO_SCHEMES; i++) {
        struct crypto_scheme const *scheme = crypto_schemes + i;
        crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
        size_t const len = crypto_sign(&pair.private_key, &pair.public_key, scheme, digest, &crypto_random_os, a);
        if (scheme->key_type != CRYPTO_RSA) {
            ok(!len, "RSA %u: cannot make %s", v->bits, scheme->name);
            continue;
        }
        ok(len == (v->bits + 7) / 8, "RSA %u: %s has the modulus' length", v->bits, scheme->name);
        ok(verifies(&pair.public_key, scheme->id, a, len), "RSA %u: own %s verifies", v->bits, scheme->name);
        crypto_sign(&pair.private_key, &pair.public_key, scheme, digest, &crypto_random_os, b);
        ok(!memcmp(a, b, len) == !scheme->pss, "RSA %u: %s twice", v->bits, scheme->name);
    }
}

/* A fault in one half of the Chinese remainder theorem: its signature would give
   a factor of the modulus away. */
static void faulty_rsa(struct rsa_vector const *v)
{
    struct key_pair const sound = rsa_pair(v);
    struct crypto_private_key const *key = &sound.private_key;
    size_t const ends[] = { key->p_len + key->q_len + key->dp_len,
                            key->p_len + key->q_len + key->dp_len + key->dq_len,
                            key->p_len + key->q_len + key->dp_len + key->dq_len + key->iq_len };
    static char const *const names[] = { "dp", "dq", "iq" };
    unsigned char digest[CRYPTO_MAX_HASH], signature[CRYPTO_MAX_SIGNATURE];

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct key_pair pair = sound;
        int made = 0, seen = 0;
        pair.private_key.data[ends[i] - 1] ^= 2;
        for (size_t k = 0; k < CRYPTO_SCHEMES; k++) {
            struct crypto_scheme const *scheme = crypto_schemes + k;
            crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
            memset(signature, 0, sizeof signature);
            if (scheme->key_type != CRYPTO_RSA) continue;
            made += crypto_sign(&pair.private_key, &pair.public_key, scheme, digest, &crypto_random_os,
                                signature) != 0;
            for (size_t n = 0; n < sizeof signature; n++) seen |= signature[n];
        }
        ok(!made, "RSA %u: no signature with a faulty %s", v->bits, names[i]);
        ok(!seen, "RSA %u: and nothing is left of it", v->bits);
    }
}

/* PKCS#1 v1.5 is deterministic: ours must be the other implementation's. */
static void same_pkcs1(struct rsa_vector const *v)
{
    struct key_pair const pair = rsa_pair(v);
    unsigned char digest[CRYPTO_MAX_HASH], signature[CRYPTO_MAX_SIGNATURE];

    for (int i = 0; i < 3; i++) {
        struct crypto_scheme const *scheme = crypto_scheme_by_id(pkcs1_ids[i]);
        struct bytes const want = hex(v->pkcs1[i]);
        crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
        crypto_sign(&pair.private_key, &pair.public_key, scheme, digest, &crypto_random_os, signature);
        is_mem(signature, want.data, want.len, "RSA %u: %s", v->bits, scheme->name);
    }
}

static int any_changed_bit_verifies(struct crypto_public_key const *key, uint16_t id, char const *signature,
                                    size_t step)
{
    struct bytes const s = hex(signature);
    int accepted = 0;

    for (size_t bit = 0; bit < 8 * s.len; bit += step) {
        struct bytes changed = s;
        changed.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        accepted += verifies(key, id, changed.data, changed.len);
    }
    for (size_t len = 0; len < s.len; len += step) accepted += verifies(key, id, s.data, len);
    struct bytes longer = s;
    longer.data[longer.len++] = 0;
    accepted += verifies(key, id, longer.data, longer.len);
    memmove(longer.data + 1, s.data, s.len);
    longer.data[0] = 0;
    return accepted + verifies(key, id, longer.data, longer.len);
}

static int any_changed_digest_verifies(struct crypto_public_key const *key, uint16_t id,
                                       char const *signature)
{
    struct crypto_scheme const *scheme = crypto_scheme_by_id(id);
    struct bytes const s = hex(signature);
    unsigned char digest[CRYPTO_MAX_HASH];
    int accepted = 0;

    crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
    for (size_t bit = 0; bit < 8 * crypto_hash_size(scheme->hash); bit += 7) {
        digest[bit / 8] ^= (unsigned char)(1 << bit % 8);
        accepted += crypto_verify(key, scheme, digest, s.data, s.len);
        digest[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    return accepted;
}

static void forged_rsa(struct rsa_vector const *v)
{
    struct key_pair const pair = rsa_pair(v);
    struct crypto_public_key const *key = &pair.public_key;
    size_t const step = v->bits < 2050 ? 1 : 31;

    ok(!any_changed_bit_verifies(key, pss_ids[0], v->pss[0], step), "RSA %u: PSS, any change", v->bits);
    ok(!any_changed_digest_verifies(key, pss_ids[0], v->pss[0]), "RSA %u: PSS, another digest", v->bits);
    ok(!any_changed_bit_verifies(key, pkcs1_ids[0], v->pkcs1[0], 31), "RSA %u: PKCS#1, any change", v->bits);
}

static void foreign_keys(void)
{
    struct key_pair a = rsa_pair(rsa_vectors), other = rsa_pair(rsa_vectors + 2), ec = ec_pair(ec_vectors);
    struct key_pair const ec_other = ec_pair(ec_vectors + 1), p384 = ec_pair(ec_vectors + 3);

    ok(!verifies_hex(&other.public_key, pss_ids[0], rsa_vectors[0].pss[0]), "PSS under another key");
    ok(!verifies_hex(&ec_other.public_key, 0x0403, ec_vectors[0].signature), "ECDSA under another key");
    ok(!verifies_hex(&ec.public_key, pss_ids[0], rsa_vectors[0].pss[0]), "an RSA scheme with an EC key");
    ok(!verifies_hex(&a.public_key, 0x0403, ec_vectors[0].signature), "an EC scheme with an RSA key");
    ok(!crypto_key_matches(&a.private_key, &other.public_key), "an RSA key is not another's");
    ok(!crypto_key_matches(&ec.private_key, &ec_other.public_key), "an EC key is not another's");
    ok(!crypto_key_matches(&ec.private_key, &p384.public_key), "nor one of another curve");
    ok(!crypto_key_matches(&ec.private_key, &a.public_key), "nor one of another type");
    ec.public_key.group = 0;
    ok(!verifies_hex(&ec.public_key, 0x0403, ec_vectors[0].signature), "a curve that we do not have");
    a.public_key.modulus_len = a.public_key.exponent_len = 0;
    ok(!verifies_hex(&a.public_key, pss_ids[0], ""), "an empty RSA key");
}

static void known_ec(struct ec_vector const *v, size_t number)
{
    struct key_pair const pair = ec_pair(v);
    uint16_t const id = v->group == CRYPTO_SECP256R1 ? 0x0403 : 0x0503;
    uint16_t const other = id == 0x0403 ? 0x0503 : 0x0403;
    struct crypto_scheme const *scheme = crypto_scheme_by_id(id);
    unsigned char digest[CRYPTO_MAX_HASH], signature[CRYPTO_MAX_SIGNATURE];

    ok(verifies_hex(&pair.public_key, id, v->signature), "ECDSA %zu verifies", number);
    ok(!verifies_hex(&pair.public_key, other, v->signature), "ECDSA %zu: not with another hash", number);
    ok(!any_changed_bit_verifies(&pair.public_key, id, v->signature, 3), "ECDSA %zu: any change", number);
    ok(!any_changed_digest_verifies(&pair.public_key, id, v->signature), "ECDSA %zu: another digest", number);
    ok(crypto_key_matches(&pair.private_key, &pair.public_key), "ECDSA %zu: key pair", number);
    for (int i = 0; i < 8; i++) {
        unsigned char const text[] = { (unsigned char)i };
        crypto_hash(scheme->hash, text, 1, digest);
        size_t const len = crypto_sign(&pair.private_key, &pair.public_key, scheme, digest, &crypto_random_os, signature);
        ok(len && crypto_verify(&pair.public_key, scheme, digest, signature, len),
           "ECDSA %zu: own signature %d verifies", number, i);
    }
    /* TLS 1.2 allows either hash with either curve. */
    scheme = crypto_scheme_by_id(other);
    crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
    size_t const len = crypto_sign(&pair.private_key, &pair.public_key, scheme, digest, &crypto_random_os, signature);
    ok(len && crypto_verify(&pair.public_key, scheme, digest, signature, len),
       "ECDSA %zu: with the other hash", number);
}

/* Made for the public key (0, sqrt b), whose private key nobody knows: the digest
   follows from the signature. x = p is the same point to lax arithmetic. */
static void not_reduced(void)
{
    struct bytes const digest = hex("c5b0579167b6f2ddaa09754559bfe74c60cc4da42b68fa3cfa566d85341b044a");
    struct bytes const signature =
        hex("3044 0220 57857307ee5489542cfadbcd279d63d83028197d52effad99f3686c57a9a9841"
            "0220 5df9df59a5843a115bd957ca41fb11cab7b93f6971d4440636dd5a8151aa6e46");
    struct bytes const x = hex("0000000000000000000000000000000000000000000000000000000000000000");
    struct bytes const p = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    struct bytes const y = hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
    struct crypto_scheme const *scheme = crypto_scheme_by_id(0x0403);
    struct crypto_public_key key = { .type = CRYPTO_EC, .group = CRYPTO_SECP256R1, .data = { 4 }, .point_len = 65 };

    memcpy(key.data + 1, x.data, 32);
    memcpy(key.data + 33, y.data, 32);
    ok(crypto_verify(&key, scheme, digest.data, signature.data, signature.len), "P-256: a public key with x = 0");
    memcpy(key.data + 1, p.data, 32);
    ok(!crypto_verify(&key, scheme, digest.data, signature.data, signature.len), "P-256: the same with x = p");
}

static void schemes(void)
{
    static struct {
        uint16_t id;
        enum crypto_key_type type;
        uint16_t group;
        int fits12, fits13;
    } const cases[] = {
        { 0x0403, CRYPTO_EC, CRYPTO_SECP256R1, 1, 1 }, { 0x0403, CRYPTO_EC, CRYPTO_SECP384R1, 1, 0 },
        { 0x0603, CRYPTO_EC, CRYPTO_SECP521R1, 1, 1 }, { 0x0603, CRYPTO_EC, CRYPTO_SECP384R1, 1, 0 },
        { 0x0503, CRYPTO_EC, CRYPTO_SECP384R1, 1, 1 }, { 0x0503, CRYPTO_EC, CRYPTO_SECP256R1, 1, 0 },
        { 0x0403, CRYPTO_EC, 0, 0, 0 },                { 0x0503, CRYPTO_EC, 0, 0, 0 },
        { 0x0403, CRYPTO_RSA, 0, 0, 0 },               { 0x0804, CRYPTO_RSA, 0, 1, 1 },
        { 0x0805, CRYPTO_RSA, 0, 1, 1 },               { 0x0806, CRYPTO_RSA, 0, 1, 1 },
        { 0x0401, CRYPTO_RSA, 0, 1, 0 },               { 0x0501, CRYPTO_RSA, 0, 1, 0 },
        { 0x0601, CRYPTO_RSA, 0, 1, 0 },               { 0x0804, CRYPTO_EC, CRYPTO_SECP256R1, 0, 0 },
        { 0x0401, CRYPTO_EC, CRYPTO_SECP256R1, 0, 0 },
    };
    static uint16_t const others[] = { 0,      0x0201, 0x0203, 0x0301, 0x0402,
                                       0x0703, 0x0807, 0x0808, 0x0809, 0x0a0a };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct crypto_scheme const *scheme = crypto_scheme_by_id(cases[i].id);
        struct crypto_public_key const key = { .type = cases[i].type, .group = cases[i].group };
        ok(crypto_scheme_fits(scheme, &key, KTLS_TLS_1_2) == cases[i].fits12 &&
               crypto_scheme_fits(scheme, &key, KTLS_TLS_1_3) == cases[i].fits13,
           "%s with key type %d, group %d", scheme->name, key.type, key.group);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ok(!crypto_scheme_by_id(others[i]), "no scheme %04x", others[i]);
}

int main(void)
{
    size_t const rsa_count = sizeof rsa_vectors / sizeof *rsa_vectors;

    not_reduced();
    schemes();
    for (size_t i = 0; i < rsa_count; i++) {
        known_rsa(rsa_vectors + i);
        own_rsa(rsa_vectors + i);
        faulty_rsa(rsa_vectors + i);
        same_pkcs1(rsa_vectors + i);
        forged_rsa(rsa_vectors + i);
    }
    for (size_t i = 0; i < sizeof ec_vectors / sizeof *ec_vectors; i++) known_ec(ec_vectors + i, i);
    foreign_keys();
    return done_testing();
}
