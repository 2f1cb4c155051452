/* ISC license. */

/* The readers below everything else: DER, PEM; and beside BearSSL's. */

#include <bearssl.h>

#include "x509/bundle.h"
#include "x509_pki.h"

static void reads(char const *what, void const *bytes, size_t len, int expected)
{
    struct der in = {.p = bytes, .len = len}, content;
    unsigned tag;
    ok(x509_der_read(&in, &tag, &content) == expected, "DER: %s", what);
}

#define READS(what, bytes, expected) reads(what, bytes, sizeof bytes - 1, expected)

static void test_der(void)
{
    static unsigned char longer[0x10003 + 4];
    READS("nothing", "", 0);
    READS("a tag alone", "\x04", 0);
    READS("an empty element", "\x04\x00", 1);
    READS("one byte", "\x04\x01x", 1);
    READS("a byte missing", "\x04\x02x", 0);
    READS("indefinite length", "\x30\x80\x00\x00", 0);
    READS("a length byte too many", "\x04\x81\x01x", 0);
    READS("two length bytes too many", "\x04\x82\x00\x01x", 0);
    READS("a length that ends early", "\x04\x82\x01", 0);
    READS("four length bytes", "\x04\x84\x00\x00\x00\x01x", 0);
    READS("a huge length", "\x04\xff", 0);
    READS("a tag of two bytes", "\x1f\x81\x00", 0);
    memcpy(longer, "\x04\x81\x80", 3);
    reads("0x80 bytes", longer, 3 + 0x80, 1);
    reads("0x80 bytes, one missing", longer, 2 + 0x80, 0);
    memcpy(longer, "\x04\x82\x01\x00", 4);
    reads("0x100 bytes", longer, 4 + 0x100, 1);
    memcpy(longer, "\x04\x83\x00\xff\xff", 5);
    reads("three length bytes for 0xffff", longer, 5 + 0xffff, 0);
}

static void decodes(char const *body, char const *expected)
{
    char text[256];
    unsigned char out[256];
    struct pem pem;
    size_t len = 0;
    int const size = snprintf(text, sizeof text, "-----BEGIN X-----\n%s\n-----END X-----\n", body);
    x509_pem_init(&pem, text, (size_t)size);
    int const valid = x509_pem_next(&pem) && x509_base64_decode(pem.body, pem.body_len, out, &len);
    ok(valid == !!expected && (!valid || (len == strlen(expected) && !memcmp(out, expected, len))),
       "base64 of '%s'", expected ? expected : "nothing");
}

static void test_base64(void)
{
    decodes("", "");
    decodes("YQ==", "a");
    decodes("YWI=", "ab");
    decodes("YWJj", "abc");
    decodes("YWJjZA==", "abcd");
    decodes("YW\nJj\r\n Z\tA==", "abcd");
    decodes("YQ=\n=", "a");
    decodes("YQ", NULL);
    decodes("Y", NULL);
    decodes("YQ=", NULL);
    decodes("YR==", NULL);
    decodes("YWJ=", NULL);
    decodes("YQ===", NULL);
    decodes("=", NULL);
    decodes("YQ==YQ==", NULL);
    decodes("YW-j", NULL);
    decodes("YWJj\x80", NULL);
}

/* Every byte in every place of a line, beside what it stands for. */
static void test_base64_bytes(void)
{
    static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned faults = 0;
    for (unsigned i = 0; i < 20 * 256; i++) {
        char body[21] = "AAAAAAAAAAAAAAAAAAAA";
        unsigned char out[PEM_DECODED(20)];
        size_t len = 0;
        unsigned const place = i / 256, c = i % 256, shift = 18 - 6 * (place % 4);
        char const *const digit = c ? strchr(digits, (int)c) : NULL;
        body[place] = (char)c;
        int const valid = x509_base64_decode(body, 20, out, &len);
        faults += valid != (digit != NULL || (c == '=' && place == 19));
        if (!digit) continue;
        unsigned char const *const three = out + place / 4 * 3;
        unsigned const bits = (unsigned)three[0] << 16 | (unsigned)three[1] << 8 | three[2];
        faults += len != 15 || bits != (unsigned)(digit - digits) << shift;
    }
    ok(!faults, "every byte in every place");
}

static unsigned count_blocks(char const *text)
{
    struct pem pem;
    unsigned count = 0;
    x509_pem_init(&pem, text, strlen(text));
    while (x509_pem_next(&pem)) count++;
    return count;
}

static void test_blocks(void)
{
    ok(count_blocks("") == 0, "no text, no block");
    ok(count_blocks("-----BEGIN A-----\n-----END A-----") == 1, "a block without a last newline");
    ok(count_blocks("x\n-----BEGIN A-----\nQQ==\n-----END A-----\n\n-----BEGIN B-----\n-----END B-----\n")
           == 2,
       "two");
    ok(count_blocks("x-----BEGIN A-----\n-----END A-----\n") == 0, "BEGIN starts a line");
    ok(count_blocks("-----BEGIN A\n-----END A-----\n") == 0, "BEGIN ends in dashes");
    ok(count_blocks("-----BEGIN A-----\nQQ==\n") == 0, "an END is needed");
    ok(count_blocks("-----BEGIN -----BEGIN ") == 0, "half of a BEGIN");
}

/* ---- our reading of certificates beside BearSSL's ---- */

static int same_key(br_x509_pkey const *a, struct crypto_public_key const *b)
{
    if (a->key_type == BR_KEYTYPE_EC)
        return b->type == CRYPTO_EC && a->key.ec.curve == b->group && a->key.ec.qlen == b->point_len
               && !memcmp(a->key.ec.q, b->data, b->point_len);
    return b->type == CRYPTO_RSA && a->key.rsa.nlen == b->modulus_len && a->key.rsa.elen == b->exponent_len
           && !memcmp(a->key.rsa.n, b->data, b->modulus_len)
           && !memcmp(a->key.rsa.e, b->data + b->modulus_len, b->exponent_len);
}

static int read_alike(unsigned char const *der, size_t len)
{
    struct certificate cert;
    struct crypto_public_key key;
    br_x509_decoder_context decoder;
    br_x509_decoder_init(&decoder, NULL, NULL);
    br_x509_decoder_push(&decoder, der, len);
    if (br_x509_decoder_last_error(&decoder) || !x509_certificate_parse(&cert, der, len)
        || x509_public_key_parse(&cert, &key))
        return 0;
    return same_key(br_x509_decoder_get_pkey(&decoder), &key)
           && !br_x509_decoder_isCA(&decoder) == !cert.is_ca;
}

static void test_beside_bearssl(void)
{
    static char const *const names[] = {"ca.pem",  "ec256.crt",    "ec384.crt",
                                        "rsa.crt", "odd/p521.crt", "odd/nosan.crt"};
    static struct pki_chain chain;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        pki_chain_of(&chain, names[i]);
        ok(read_alike(chain.chain.cert[0].der, chain.chain.cert[0].len), "%s read as BearSSL reads it",
           names[i]);
    }
}

static void test_system_bundle(void)
{
    static unsigned char room[X509_MAX_FILE];
    struct x509_trust trust;
    char const *culprit;
    unsigned same = 0;
    if (x509_trust_load(&trust, NULL, NULL, &culprit)) {
        skip("no bundle of anchors on this system");
        return;
    }
    size_t const count = trust.certificates.count;
    for (size_t i = 0; i < count; i++) {
        struct der const whole = x509_bundle_item(&trust.certificates, i, room, sizeof room);
        same += (unsigned)read_alike(whole.p, whole.len);
    }
    ok(count && same == count, "the system's %zu anchors read as BearSSL reads them: %u", count, same);
    x509_trust_free(&trust);
}

int main(void)
{
    pki_make();
    test_der();
    test_base64();
    test_base64_bytes();
    test_blocks();
    test_beside_bearssl();
    test_system_bundle();
    return done_testing();
}
