/* ISC license. */

/* Pins of public keys (RFC 7469, 2.4), written as curl's --pinnedpubkey takes them. */

#include <stdio.h>
#include <string.h>

#include "x509/path.h"
#include "x509/pem.h"

#define PREFIX "sha256//"
#define BASE64_LEN 44

static void hash_key(struct certificate const *cert, unsigned char hash[32])
{
    crypto_hash(CRYPTO_SHA256, cert->public_key.p, cert->public_key.len, hash);
}

int x509_pins_have(struct x509_pins const *pins, struct certificate const *cert)
{
    unsigned char hash[32];
    int found = 0;
    hash_key(cert, hash);
    for (size_t i = 0; i < pins->count; i++) found |= crypto_equal(pins->hash[i], hash, sizeof hash);
    return found;
}

static int parse_pin(char const *text, size_t len, unsigned char hash[32])
{
    unsigned char decoded[PEM_DECODED(BASE64_LEN)];
    size_t const prefix = sizeof PREFIX - 1;
    size_t decoded_len;
    if (len != prefix + BASE64_LEN || memcmp(text, PREFIX, prefix)) return 0;
    if (!x509_base64_decode(text + prefix, BASE64_LEN, decoded, &decoded_len) || decoded_len != 32) return 0;
    memcpy(hash, decoded, 32);
    return 1;
}

enum x509_error x509_pins_parse(struct x509_pins *pins, char const *text)
{
    for (pins->count = 0; pins->count < X509_MAX_PINS; text++) {
        size_t const len = strcspn(text, ";");
        if (!parse_pin(text, len, pins->hash[pins->count++])) return X509_BAD_PIN;
        text += len;
        if (!*text) return X509_OK;
    }
    return X509_BAD_PIN;
}

int x509_pin(struct x509_certificate const *cert, char text[X509_PIN_TEXT])
{
    struct certificate fields;
    unsigned char hash[32];
    if (!x509_certificate_parse(&fields, cert->der, cert->len)) return 0;
    hash_key(&fields, hash);
    memcpy(text, PREFIX, sizeof PREFIX);
    x509_base64_encode(hash, sizeof hash, text + sizeof PREFIX - 1);
    return 1;
}
