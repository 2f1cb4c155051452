/* ISC license. */

/* What the handshake's process tells its parent, when the peer has taken it over. */

#include "endpoint/privsep.h"
#include "tap.h"

char const *PROG = "endpoint_account";

static struct tls_config config;
static struct account good;

static struct tls_session session_of(uint16_t suite_id)
{
    struct crypto_suite const *suite = crypto_suite_by_id(suite_id);
    struct tls_session session = { .version = suite->version, .suite = suite };
    session.tx.version = session.rx.version = suite->version;
    session.tx.cipher = session.rx.cipher = (uint16_t)suite->cipher;
    memset(session.tx.key, 1, sizeof session.tx.key);
    strcpy(session.server_name, "www.example.org");
    strcpy(session.alpn, "http/1.1");
    strcpy(session.peer_subject, "CN=J\xc3\xbcrgen");
    strcpy(session.peer_alt_names, "DNS:a.example");
    session.peer_present = session.peer_verified = 1;
    return session;
}

static void fail(struct account *account, int code, char const *text)
{
    struct program_error error;
    program_fail(&error, code, "%s", text);
    account_of_failure(account, &error);
}

/* ---- one lie each ---- */

#define LIE(name, ...)                                                                                       \
    static void name(struct account *a)                                                                      \
    {                                                                                                        \
        __VA_ARGS__;                                                                                         \
    }

LIE(unknown_suite, a->suite = 0x00ff)
LIE(suite_of_other_version, a->suite = 0xc02b)
LIE(version_of_other_suite, a->session.version = TLS_1_2)
LIE(no_version, a->session.version = 0)
LIE(cipher_of_other_suite, a->session.tx.cipher = KTLS_CHACHA20_POLY1305)
LIE(cipher_of_other_suite_in, a->session.rx.cipher = KTLS_AES_256_GCM)
LIE(version_of_keys, a->session.rx.version = TLS_1_2)
LIE(endless_name, memset(a->session.server_name, 'a', sizeof a->session.server_name))
LIE(no_host_name, strcpy(a->session.server_name, "not a name"))
LIE(line_in_name, strcpy(a->session.server_name, "a\nb"))
LIE(endless_alpn, memset(a->session.alpn, 'a', sizeof a->session.alpn))
LIE(line_in_alpn, strcpy(a->session.alpn, "h2\nforged: line"))
LIE(endless_subject, memset(a->session.peer_subject, 'a', sizeof a->session.peer_subject))
LIE(escape_in_subject, strcpy(a->session.peer_subject, "CN=\x1b[2J"))
LIE(endless_alt_names, memset(a->session.peer_alt_names, 'a', sizeof a->session.peer_alt_names))
LIE(delete_in_alt_names, strcpy(a->session.peer_alt_names, "DNS:a\x7f"))
LIE(odd_flag, a->session.peer_verified = 2)
LIE(odd_presence, a->session.peer_present = 255)
LIE(failure_without_text, a->error.code = EXIT_TLS)
LIE(success_of_failure, fail(a, 0, "no"))
LIE(odd_code, fail(a, 1, "no"))
LIE(negative_code, fail(a, -98, "no"))
LIE(endless_text, fail(a, EXIT_TLS, "no"); memset(a->error.text, 'a', sizeof a->error.text))
LIE(silent_success, a->error.first_bytes = PEER_SENT_NOTHING)
LIE(silent_engine, fail(a, EXIT_ENGINE, "no"); a->error.first_bytes = PEER_SENT_NOTHING)
LIE(odd_silence, fail(a, EXIT_TLS, "no"); a->error.first_bytes = PEER_SENT_OTHER + 1)
LIE(line_in_text, fail(a, EXIT_TLS, "no"); strcpy(a->error.text, "no\nktls-tlsd: fatal: something else"))

#define ROW(name) { #name, &name }
static struct {
    char const *name;
    void (*tell)(struct account *account);
} const lies[] = {
    ROW(unknown_suite), ROW(suite_of_other_version), ROW(version_of_other_suite), ROW(no_version),
    ROW(cipher_of_other_suite), ROW(cipher_of_other_suite_in), ROW(version_of_keys), ROW(endless_name),
    ROW(no_host_name), ROW(line_in_name), ROW(endless_alpn), ROW(line_in_alpn), ROW(endless_subject),
    ROW(escape_in_subject), ROW(endless_alt_names), ROW(delete_in_alt_names), ROW(odd_flag),
    ROW(odd_presence), ROW(failure_without_text), ROW(success_of_failure), ROW(odd_code),
    ROW(negative_code), ROW(endless_text), ROW(line_in_text),
    ROW(silent_success), ROW(silent_engine), ROW(odd_silence),
};

static void truth_passes(void)
{
    for (size_t i = 0; i < CRYPTO_SUITES; i++) {
        struct tls_session const session = session_of(crypto_suites[i].id);
        struct account account;
        struct tls_session got;
        account_of_session(&account, &session);
        ok(account_is_sound(&account, &config), "%s is believed", crypto_suites[i].name);
        ok(!account.session.suite, "its pointer does not travel");
        account_give_session(&account, &got);
        ok(got.suite == session.suite && !memcmp(&got.tx, &session.tx, sizeof got.tx) &&
               !strcmp(got.server_name, session.server_name),
           "and comes out as it went in");
    }
    struct account account;
    fail(&account, EXIT_TLS, "TLS handshake: timed out");
    ok(account_is_sound(&account, &config), "a failure is believed");
    char text[2 * sizeof account.error.text];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    fail(&account, EXIT_TLS, text);
    ok(account_is_sound(&account, &config), "a long one is cut");
}

static void what_is_not_enabled_is_not_believed(void)
{
    struct tls_config strict;
    tls_config_init(&strict);
    strict.max_version = TLS_1_2;
    ok(!account_is_sound(&good, &strict), "a version that is not enabled");
    tls_config_init(&strict);
    tls_parse_suites(&strict, "TLS_CHACHA20_POLY1305_SHA256");
    ok(!account_is_sound(&good, &strict), "a suite that is not enabled");
}

int main(void)
{
    struct tls_session const session = session_of(0x1301);
    tls_config_init(&config);
    account_of_session(&good, &session);
    truth_passes();
    what_is_not_enabled_is_not_believed();
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct account account = good;
        lies[i].tell(&account);
        ok(!account_is_sound(&account, &config), "%s is not believed", lies[i].name);
    }
    return done_testing();
}
