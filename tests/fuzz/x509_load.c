/* ISC license. */

/*
 * libFuzzer target: the input as a file of certificates and a key, as a file
 * of anchors, and as a peer's chain. Seeds are the files that tests/lib/pki
 * makes, alone or one behind the other, PEM and DER.
 */

#include <bearssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "x509/der.h"
#include "x509/pem.h"
#include "x509/x509.h"

#define MAX_INPUT (64u << 10)

extern int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void demand(int condition)
{
    if (!condition) abort();
}

static int file_of(uint8_t const *data, size_t size)
{
    int const fd = memfd_create("input", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    return fd;
}

static void load_file(uint8_t const *data, size_t size)
{
    struct x509_credential credential;
    struct x509_trust trust;
    char const *culprit = NULL;
    char path[32];
    int const fd = file_of(data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!x509_credential_load(&credential, path, path, &culprit)) {
        demand(credential.chain.count && credential.private_key.type == credential.public_key.type);
        x509_credential_free(&credential);
    }
    if (!x509_trust_load(&trust, NULL, path, &culprit)) x509_trust_free(&trust);
    demand(culprit == path);
    close(fd);
}

/* DER elements one after the other; what is left at the end is one, too. */
static void cut_der(struct x509_chain *chain, uint8_t const *data, size_t size)
{
    struct der rest = {.p = data, .len = size}, content;
    while (rest.len && chain->count < X509_MAX_CERTIFICATES) {
        uint8_t const *const start = rest.p;
        size_t const left = rest.len;
        unsigned tag;
        int const whole = x509_der_read(&rest, &tag, &content);
        size_t const len = whole ? left - rest.len : left;
        chain->cert[chain->count++] = (struct x509_certificate){.der = start, .len = len};
        if (!whole) break;
    }
}

static void cut_pem(struct x509_chain *chain, uint8_t const *data, size_t size, unsigned char *storage)
{
    struct pem pem;
    x509_pem_init(&pem, data, size);
    while (chain->count < X509_MAX_CERTIFICATES && x509_pem_next(&pem)) {
        size_t len;
        if (!x509_base64_decode(pem.body, pem.body_len, storage, &len)) continue;
        chain->cert[chain->count++] = (struct x509_certificate){.der = storage, .len = len};
        storage += len;
    }
}

/* Anchors: the chain without its end entity, or with it. */
static int anchors_of(struct x509_chain const *chain, size_t first, struct x509_trust *trust)
{
    static char text[4 * MAX_INPUT];
    size_t len = 0;
    for (size_t i = first; i < chain->count; i++)
        len += br_pem_encode(text + len, chain->cert[i].der, chain->cert[i].len, "CERTIFICATE", 0);
    return x509_trust_decode(trust, text, len) == X509_OK;
}

static void verify(struct x509_chain const *chain, size_t first)
{
    static char const *const names[] = {NULL, "localhost", "a.wild.test", "127.0.0.1", "::1"};
    struct crypto_public_key key;
    struct x509_trust trust;
    char culprit[X509_MAX_CULPRIT];
    if (!anchors_of(chain, first, &trust)) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct x509_check const check = {.trust = &trust,
                                         .purpose = i % 2 ? X509_SERVER_AUTH : X509_CLIENT_AUTH,
                                         .name = names[i],
                                         .now = time(NULL)};
        if (x509_verify(chain, &check, &key, culprit) == X509_OK)
            demand(key.type == CRYPTO_EC ? key.point_len != 0 : key.modulus_len >= X509_MIN_MODULUS);
        demand(memchr(culprit, 0, sizeof culprit) != NULL);
    }
    x509_trust_free(&trust);
}

static void look_at(struct x509_certificate const *cert)
{
    struct crypto_public_key key;
    char line[300];
    size_t const max = cert->len % sizeof line;
    memset(line, 1, sizeof line);
    if (x509_subject(cert, line, max)) demand(memchr(line, 0, max) != NULL);
    demand(line[max] == 1);
    for (size_t i = 0; max && line[i]; i++) demand((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
    demand(x509_alt_names(cert, line, max) == (max && line[0]));
    demand(line[max] == 1);
    for (size_t i = 0; max && line[i]; i++) demand(line[i] > ' ' && line[i] <= '~');
    x509_signature_scheme(cert);
    x509_public_key(cert, &key);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    static unsigned char storage[MAX_INPUT];
    struct x509_chain chain = {.count = 0};
    if (!size || size > MAX_INPUT) return 0;
    load_file(data, size);
    if (data[0] == '-') cut_pem(&chain, data, size, storage);
    else cut_der(&chain, data, size);
    for (size_t i = 0; i < chain.count; i++) look_at(&chain.cert[i]);
    verify(&chain, 0);
    verify(&chain, 1);
    x509_is_dns_name((char const *)data, size);
    return 0;
}
