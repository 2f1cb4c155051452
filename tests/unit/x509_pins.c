/* ISC license. */

/* Pins of public keys: the end entity's must be one of them, with and without trust anchors. */

#include "x509_make.h"

static void pin_key(struct x509_pins *pins, unsigned number)
{
    struct bytes const info = key_info(number);
    crypto_hash(CRYPTO_SHA256, info.p, info.len, pins->hash[pins->count++]);
}

static void expect_pinned(struct x509_pins const *pins, enum x509_error expected, char const *what)
{
    struct crypto_public_key found;
    reset();
    check.pins = pins;
    expect(expected, what);
    struct x509_chain const chain = {.count = 1, .cert = {{made[0].p, made[0].len}}};
    check.trust = NULL;
    enum x509_error const error = x509_verify(&chain, &check, &found, culprit);
    ok(error == expected, "%s, without anchors: %s", what, x509_strerror(error));
}

int main(void)
{
    struct x509_pins pins = {.count = 0};
    char text[X509_PIN_TEXT];
    expect_pinned(&pins, X509_WRONG_PIN, "no pin");
    pin_key(&pins, 1);
    expect_pinned(&pins, X509_WRONG_PIN, "the issuer's key");
    pin_key(&pins, 0);
    expect_pinned(&pins, X509_OK, "the second pin is right");
    pins.count = 1;
    expect_pinned(&pins, X509_WRONG_PIN, "a pin behind the list's end");
    pins.count = 0;
    pin_key(&pins, 0);
    pin_key(&pins, 1);
    expect_pinned(&pins, X509_OK, "the first is right");
    for (size_t i = 0; i < 32; i++) {
        struct x509_pins near = {.count = 1};
        memcpy(near.hash[0], pins.hash[0], 32);
        near.hash[0][i] ^= 1;
        expect_pinned(&near, X509_WRONG_PIN, "one bit differs");
    }
    struct x509_certificate const cert = {made[0].p, made[0].len};
    struct x509_pins read;
    ok(x509_pin(&cert, text) && !x509_pins_parse(&read, text) && read.count == 1, "a pin as text: %s", text);
    is_mem(read.hash[0], pins.hash[0], 32, "and read");
    return done_testing();
}
