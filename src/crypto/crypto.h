/* ISC license. */

/*
 * The cryptography of the handshake and the record layer, by the names of
 * RFC 8446 and RFC 5246, on BearSSL's constant-time primitives.
 *
 * Lengths are in bytes. Nothing here allocates. Outputs are the caller's
 * buffers. A function that returns int returns 1 for success and 0 for failure
 * unless it says otherwise. Structures that hold secrets are wiped by their
 * owner with crypto_wipe.
 */

#ifndef KTLS_CRYPTO_H
#define KTLS_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "ktls/ktls.h"

#pragma GCC visibility push(default)

#define CRYPTO_MAX_HASH 64
#define CRYPTO_MAX_SIGNATURE 512 /* that we make: RSA of 4096 bits */
#define CRYPTO_MAX_MODULUS 1024  /* bytes of an RSA key that we verify with */
#define CRYPTO_TAG 16

/* ---- memory and randomness ---- */

/* Wipes a secret; never optimized away. */
extern void crypto_wipe(void *secret, size_t len);

/* Wipes the part of the stack that functions called before have used: copies of
   secrets that BearSSL or the compiler made there. The caller's own frame stays. */
extern void crypto_wipe_stack(void);

/* 1 when equal; the time does not depend on the bytes. */
extern int crypto_equal(void const *a, void const *b, size_t len);

/* A source of random bytes. It cannot fail: what cannot give randomness ends
   the process. Tests replace it. */
struct crypto_random {
    void (*fill)(void *ctx, void *buf, size_t len);
    void *ctx;
};

/* getrandom(2); when it fails, the process ends with a message and exit code 111. */
extern struct crypto_random const crypto_random_os;

/* ---- cipher suites ---- */

enum crypto_hash { CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512 };
enum crypto_key_type { CRYPTO_ANY_KEY, CRYPTO_RSA, CRYPTO_EC };

struct crypto_suite {
    uint16_t id;              /* IANA TLS Cipher Suites registry */
    uint16_t version;         /* the one version it is used in */
    enum ktls_cipher cipher;
    enum crypto_hash hash;    /* of the PRF (1.2) or of HKDF (1.3) */
    enum crypto_key_type auth; /* CRYPTO_ANY_KEY in 1.3 */
    char const *name;         /* IANA's */
    char const *openssl_name;
};

#define CRYPTO_SUITES 9
/* All suites, TLS 1.3 first; within a version AES-128-GCM, AES-256-GCM,
   ChaCha20-Poly1305, ECDSA before RSA. */
extern struct crypto_suite const crypto_suites[CRYPTO_SUITES];

extern struct crypto_suite const *crypto_suite_by_id(uint16_t id);
/* By IANA or OpenSSL name, case-insensitive; name need not be terminated. */
extern struct crypto_suite const *crypto_suite_by_name(char const *name, size_t len);

/* 1 when AES-GCM runs on CPU instructions (AES and carry-less multiply). */
extern int crypto_fast_aes(void);

/* Which of BearSSL's implementations are used on this CPU, for people. */
struct crypto_implementation {
    char const *what, *name;
};

#define CRYPTO_IMPLEMENTATIONS 6
extern void crypto_implementations(struct crypto_implementation found[CRYPTO_IMPLEMENTATIONS]);

/* Key length of a suite's AEAD: 16 or 32. */
extern size_t crypto_key_size(enum ktls_cipher cipher);
/* Bytes of the IV that the key schedule gives: 12, but 4 for AES-GCM in 1.2. */
extern size_t crypto_iv_size(enum ktls_cipher cipher, uint16_t version);

/* ---- hashes and key derivation ---- */

extern size_t crypto_hash_size(enum crypto_hash hash);
extern void crypto_hash(enum crypto_hash hash, void const *data, size_t len, unsigned char *out);

/* A running hash of the handshake messages, for every hash function at once:
   the suite is not known when the first message is sent. */
struct crypto_transcript {
    _Alignas(16) unsigned char opaque[512];
};

extern void crypto_transcript_init(struct crypto_transcript *transcript);
extern void crypto_transcript_add(struct crypto_transcript *transcript, void const *data, size_t len);
extern size_t crypto_transcript_hash(struct crypto_transcript const *transcript, enum crypto_hash hash,
                                     unsigned char *out);

extern void crypto_hmac(enum crypto_hash hash, void const *key, size_t key_len, void const *data, size_t len,
                        unsigned char *out);

/* RFC 5869, 2.2; out has crypto_hash_size bytes. */
extern void crypto_hkdf_extract(enum crypto_hash hash, void const *salt, size_t salt_len, void const *ikm,
                                size_t ikm_len, unsigned char *out);
/* RFC 8446, 7.1, HKDF-Expand-Label; label without "tls13 ", at most 249 bytes,
   context at most 255, out_len at most 255 times the hash size. */
extern void crypto_hkdf_expand_label(enum crypto_hash hash, unsigned char const *secret, char const *label,
                                     void const *context, size_t context_len, unsigned char *out, size_t out_len);

/* RFC 5246, 5. */
extern void crypto_tls12_prf(enum crypto_hash hash, void const *secret, size_t secret_len, char const *label,
                             void const *seed, size_t seed_len, unsigned char *out, size_t out_len);

/* ---- record protection ---- */

/* The traffic keys of RFC 8446, 7.3 from a traffic secret; seq becomes 0. */
extern void crypto_traffic_keys(struct crypto_suite const *suite, unsigned char const *secret,
                                struct ktls_traffic_keys *keys);

/* The next generation of a traffic secret and its keys (RFC 8446, 7.2). */
extern void crypto_next_keys(struct crypto_suite const *suite, unsigned char *secret, struct ktls_traffic_keys *keys);

/* Bytes that protection adds to a fragment, record header not counted: the
   tag, the explicit nonce (AES-GCM in 1.2), the inner content type (1.3). */
extern size_t crypto_record_overhead(struct ktls_traffic_keys const *keys);

/* Writes a whole protected record (header and all) that carries fragment
   (at most 16384 bytes) to record, and counts keys->seq up. record has room
   for 5 + len + crypto_record_overhead; fragment may lie anywhere in it, and
   is not copied when it lies where the record has it.
   Returns the record's length. */
extern size_t crypto_seal_record(struct ktls_traffic_keys *keys, unsigned char type, void const *fragment, size_t len,
                                 unsigned char *record);

/* Opens a protected record in place: header is its 5 bytes, body the rest.
   On success *type is the (inner) content type, *fragment points into body,
   the fragment's length is returned and keys->seq counted up. -1: bad_record_mac;
   -2: all-zero inner plaintext (1.3), which is unexpected_message. */
extern long crypto_open_record(struct ktls_traffic_keys *keys, unsigned char const *header, unsigned char *body,
                               size_t len, unsigned char *type, unsigned char **fragment);

/* ---- key exchange ---- */

/* IANA TLS Supported Groups. The last two join ML-KEM-768 to a curve
   (draft-ietf-tls-ecdhe-mlkem): TLS 1.3 only. */
enum crypto_group {
    CRYPTO_SECP256R1 = 23,
    CRYPTO_SECP384R1 = 24,
    CRYPTO_SECP521R1 = 25,
    CRYPTO_X25519 = 29,
    CRYPTO_SECP256R1MLKEM768 = 4587,
    CRYPTO_X25519MLKEM768 = 4588,
};

extern int crypto_group_is_hybrid(uint16_t group);

/* 1 when these bytes are the uncompressed form of a point of a NIST curve with
   coordinates below the field's prime (SEC 1, 2.3.4). Whether the point is on
   the curve is not checked here. */
extern int crypto_point_is_reduced(uint16_t group, void const *point, size_t len);

#define CRYPTO_MAX_CURVE_SHARE 133
#define CRYPTO_MAX_SHARE 1249
#define CRYPTO_MAX_SHARED_SECRET 66
#define CRYPTO_DECAPSULATION_KEY 2400

struct crypto_share {
    uint16_t group;
    unsigned char private_key[66]; /* a scalar, in the byte order that BearSSL reads */
    unsigned char decapsulation_key[CRYPTO_DECAPSULATION_KEY]; /* of a hybrid group */
    /* X25519: u; a NIST curve: an uncompressed point; hybrid: that and ML-KEM's part, in the group's order. */
    unsigned char public_key[CRYPTO_MAX_SHARE];
    size_t public_len;
};

/* Length of the share that a client sends; 0 for a group that we do not have. */
extern size_t crypto_share_size(uint16_t group);

/* The side that begins (TLS 1.3: the client) generates, sends, and agrees with
   what comes back. A hybrid group's share also serves its curve alone: public
   returns the length of what is sent for one of the two, 0 for other groups. */
extern int crypto_share_generate(struct crypto_share *share, uint16_t group, struct crypto_random const *random);
extern size_t crypto_share_public(struct crypto_share const *share, uint16_t group, unsigned char const **public_key);

/* The shared secret; returns its length, 0 when the peer's share is not a
   valid one: length, form, coordinates not reduced, not on the curve, all-zero
   X25519 result. */
extern size_t crypto_share_agree(struct crypto_share const *share, uint16_t group, void const *peer, size_t peer_len,
                                 unsigned char secret[CRYPTO_MAX_SHARED_SECRET]);

/* The other side: makes the answer to the peer's share, share->public_key, and
   the shared secret. Returns as crypto_share_agree does; an invalid
   encapsulation key (FIPS 203, 7.2) is not a valid share. */
extern size_t crypto_share_answer(struct crypto_share *share, uint16_t group, struct crypto_random const *random,
                                  void const *peer, size_t peer_len, unsigned char secret[CRYPTO_MAX_SHARED_SECRET]);

/* ---- signatures ---- */

struct crypto_public_key {
    enum crypto_key_type type;
    uint16_t group;         /* EC: the curve's IANA number; 0: one we do not have */
    unsigned char data[CRYPTO_MAX_MODULUS + 8]; /* RSA: modulus, then exponent; EC: uncompressed point */
    size_t modulus_len, exponent_len, point_len;
};

/* RSA: p, q, dp, dq, iq one after the other; EC: the scalar. Big-endian. */
struct crypto_private_key {
    enum crypto_key_type type;
    uint16_t group;
    uint32_t modulus_bits;
    size_t p_len, q_len, dp_len, dq_len, iq_len, scalar_len;
    unsigned char data[5 * 260];
};

/* 1 when both halves are of one key pair. */
extern int crypto_key_matches(struct crypto_private_key const *private_key, struct crypto_public_key const *public_key);

struct crypto_scheme {
    uint16_t id; /* IANA TLS SignatureScheme */
    enum crypto_key_type key_type;
    enum crypto_hash hash;
    uint16_t group; /* ECDSA: the curve it is bound to in TLS 1.3 */
    unsigned char pss;
    char const *name;
};

#define CRYPTO_SCHEMES 9
/* In our order of preference. */
extern struct crypto_scheme const crypto_schemes[CRYPTO_SCHEMES];
extern struct crypto_scheme const *crypto_scheme_by_id(uint16_t id);

/* 1 when the scheme may sign with such a key in this version (RFC 8446, 4.2.3:
   no PKCS#1 v1.5 and ECDSA bound to its curve in 1.3). */
extern int crypto_scheme_fits(struct crypto_scheme const *scheme, struct crypto_public_key const *key,
                              uint16_t version);

/* Signs a digest made with scheme->hash; returns the signature's length or 0. An
   RSA signature that does not verify with the public key is not returned. */
extern size_t crypto_sign(struct crypto_private_key const *key, struct crypto_public_key const *public_key,
                          struct crypto_scheme const *scheme, unsigned char const *digest,
                          struct crypto_random const *random, unsigned char signature[CRYPTO_MAX_SIGNATURE]);
extern int crypto_verify(struct crypto_public_key const *key, struct crypto_scheme const *scheme,
                         unsigned char const *digest, unsigned char const *signature, size_t len);

#pragma GCC visibility pop

#endif
