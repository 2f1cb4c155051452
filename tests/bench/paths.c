/* ISC license. */

/*
 * A chain of end entity, intermediate and root verified with a bundle of roots, and beside it the two signatures
 * alone. paths CHAIN BUNDLE WHAT: WHAT is load, verify or signatures; tests/bench/paths counts the instructions of
 * the function of that name.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/bundle.h"

#define NOW 1800000000

static struct x509_trust trust, chain_file;
static struct x509_chain chain;
static struct crypto_public_key keys[3]; /* of the chain's certificates, and of the root */
static struct certificate cert[2];

__attribute__((noinline)) static int load(char const *bundle)
{
    char const *culprit;
    return x509_trust_load(&trust, NULL, bundle, &culprit) == X509_OK;
}

__attribute__((noinline)) static int verify(void)
{
    struct crypto_public_key key;
    struct x509_check const check = {.trust = &trust, .purpose = X509_SERVER_AUTH, .name = "localhost", .now = NOW};
    return x509_verify(&chain, &check, &key, NULL) == X509_OK;
}

__attribute__((noinline)) static int signatures(void)
{
    return !x509_signed_check(&cert[0].data, &keys[1]) && !x509_signed_check(&cert[1].data, &keys[2]);
}

/* The last certificate of the file is the root. */
static int prepare(char const *file)
{
    static unsigned char room[X509_MAX_CHAIN];
    size_t used = 0;
    char const *culprit;
    if (x509_trust_load(&chain_file, NULL, file, &culprit)) return 0;
    for (size_t i = 0; i < 3; i++) {
        struct der const whole = x509_bundle_item(&chain_file.certificates, i, room + used, sizeof room - used);
        struct x509_certificate const one = {whole.p, whole.len};
        used += whole.len;
        if (x509_public_key(&one, &keys[i])) return 0;
        if (i == 2) continue;
        chain.cert[chain.count++] = one;
        x509_certificate_parse(&cert[i], one.der, one.len);
    }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4 || !prepare(argv[1])) return 100;
    if (!load(argv[2])) return 96;
    if (!strcmp(argv[3], "load")) return 0;
    return !(!strcmp(argv[3], "verify") ? verify() : signatures());
}
