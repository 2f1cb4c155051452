/* ISC license. */

/* Alternative names as a line of text. */

#include "x509_pki.h"

static void names_are(char const *file, char const *expected)
{
    static struct pki_chain chain;
    char out[256];
    pki_chain_of(&chain, file);
    int const found = x509_alt_names(chain.chain.cert, out, sizeof out);
    ok(found == (*expected != 0) && !strcmp(out, expected), "%s: \"%s\"", file, out);
}

static void kinds(void)
{
    names_are("ec256.crt", "DNS:localhost,DNS:example.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1");
    names_are("client-san.crt",
              "DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,email:me@a.example,URI:urn:a?b;c");
    names_are("client-ec.crt", "");
    names_are("odd/nosan.crt", "");
}

static void hostile(void)
{
    names_are("odd/nul.crt", "DNS:localhost\\00.evil.test");
    names_are("odd/hostile.crt", "DNS:a\\0A\\2CDNS:\\5C\\20\\FCb");
    names_are("odd/badip.crt", "");
    names_are("odd/badsan.crt", "");
}

static void not_a_certificate(void)
{
    static unsigned char const junk[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
    struct x509_certificate const cert = { junk, sizeof junk };
    char out[16] = "x";
    ok(!x509_alt_names(&cert, out, sizeof out) && !*out, "not a certificate");
}

/* All or nothing: a list that is cut could end in another name. */
static void room(void)
{
    static struct pki_chain chain;
    char out[256];
    int bad = 0;
    pki_chain_of(&chain, "ec256.crt");
    x509_alt_names(chain.chain.cert, out, sizeof out);
    size_t const len = strlen(out);
    for (size_t max = 0; max <= len; max++) {
        memset(out, 'x', sizeof out);
        bad += x509_alt_names(chain.chain.cert, out, max) || (max && *out) || out[max] != 'x';
    }
    ok(!bad, "with less room nothing, and nothing behind it");
    ok(x509_alt_names(chain.chain.cert, out, len + 1) && strlen(out) == len, "just enough");
}

/* Cut and changed bytes: a line or nothing, always terminated. */
static void broken(void)
{
    static struct pki_chain chain;
    static unsigned char copy[4096];
    char out[300];
    int bad = 0;
    pki_chain_of(&chain, "client-san.crt");
    struct x509_certificate const whole = chain.chain.cert[0];
    for (size_t i = 0; i < whole.len; i++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            struct x509_certificate const cert = { copy, whole.len };
            memcpy(copy, whole.der, whole.len);
            copy[i] ^= (unsigned char)bit;
            memset(out, 'x', sizeof out);
            int const found = x509_alt_names(&cert, out, sizeof out - 1);
            char const *end = memchr(out, 0, sizeof out - 1);
            bad += !end || found != (end != out) || out[sizeof out - 1] != 'x';
            for (char const *p = out; end && p < end; p++) bad += *p <= ' ' || *p > '~';
        }
    ok(!bad, "any bit changed: visible ASCII or nothing");
}

int main(void)
{
    pki_make();
    kinds();
    hostile();
    not_a_certificate();
    room();
    broken();
    return done_testing();
}
