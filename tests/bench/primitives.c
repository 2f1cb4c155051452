/* ISC license. */

/*
 * What a server's full handshake cannot do without, timed alone: an X25519 key,
 * an X25519 shared secret, and one signature. primitives ecdsa|rsa COUNT prints
 * the CPU time of the three together in nanoseconds, with a signature of ECDSA
 * P-256 or RSA 2048. With COUNT 0 only the key of the signature is made.
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

static void signer_init(struct signer *signer, int rsa)
{
    br_hmac_drbg_context drbg;
    unsigned char seed[32];
    memset(seed, 1, sizeof seed);
    fill(signer->digest, sizeof signer->digest);
    br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, sizeof seed);
    uint32_t const made =
        rsa ? br_rsa_keygen_get_default()(&drbg.vtable, &signer->rsa, signer->rsa_buf, NULL, NULL,
                                          RSA_BYTES * 8, 65537)
            : (uint32_t)br_ec_keygen(&drbg.vtable, br_ec_get_default(), &signer->ec, signer->ec_buf,
                                     BR_EC_secp256r1);
    if (!made)
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

int main(int argc, char **argv)
{
    static struct signer signer;
    if (argc != 3)
        return 100;
    int const rsa = !strcmp(argv[1], "rsa"), count = atoi(argv[2]);
    signer_init(&signer, rsa);
    if (count > 0)
        printf("%.0f\n", one(rsa ? sign_rsa : sign_ecdsa, &signer, count));
    return 0;
}
