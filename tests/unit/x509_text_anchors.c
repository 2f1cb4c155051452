/* ISC license. */

/* Trusted certificates in PEM: most are read only as far as their subject, whatever the lines look like. */

#include "x509/pem.h"
#include "x509_make.h"

static char pem_text[32768];
static size_t pem_len;

static void put(char const *s, size_t len)
{
    if (len > sizeof pem_text - pem_len) abort();
    memcpy(pem_text + pem_len, s, len);
    pem_len += len;
}

static void put_certificate(struct bytes const *cert, size_t columns, char const *end_of_line)
{
    static char const begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    char body[sizeof cert->p / 3 * 4 + 5];
    x509_base64_encode(cert->p, cert->len, body);
    size_t const len = strlen(body);
    put(begin, sizeof begin - 1);
    for (size_t i = 0; i < len; i += columns) {
        put(end_of_line, strlen(end_of_line));
        put(body + i, len - i < columns ? len - i : columns);
    }
    put("\n", 1);
    put(end, sizeof end - 1);
    put("\n", 1);
}

/* Another authority, then the path's, then one with another key of the same name. */
static void put_anchors(size_t columns, char const *end_of_line)
{
    struct spec other = authority("other", 4), again = path[path_len - 1];
    again.key = 5;
    pem_len = 0;
    memset(pem_text, 0, sizeof pem_text);
    for (size_t i = 0; i < path_len; i++) made[i] = make(&path[i], &path[i + 1 < path_len ? i + 1 : i]);
    struct bytes const before = make(&other, &other), after = make(&again, &again);
    put_certificate(&before, columns, end_of_line);
    put_certificate(&made[path_len - 1], columns, end_of_line);
    put_certificate(&after, columns, end_of_line);
}

static enum x509_error verify_by_text(void)
{
    struct x509_chain chain = {.count = path_len - 1};
    struct x509_trust trust;
    struct crypto_public_key found;
    for (size_t i = 0; i < chain.count; i++) chain.cert[i] = (struct x509_certificate){made[i].p, made[i].len};
    enum x509_error error = x509_trust_decode(&trust, pem_text, pem_len);
    if (error) return error;
    check.trust = &trust;
    error = x509_verify(&chain, &check, &found, culprit);
    x509_trust_free(&trust);
    return error;
}

static void expect_by_text(enum x509_error expected, char const *what)
{
    enum x509_error const error = verify_by_text();
    ok(error == expected, "%s: %s %s", what, x509_strerror(error), culprit);
}

static void test_lines(void)
{
    static struct {
        size_t columns;
        char const *end_of_line, *what;
    } const forms[] = {
        {64, "\n", "lines of 64 characters"}, {76, "\n", "of 76"},          {64, "\r\n", "with CR"},
        {65536, "\n", "one line"},            {7, "\n \t", "short lines"},
    };
    reset();
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        put_anchors(forms[i].columns, forms[i].end_of_line);
        expect_by_text(X509_OK, forms[i].what);
    }
}

/* Wherever the subject ends. */
static void test_long_names(void)
{
    char cn[801];
    unsigned faults = 0;
    for (size_t len = 1; len < sizeof cn; len += 1 + len / 20) {
        reset();
        memset(cn, 'n', len);
        cn[len] = 0;
        path[2].subject = name(cn);
        put_anchors(64, "\n");
        faults += verify_by_text() != X509_OK;
    }
    ok(!faults, "names of up to %zu characters", sizeof cn - 1);
}

static void test_damage(void)
{
    reset();
    path[2].to = text(DER_UTC_TIME, "230101000000Z");
    put_anchors(64, "\n");
    expect_by_text(X509_EXPIRED, "what comes after the name counts");
    ok(!strcmp(culprit, "trust anchor (CN=root)"), "and the anchor is named: %s", culprit);
    reset();
    put_anchors(64, "\n");
    char *const end = strstr(strstr(pem_text, "-----END") + 1, "-----END");
    end[-8] = '#';
    expect_by_text(X509_BAD_SIGNATURE, "the right anchor is not base64, which leaves the one with another key");
    end[-8] = 'A';
    memmove(end - 6, end - 1, (size_t)(pem_text + pem_len - (end - 1)));
    pem_len -= 5;
    expect_by_text(X509_BAD_SIGNATURE, "the right anchor is cut short");
}

int main(void)
{
    test_lines();
    test_long_names();
    test_damage();
    return done_testing();
}
