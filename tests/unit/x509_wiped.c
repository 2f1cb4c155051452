/* ISC license. */
/* runs: host; not: sanitizers */

/* Files of certificates that have a private key in them too: nothing of the key stays in memory that was allocated
   for the certificates, neither while they are used nor afterwards. */

#include <inttypes.h>
#include <sys/stat.h>

#include "x509_pki.h"

#define PIECE 48

/* What this test knows of the key; pieces: in base64, in DER. */
static struct {
    char key[16384], der[16384], both[32768];
    unsigned char pieces[2][PIECE];
} own;

static char certificate[16384];
static size_t certificate_len, key_len, both_len;

static size_t read_file(char *to, size_t max, char const *name)
{
    int const fd = open(pki_path(name), O_RDONLY);
    ssize_t const len = fd < 0 ? -1 : read(fd, to, max);
    if (len < 4 * PIECE || close(fd)) exit(111);
    return (size_t)len;
}

/* Without stdio, whose buffers are on the heap. */
static void write_file(char const *name, char const *bytes, size_t len)
{
    int const fd = open(pki_path(name), O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd)) exit(111);
}

/* A piece from the middle, where allocators write nothing. */
static void keep_piece(unsigned char piece[PIECE], char const *bytes, size_t len)
{
    memcpy(piece, bytes + len / 2, PIECE);
}

static int is_own(unsigned char const *p)
{
    return (uintptr_t)p >= (uintptr_t)&own && (uintptr_t)p < (uintptr_t)(&own + 1);
}

static int is_piece_in(unsigned char const *from, size_t len, unsigned char const piece[PIECE])
{
    unsigned char const *const end = from + len;
    while ((from = memmem(from, (size_t)(end - from), piece, PIECE)) && is_own(from)) from++;
    return from != NULL;
}

static int are_pieces_in(unsigned char const *from, size_t len)
{
    return is_piece_in(from, len, own.pieces[0]) || is_piece_in(from, len, own.pieces[1]);
}

/* 1: the line is of memory that an allocator may have: [heap], or a mapping without
   a name, which may have this test's variables too. musl has pages without access in
   [heap]. */
static int is_allocated(char const *line, uintptr_t *from, uintptr_t *to)
{
    char access[5], name[256];
    int const fields =
        sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %255s", from, to, access, name);
    return fields >= 3 && !strncmp(access, "rw", 2) && (fields == 3 || !strcmp(name, "[heap]"));
}

/* 1: a piece is on the heap. */
static int is_key_on_heap(void)
{
    FILE *const maps = fopen("/proc/self/maps", "r");
    char line[512];
    uintptr_t from, to;
    int found = 0, has_heap = 0;
    while (maps && fgets(line, sizeof line, maps)) {
        if (!is_allocated(line, &from, &to)) continue;
        has_heap = 1;
        found |= are_pieces_in((unsigned char const *)from, to - from);
    }
    if (!has_heap || fclose(maps)) exit(111);
    return found;
}

static void append(char const *bytes, size_t len)
{
    memcpy(own.both + both_len, bytes, len);
    both_len += len;
}

static void test_search(void)
{
    char *const copy = malloc(key_len);
    memcpy(copy, own.key, key_len);
    ok(is_key_on_heap(), "a copy of the key is found");
    crypto_wipe(copy, key_len);
    free(copy);
    ok(!is_key_on_heap(), "and is not when it was wiped");
}

static void load_anchors(char const *dir, char const *file, char const *what)
{
    struct x509_trust trust;
    char const *culprit;
    enum x509_error const error = x509_trust_load(&trust, dir, file, &culprit);
    ok(!error, "anchors from %s: %s", what, x509_strerror(error));
    ok(!is_key_on_heap(), "%s: no key beside the anchors", what);
    x509_trust_free(&trust);
    ok(!is_key_on_heap(), "%s: no key afterwards", what);
}

static void test_anchors(void)
{
    char folder[256];
    snprintf(folder, sizeof folder, "%s", pki_path("folder"));
    if (mkdir(folder, 0700) < 0) exit(111);
    write_file("folder/both.pem", own.both, both_len);
    load_anchors(NULL, pki_path("folder/both.pem"), "a file");
    write_file("folder/key.der", own.der, read_file(own.der, sizeof own.der, "rsa.key.der"));
    write_file("folder/key.pem", own.key, key_len);
    write_file("folder/certificate.pem", certificate, certificate_len);
    load_anchors(folder, NULL, "a folder");
}

static void decode(size_t len, enum x509_error expected, char const *what)
{
    struct x509_credential credential;
    enum x509_error const error = x509_credential_decode(&credential, own.both, len, own.key, key_len);
    ok(error == expected, "%s: %s", what, x509_strerror(error));
    ok(!is_key_on_heap(), "%s: no key on the heap", what);
    if (!error) x509_credential_free(&credential);
}

static void test_credentials(void)
{
    static char const broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    decode(both_len, X509_OK, "a certificate and its key in one file");
    append(broken, strlen(broken));
    decode(both_len, X509_BAD_CERTIFICATE, "with a broken certificate behind them");
    both_len = 0;
    append(broken, strlen(broken));
    append(own.key, key_len);
    decode(both_len, X509_BAD_CERTIFICATE, "with a broken certificate before the key");
    both_len = 0;
    append(own.key, key_len);
    decode(both_len, X509_NO_CERTIFICATE, "without a certificate");
}

int main(void)
{
    pki_make();
    certificate_len = read_file(certificate, sizeof certificate, "rsa.crt");
    key_len = read_file(own.key, sizeof own.key, "rsa.key");
    append(certificate, certificate_len);
    append(own.key, key_len);
    keep_piece(own.pieces[0], own.key, key_len);
    keep_piece(own.pieces[1], own.der, read_file(own.der, sizeof own.der, "rsa.key.der"));
    test_search();
    test_anchors();
    test_credentials();
    return done_testing();
}
