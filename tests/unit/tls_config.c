/* ISC license. */

/* Configuration from a command line, names of alerts, texts of errors, transports that fail. */

#include <errno.h>

#include "tap.h"
#include "tls/tls.h"

static void defaults(void)
{
    struct tls_config config;
    int seen = 0;
    tls_config_init(&config);
    ok(config.min_version == TLS_1_2 && config.max_version == TLS_1_3, "both versions");
    ok(config.suite_count == CRYPTO_SUITES, "all suites");
    for (size_t i = 0; i < CRYPTO_SUITES; i++)
        for (size_t k = 0; k < config.suite_count; k++) seen += crypto_suites[i].id == config.suites[k];
    ok(seen == CRYPTO_SUITES, "each once");
    struct crypto_suite const *first = crypto_suite_by_id(config.suites[0]);
    ok((first->cipher != KTLS_CHACHA20_POLY1305) == crypto_fast_aes(), "what the CPU is fast at comes first");
    ok(!config.alpn_len && !config.credential[0] && !config.trust && !config.client_auth &&
           !config.server_name,
       "nothing else");
}

static void suite_lists(void)
{
    static struct {
        char const *list;
        size_t count;
    } const cases[] = {
        { "TLS_AES_128_GCM_SHA256", 1 },
        { "TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256", 2 },
        { "tls_aes_128_gcm_sha256,TLS_AES_256_GCM_SHA384", 2 },
        { "TLS_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256", 1 },
        { "", 0 },
        { ":", 0 },
        { "TLS_AES_128_GCM_SHA256:", 0 },
        { ":TLS_AES_128_GCM_SHA256", 0 },
        { "TLS_AES_128_GCM_SHA256::TLS_AES_256_GCM_SHA384", 0 },
        { "TLS_AES_128_CCM_SHA256", 0 },
        { "AES128-SHA", 0 },
        { "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_config config;
        tls_config_init(&config);
        int const parsed = tls_parse_suites(&config, cases[i].list);
        ok(parsed == (cases[i].count > 0) && (!parsed || config.suite_count == cases[i].count),
           "suites \"%s\"", cases[i].list);
    }
    char all[2048] = "";
    struct tls_config config;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < CRYPTO_SUITES; i++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", *all ? ":" : "",
                     crypto_suites[i].openssl_name);
    ok(tls_parse_suites(&config, all) && config.suite_count == CRYPTO_SUITES, "all of them, three times");
}

static void alpn_lists(void)
{
    unsigned char out[300];
    char longest[300];

    ok(tls_parse_alpn(out, sizeof out, "h2,http/1.1") == 12 && !memcmp(out, "\x02h2\x08http/1.1", 12),
       "two protocols");
    ok(tls_parse_alpn(out, sizeof out, "h2") == 3, "one");
    ok(!tls_parse_alpn(out, sizeof out, ""), "none");
    ok(!tls_parse_alpn(out, sizeof out, ","), "empty names");
    ok(!tls_parse_alpn(out, sizeof out, "h2,"), "an empty name at the end");
    ok(!tls_parse_alpn(out, sizeof out, ",h2"), "an empty name at the beginning");
    ok(tls_parse_alpn(out, 12, "h2,http/1.1") == 12, "just fits");
    ok(!tls_parse_alpn(out, 11, "h2,http/1.1"), "does not fit");
    memset(longest, 'a', 256);
    longest[255] = 0;
    ok(tls_parse_alpn(out, sizeof out, longest) == 256, "a name of 255 bytes");
    longest[255] = 'a', longest[256] = 0;
    ok(!tls_parse_alpn(out, sizeof out, longest), "a name of 256 bytes");
}

static void names(void)
{
    ok(!strcmp(tls_alert_name(0), "close_notify") && !strcmp(tls_alert_name(40), "handshake_failure") &&
           !strcmp(tls_alert_name(120), "no_application_protocol") &&
           !strcmp(tls_alert_name(116), "certificate_required"),
       "names of alerts");
    ok(!strcmp(tls_alert_name(255), "unknown alert") && !strcmp(tls_alert_name(1), "unknown alert"),
       "unknown alerts");
}

static void texts(void)
{
    static struct {
        struct tls_error error;
        char const *part;
    } const cases[] = {
        { { .kind = TLS_ERROR_SYSTEM, .number = ECONNRESET, .reason = "transport" }, "Connection reset" },
        { { .kind = TLS_ERROR_TIMEOUT, .number = ETIMEDOUT, .reason = "timed out" }, "timed out" },
        { { .kind = TLS_ERROR_EOF, .number = 0, .reason = "closed" }, "closed" },
        { { .kind = TLS_ERROR_SENT, .number = 50, .reason = "malformed" }, "malformed (sent alert decode_error)" },
        { { .kind = TLS_ERROR_RECEIVED, .number = 48, .reason = "alert" }, "received alert unknown_ca" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128], cut[8];
        tls_error_text(&cases[i].error, text, sizeof text);
        ok(strstr(text, cases[i].part) != NULL, "text %zu: %s", i, text);
        memset(cut, 'x', sizeof cut);
        tls_error_text(&cases[i].error, cut, 7);
        ok(cut[6] == 0 && cut[7] == 'x', "text %zu is cut", i);
    }
}

/* ---- transports that fail ---- */

static int failure;

static ssize_t fail_read(void *ctx, void *buf, size_t len)
{
    (void)ctx, (void)buf, (void)len;
    errno = failure;
    return -1;
}

static ssize_t swallow(void *ctx, void const *buf, size_t len)
{
    (void)ctx, (void)buf;
    return (ssize_t)len;
}

static ssize_t fail_write(void *ctx, void const *buf, size_t len)
{
    (void)ctx, (void)buf, (void)len;
    errno = failure;
    return -1;
}

static void failing_transports(void)
{
    static int const failures[] = { ECONNRESET, EPIPE, ETIMEDOUT };
    for (size_t i = 0; i < 3; i++) {
        struct tls_transport const reading = { .read = fail_read, .write = swallow };
        struct tls_transport const writing = { .read = fail_read, .write = fail_write };
        struct tls_config config;
        struct tls_session session;
        struct tls_error error;
        int const kind = failures[i] == ETIMEDOUT ? TLS_ERROR_TIMEOUT : TLS_ERROR_SYSTEM;
        failure = failures[i];
        tls_config_init(&config);
        ok(!tls_client_handshake(&config, &reading, &session, &error) && (int)error.kind == kind &&
               error.number == failure,
           "client: reading fails: %s", strerror(failure));
        ok(!tls_client_handshake(&config, &writing, &session, &error) && (int)error.kind == kind &&
               error.number == failure,
           "client: writing fails: %s", strerror(failure));
        ok(!tls_server_handshake(&config, &reading, &session, &error) && (int)error.kind == kind &&
               error.number == failure,
           "server: reading fails: %s", strerror(failure));
    }
}

int main(void)
{
    defaults();
    suite_lists();
    alpn_lists();
    names();
    texts();
    failing_transports();
    return done_testing();
}
