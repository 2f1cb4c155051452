/* ISC license. */

/*
 * ML-KEM-768 against values of the C2SP project "CCTV" (accumulated test
 * vectors for FIPS 203): inputs are drawn from SHAKE128 of nothing, all outputs
 * go into another SHAKE128. SHA-3 and SHAKE against examples of FIPS 202.
 */

#include "crypto/crypto.h"
#include "crypto/keccak.h"
#include "crypto/mlkem.h"
#include "hex.h"
#include "tap.h"

static void is_digest(unsigned char const *digest, char const *wanted, char const *name)
{
    struct bytes const bytes = hex(wanted);
    is_mem(digest, bytes.data, bytes.len, "%s", name);
}

static void sha3(void)
{
    struct keccak hash;
    unsigned char digest[SHA3_512_SIZE];

    crypto_keccak_init(&hash, SHA3_256_RATE);
    crypto_keccak_finish_sha3(&hash, digest, SHA3_256_SIZE);
    is_digest(digest, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
           "SHA3-256 of nothing");
    crypto_keccak_init(&hash, SHA3_512_RATE);
    crypto_keccak_absorb(&hash, "abc", 3);
    crypto_keccak_finish_sha3(&hash, digest, SHA3_512_SIZE);
    is_digest(digest,
              "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
              "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
              "SHA3-512 of abc");
}

struct kem {
    unsigned char d[MLKEM_SEED], z[MLKEM_SEED], m[MLKEM_SEED];
    unsigned char ek[MLKEM_ENCAPSULATION_KEY], dk[MLKEM_DECAPSULATION_KEY];
    unsigned char ciphertext[MLKEM_CIPHERTEXT], foreign[MLKEM_CIPHERTEXT];
    unsigned char secret[MLKEM_SECRET], again[MLKEM_SECRET], rejected[MLKEM_SECRET];
};

/* 1 when both sides have the same secret. */
static int round_trip(struct kem *kem, struct keccak *source)
{
    crypto_keccak_squeeze(source, kem->d, sizeof kem->d);
    crypto_keccak_squeeze(source, kem->z, sizeof kem->z);
    crypto_keccak_squeeze(source, kem->m, sizeof kem->m);
    crypto_keccak_squeeze(source, kem->foreign, sizeof kem->foreign);
    crypto_mlkem_keygen(kem->d, kem->z, kem->ek, kem->dk);
    if (!crypto_mlkem_encapsulate(kem->ek, kem->m, kem->ciphertext, kem->secret)) return 0;
    crypto_mlkem_decapsulate(kem->dk, kem->ciphertext, kem->again);
    crypto_mlkem_decapsulate(kem->dk, kem->foreign, kem->rejected);
    return memcmp(kem->secret, kem->again, MLKEM_SECRET) == 0;
}

static void begin_source(struct keccak *source)
{
    crypto_keccak_init(source, SHAKE128_RATE);
    crypto_keccak_finish_shake(source);
}

static void accumulated(int count, char const *wanted)
{
    static struct kem kem;
    struct keccak source, all;
    unsigned char digest[32];
    char name[64];
    int agreed = 0;

    begin_source(&source);
    crypto_keccak_init(&all, SHAKE128_RATE);
    for (int i = 0; i < count; i++) {
        agreed += round_trip(&kem, &source);
        crypto_keccak_absorb(&all, kem.ek, sizeof kem.ek);
        crypto_keccak_absorb(&all, kem.dk, sizeof kem.dk);
        crypto_keccak_absorb(&all, kem.ciphertext, sizeof kem.ciphertext);
        crypto_keccak_absorb(&all, kem.secret, sizeof kem.secret);
        crypto_keccak_absorb(&all, kem.rejected, sizeof kem.rejected);
    }
    crypto_keccak_finish_shake(&all);
    crypto_keccak_squeeze(&all, digest, sizeof digest);
    snprintf(name, sizeof name, "%d key pairs: all outputs", count);
    is_digest(digest, wanted, name);
    snprintf(name, sizeof name, "%d key pairs: both sides agree", count);
    ok(agreed == count, "%s", name);
}

/* Any changed byte gives the secret J(z || ciphertext). */
static void implicit_rejection(void)
{
    static struct kem kem;
    struct keccak source, hash;
    int right = 0;

    begin_source(&source);
    round_trip(&kem, &source);
    for (size_t i = 0; i < MLKEM_CIPHERTEXT; i++) {
        unsigned char wanted[MLKEM_SECRET];
        kem.ciphertext[i] ^= (unsigned char)(1 << i % 8);
        crypto_mlkem_decapsulate(kem.dk, kem.ciphertext, kem.rejected);
        crypto_keccak_init(&hash, SHAKE256_RATE);
        crypto_keccak_absorb(&hash, kem.z, sizeof kem.z);
        crypto_keccak_absorb(&hash, kem.ciphertext, sizeof kem.ciphertext);
        crypto_keccak_finish_shake(&hash);
        crypto_keccak_squeeze(&hash, wanted, sizeof wanted);
        right += memcmp(kem.rejected, wanted, sizeof wanted) == 0;
        kem.ciphertext[i] ^= (unsigned char)(1 << i % 8);
    }
    ok(right == MLKEM_CIPHERTEXT, "a ciphertext with a wrong byte, at each place: the secret of rejection");
}

static void put_coefficient(unsigned char *ek, size_t index, unsigned int value)
{
    unsigned char *const pair = ek + index / 2 * 3;
    if (index % 2) {
        pair[1] = (unsigned char)((pair[1] & 15) | value << 4);
        pair[2] = (unsigned char)(value >> 4);
    } else {
        pair[0] = (unsigned char)value;
        pair[1] = (unsigned char)((pair[1] & 0xf0) | value >> 8);
    }
}

/* 7.2: each coefficient of the key is at most 3328. */
static void modulus_check(void)
{
    static struct kem kem;
    struct keccak source;
    int taken = 0, refused = 0;

    begin_source(&source);
    round_trip(&kem, &source);
    for (size_t i = 0; i < 768; i++) {
        unsigned char ek[MLKEM_ENCAPSULATION_KEY];
        memcpy(ek, kem.ek, sizeof ek);
        put_coefficient(ek, i, 3328);
        taken += crypto_mlkem_encapsulate(ek, kem.m, kem.ciphertext, kem.secret);
        put_coefficient(ek, i, i % 3 ? 3329 : 4095);
        refused += !crypto_mlkem_encapsulate(ek, kem.m, kem.ciphertext, kem.secret);
    }
    ok(taken == 768, "the coefficient 3328 is valid, at each place");
    ok(refused == 768, "3329 and 4095 are not");
}

int main(void)
{
    sha3();
    accumulated(100, "8d65b902f28edc683cebee2872962fd165a4d197c9e24ec74caa4470270df0b7");
    accumulated(10000, "f959d18d3d1180121433bf0e05f11e7908cf9d03edc150b2b07cb90bef5bc1c1");
    implicit_rejection();
    modulus_check();
    return done_testing();
}
