/* ISC license. */

/* Certificates, keys and anchors from files. */

#include <bearssl.h>
#include <sys/stat.h>
#include <time.h>

#include "x509_pki.h"

static void loads(char const *cert, char const *key, enum x509_error expected, char const *blamed)
{
    struct x509_credential credential;
    char const *culprit = "nobody";
    char certfile[256], keyfile[256];
    snprintf(certfile, sizeof certfile, "%s/%s", pki_dir, cert);
    snprintf(keyfile, sizeof keyfile, "%s/%s", pki_dir, key);
    enum x509_error const error = x509_credential_load(&credential, certfile, keyfile, &culprit);
    int const right =
        error == expected && (!error || (!strcmp(culprit, blamed[0] == 'c' ? certfile : keyfile)));
    ok(right, "%s, %s: %s", cert, key, x509_strerror(error));
    if (!error) {
        ok(credential.public_key.type == credential.private_key.type, "both halves of one type");
        x509_credential_free(&credential);
    }
}

static void good(char const *cert, char const *key)
{
    loads(cert, key, X509_OK, "");
}

/* The public key is optional in an EC key's file. */
static void make_key_without_public(void)
{
    char command[256];
    snprintf(command, sizeof command,
             "cd %s && openssl ec -in ec256.key -no_public -out nopublic.key 2>/dev/null", pki_dir);
    if (system(command)) exit(111);
}

static void test_forms(void)
{
    make_key_without_public();
    good("ec256.crt", "ec256.key");
    good("ec256.crt", "ec256.sec1.key");
    good("ec256.crt", "ec256.key.der");
    good("ec256.crt.der", "ec256.key");
    good("ec256.crt.der", "ec256.key.der");
    good("ec256.pem", "ec256.pem");
    good("ec256.pem", "ec256.key");
    good("ec384.crt", "ec384.key");
    good("odd/p521.crt", "odd/p521.key");
    good("ec384.crt.der", "ec384.key.der");
    good("ec256.crt", "nopublic.key");
    loads("client-ec.crt", "nopublic.key", X509_KEY_MISMATCH, "key");
    good("rsa.crt", "rsa.key");
    good("rsa.crt", "rsa.pkcs1.key");
    good("rsa.crt.der", "rsa.key.der");
    good("expired.crt", "expired.key");
}

static void test_chain(void)
{
    struct x509_credential credential;
    char const *culprit;
    enum x509_error error =
        x509_credential_load(&credential, pki_path("ec-chain.crt"), pki_path("ec-chain.key"), &culprit);
    if (!ok(error == X509_OK && credential.chain.count == 2, "a chain of two")) return;
    static struct pki_chain expected;
    pki_chain_of(&expected, "ec-chain.crt");
    is_mem(credential.chain.cert[0].der, expected.der, expected.used, "in order");
    x509_credential_free(&credential);
    ok(!credential.storage.bytes && !credential.private_key.scalar_len, "wiped");
}

static void test_mismatch(void)
{
    loads("ec256.crt", "mismatch.key", X509_KEY_MISMATCH, "key");
    loads("ec256.crt", "ec384.key", X509_KEY_MISMATCH, "key");
    loads("ec256.crt", "rsa.key", X509_KEY_MISMATCH, "key");
    loads("rsa.crt", "client-rsa.key", X509_KEY_MISMATCH, "key");
    loads("rsa.crt", "ec256.key", X509_KEY_MISMATCH, "key");
}

static void test_unsupported(void)
{
    loads("rsa1024.crt", "rsa1024.key", X509_WEAK_KEY, "key");
    loads("odd/ed25519.crt", "odd/ed25519.key", X509_ED25519, "cert");
}

static void test_wrong_files(void)
{
    loads("missing.crt", "ec256.key", X509_SYSTEM, "cert");
    ok(errno == ENOENT, "errno says that there is no such file");
    loads("ec256.crt", "missing.key", X509_SYSTEM, "key");
    loads(".", "ec256.key", X509_SYSTEM, "cert");
    ok(errno == EISDIR, "errno says that it is a directory");
    loads("ec256.crt", ".", X509_SYSTEM, "key");
    loads("ec256.key", "ec256.key", X509_NO_CERTIFICATE, "cert");
    loads("ec256.crt", "ec256.crt", X509_NO_KEY, "key");
    loads("ec256.crt.der", "ec256.crt.der", X509_NO_KEY, "key");
    loads("ec256.key.der", "ec256.key.der", X509_BAD_CERTIFICATE, "cert");
}

static void test_special_files(void)
{
    if (mkfifo(pki_path("fifo"), 0600)) exit(111);
    loads("fifo", "ec256.key", X509_NOT_A_FILE, "cert");
    ok(errno == EINVAL, "a fifo is no file, and is not waited for");
    loads("ec256.crt", "fifo", X509_NOT_A_FILE, "key");
    if (symlink("/dev/zero", pki_path("zero"))) exit(111);
    loads("zero", "ec256.key", X509_NOT_A_FILE, "cert");
    loads("ec256.crt", "zero", X509_NOT_A_FILE, "key");
}

static void test_content(void)
{
    static char const encrypted[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    static char const not_base64[] = "-----BEGIN CERTIFICATE-----\nMI#B\n-----END CERTIFICATE-----\n";
    static char const not_der[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static char const broken_key[] = "-----BEGIN PRIVATE KEY-----\nMI#B\n-----END PRIVATE KEY-----\n";
    static char const short_key[] = "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----";
    static char const no_end[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    pki_write("empty", "", 0);
    pki_write("encrypted", encrypted, sizeof encrypted - 1);
    pki_write("not_base64", not_base64, sizeof not_base64 - 1);
    pki_write("not_der", not_der, sizeof not_der - 1);
    pki_write("broken_key", broken_key, sizeof broken_key - 1);
    pki_write("short_key", short_key, sizeof short_key - 1);
    pki_write("no_end", no_end, sizeof no_end - 1);
    loads("empty", "ec256.key", X509_NO_CERTIFICATE, "cert");
    loads("ec256.crt", "empty", X509_NO_KEY, "key");
    loads("ec256.crt", "encrypted", X509_ENCRYPTED_KEY, "key");
    loads("not_base64", "ec256.key", X509_BAD_CERTIFICATE, "cert");
    loads("not_der", "ec256.key", X509_BAD_CERTIFICATE, "cert");
    loads("ec256.crt", "broken_key", X509_NO_KEY, "key");
    loads("ec256.crt", "short_key", X509_NO_KEY, "key");
    loads("no_end", "ec256.key", X509_NO_CERTIFICATE, "cert");
}

static void test_text_forms(void)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && sed 's/$/\\r/' ec256.crt >crlf.crt && sed 's/$/\\r/' ec256.key >crlf.key"
             " && printf %%s \"$(cat ec256.crt)\" >noeol.crt && printf %%s \"$(cat ec256.key)\" >noeol.key"
             " && openssl x509 -text -in ec256.crt >text.crt",
             pki_dir);
    ok(!system(command), "other forms of text made");
    good("crlf.crt", "crlf.key");
    good("noeol.crt", "noeol.key");
    good("text.crt", "ec256.key");
}

static void fill(char const *name, char const *part, unsigned times)
{
    char command[256];
    snprintf(command, sizeof command, "cd %s && for i in $(seq %u); do cat %s; done >%s", pki_dir, times,
             part, name);
    if (system(command)) exit(111);
}

/* 64 KiB of DER, four certificates' worth, and a byte more. */
static void test_chain_too_big(void)
{
    static unsigned char der[X509_MAX_CHAIN / 4 + 1];
    static char text[2 * X509_MAX_CHAIN];
    size_t len = 0;
    for (size_t extra = 0; extra < 2; extra++) {
        len = 0;
        for (size_t i = 0; i < 4; i++) {
            size_t const size = X509_MAX_CHAIN / 4 + (i ? 0 : extra);
            memcpy(der,
                   (unsigned char[]){0x30, 0x82, (unsigned char)((size - 4) >> 8), (unsigned char)(size - 4)},
                   4);
            len += br_pem_encode(text + len, der, size, "CERTIFICATE", 0);
        }
        pki_write("long_chain", text, len);
        loads("long_chain", "ec256.key", extra ? X509_TOO_BIG : X509_BAD_CERTIFICATE, "cert");
    }
}

static void test_too_big(void)
{
    static unsigned char const zero[1024];
    char path[256];
    fill("sixteen", "ec256.crt", X509_MAX_CERTIFICATES);
    fill("seventeen", "ec256.crt", X509_MAX_CERTIFICATES + 1);
    good("sixteen", "ec256.key");
    loads("seventeen", "ec256.key", X509_TOO_BIG, "cert");
    pki_write("large", zero, sizeof zero);
    snprintf(path, sizeof path, "%s/large", pki_dir);
    if (truncate(path, (1 << 20) + 1)) exit(111);
    loads("large", "ec256.key", X509_TOO_BIG, "cert");
    loads("ec256.crt", "large", X509_TOO_BIG, "key");
    if (truncate(path, 1 << 20)) exit(111);
    loads("large", "ec256.key", X509_NO_CERTIFICATE, "cert");
}

static void trusts(char const *cadir, char const *cafile, enum x509_error expected)
{
    struct x509_trust trust;
    char const *culprit = NULL;
    char const *const dir = cadir ? pki_path(cadir) : NULL;
    char const *const file = cafile ? pki_path(cafile) : NULL;
    enum x509_error const error = x509_trust_load(&trust, dir, file, &culprit);
    ok(error == expected && culprit == (dir ? dir : file), "CADIR %s, CAFILE %s: %s", cadir ? cadir : "-",
       cafile ? cafile : "-", x509_strerror(error));
    ok(!error == !!trust.certificates.bytes, "bytes only when there is no error");
    x509_trust_free(&trust);
}

static void test_trust_files(void)
{
    trusts(NULL, "ca.pem", X509_OK);
    trusts(NULL, "ec256.crt.der", X509_OK);
    trusts(NULL, "ec256.key", X509_NO_ANCHORS);
    trusts(NULL, "empty", X509_NO_ANCHORS);
    trusts(NULL, "missing", X509_SYSTEM);
    ok(errno == ENOENT, "errno says that there is no such file");
    trusts(NULL, "fifo", X509_NOT_A_FILE);
    trusts(NULL, "cadir", X509_SYSTEM);
    ok(errno == EISDIR, "errno says that it is a directory");
    char path[256];
    snprintf(path, sizeof path, "%s/large", pki_dir);
    if (truncate(path, X509_MAX_FILE + 1)) exit(111);
    trusts(NULL, "large", X509_TOO_BIG);
    if (unlink(path)) exit(111);
}

static void test_trust_directories(void)
{
    char command[512];
    trusts("cadir", "missing", X509_OK);
    trusts("missing", "ca.pem", X509_SYSTEM);
    trusts("ca.pem", NULL, X509_SYSTEM);
    ok(errno == ENOTDIR, "errno says that it is no directory");
    snprintf(command, sizeof command,
             "cd %s && mkdir none mixed mixed/sub && ln -s nowhere mixed/dangling && mkfifo mixed/fifo"
             " && echo text >mixed/README && cp ca-ec.crt mixed/.hidden.crt",
             pki_dir);
    ok(!system(command), "directories made");
    trusts("none", NULL, X509_NO_ANCHORS);
    trusts("mixed", NULL, X509_NO_ANCHORS);
    snprintf(command, sizeof command,
             "cd %s && openssl x509 -in ca-ec.crt -outform DER -out mixed/ec && cp ca-rsa.crt mixed",
             pki_dir);
    ok(!system(command), "DER beside PEM");
    trusts("mixed", NULL, X509_OK);
}

static void verifies_with_directory(char const *name, char const *dir, enum x509_error expected)
{
    static struct pki_chain chain;
    struct crypto_public_key key;
    struct x509_trust trust;
    char const *culprit;
    pki_chain_of(&chain, name);
    enum x509_error error = x509_trust_load(&trust, pki_path(dir), NULL, &culprit);
    struct x509_check const check = {
        .trust = &trust, .purpose = X509_SERVER_AUTH, .name = "localhost", .now = time(NULL)};
    if (!error) error = x509_verify(&chain.chain, &check, &key, NULL);
    ok(error == expected, "%s by %s/: %s", name, dir, x509_strerror(error));
    x509_trust_free(&trust);
}

static void test_trust_used(void)
{
    verifies_with_directory("ec256.crt", "cadir", X509_OK);
    verifies_with_directory("rsa.crt", "cadir", X509_OK);
    verifies_with_directory("ec256.crt", "mixed", X509_OK);
    verifies_with_directory("rsa.crt", "mixed", X509_OK);
    verifies_with_directory("selfsigned.crt", "cadir", X509_UNKNOWN_CA);
}

int main(void)
{
    pki_make();
    test_forms();
    test_chain();
    test_mismatch();
    test_unsupported();
    test_wrong_files();
    test_special_files();
    test_content();
    test_text_forms();
    test_chain_too_big();
    test_too_big();
    test_trust_files();
    test_trust_directories();
    test_trust_used();
    return done_testing();
}
