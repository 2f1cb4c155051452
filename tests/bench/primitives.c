/* ISC license. */

/*
 * What a server's full handshake cannot do without, timed alone: an X25519 key,
 * an X25519 shared secret, and one signature. Prints the CPU time of the three
 * together in nanoseconds, for ECDSA P-256 and for RSA 2048.
 */

#include <bearssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define RSA_BYTES 256

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fill(void *buf, size_t len)
{
    if (getrandom(buf, len, 0) != (ssize_t)len)
        abort();
}

static void key_exchange(void)
{
    br_ec_impl const *x25519 = br_ec_get_default();
    unsigned char scalar[32], peer[32], own[32];
    fill(scalar, sizeof scalar);
    fill(peer, sizeof peer);
    if (!x25519->mulgen(own, scalar, sizeof scalar, BR_EC_curve25519) ||
        !x25519->mul(peer, sizeof peer, scalar, sizeof scalar, BR_EC_curve25519))
        abort();
}

struct signer {
    unsigned char digest[32];
    br_ec_private_key ec;
    br_rsa_private_key rsa;
    unsigned char ec_buf[BR_EC_KBUF_PRIV_MAX_SIZE];
    unsigned char rsa_buf[BR_RSA_KBUF_PRIV_SIZE(RSA_BYTES * 8)];
};

static void signer_init(struct signer *signer)
{
    br_hmac_drbg_context drbg;
    unsigned char seed[32];
    fill(seed, sizeof seed);
    fill(signer->digest, sizeof signer->digest);
    br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, sizeof seed);
    if (!br_ec_keygen(&drbg.vtable, br_ec_get_default(), &signer->ec, signer->ec_buf, BR_EC_secp256r1) ||
        !br_rsa_keygen_get_default()(&drbg.vtable, &signer->rsa, signer->rsa_buf, NULL, NULL, RSA_BYTES * 8,
                                     65537))
        abort();
}

static void sign_ecdsa(struct signer *signer)
{
    unsigned char signature[80];
    if (!br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), &br_sha256_vtable, signer->digest, &signer->ec,
                                          signature))
        abort();
}

static void sign_rsa(struct signer *signer)
{
    unsigned char signature[RSA_BYTES];
    if (!br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, signer->digest, sizeof signer->digest,
                                         &signer->rsa, signature))
        abort();
}

static double one(void (*sign)(struct signer *), struct signer *signer, int count)
{
    double began = cpu_now();
    for (int i = 0; i < count; i++) {
        key_exchange();
        sign(signer);
    }
    return (cpu_now() - began) / count;
}

int main(void)
{
    static struct signer signer;
    signer_init(&signer);
    one(sign_ecdsa, &signer, 10);
    printf("ecdsa %.0f\n", one(sign_ecdsa, &signer, 500));
    printf("rsa %.0f\n", one(sign_rsa, &signer, 200));
    return 0;
}
