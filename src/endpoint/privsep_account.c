/* ISC license. */

#include <string.h>

#include "endpoint/privsep.h"

void account_of_session(struct account *account, struct tls_session const *session)
{
    memset(account, 0, sizeof *account); /* padding travels too */
    account->suite = session->suite->id;
    account->session = *session;
    account->session.suite = NULL;
}

/* A path may have any characters; the text is to be one line. */
void account_of_failure(struct account *account, struct program_error const *error)
{
    memset(account, 0, sizeof *account);
    account->error.code = error->code;
    account->error.is_about_peer = error->is_about_peer;
    account->error.first_bytes = error->first_bytes;
    memcpy(account->error.text, error->text, strlen(error->text) + 1);
    for (char *c = account->error.text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
}

/* One line in a log, one value in an environment. */
static int is_text(char const *text, size_t max)
{
    size_t const len = strnlen(text, max);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return 0;
    return len < max;
}

static int is_flag(unsigned char flag)
{
    return flag == 0 || flag == 1;
}

static int is_failure(struct program_error const *error)
{
    static int const codes[] = { EXIT_CREDENTIAL, EXIT_ENGINE, EXIT_TLS, EXIT_USAGE, EXIT_SYSTEM };
    if (!is_flag(error->is_about_peer) || !*error->text || !is_text(error->text, sizeof error->text)) return 0;
    if (error->first_bytes > (error->code == EXIT_TLS ? PEER_SENT_OTHER : PEER_SENT_TLS)) return 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (error->code == codes[i]) return 1;
    return 0;
}

static int is_enabled(struct crypto_suite const *suite, struct tls_config const *config)
{
    if (!suite || suite->version < config->min_version || suite->version > config->max_version) return 0;
    for (size_t i = 0; i < config->suite_count; i++)
        if (config->suites[i] == suite->id) return 1;
    return 0;
}

static int are_keys_for(struct ktls_traffic_keys const *keys, struct crypto_suite const *suite)
{
    return keys->version == suite->version && keys->cipher == suite->cipher;
}

static int is_host_name(char const *name, size_t max)
{
    size_t const len = strnlen(name, max);
    return !len || (len < max && x509_is_dns_name(name, len));
}

static int is_session(struct account const *account, struct tls_config const *config)
{
    struct crypto_suite const *suite = crypto_suite_by_id(account->suite);
    struct tls_session const *s = &account->session;
    return is_enabled(suite, config) && s->version == suite->version && are_keys_for(&s->tx, suite) &&
           are_keys_for(&s->rx, suite) && is_host_name(s->server_name, sizeof s->server_name) &&
           is_text(s->alpn, sizeof s->alpn) && is_text(s->peer_subject, sizeof s->peer_subject) &&
           is_text(s->peer_alt_names, sizeof s->peer_alt_names) && is_flag(s->peer_present) && is_flag(s->resumed) &&
           is_flag(s->peer_verified) && is_flag(s->extended_master_secret) &&
           is_flag(s->retried) && s->peer_chain_len <= sizeof s->peer_chain;
}

int account_is_sound(struct account const *account, struct tls_config const *config)
{
    if (account->error.code) return is_failure(&account->error);
    return !account->error.first_bytes && is_session(account, config);
}

void account_give_session(struct account const *account, struct tls_session *session)
{
    *session = account->session;
    session->suite = crypto_suite_by_id(account->suite);
    session->credential = NULL;
}
