/* ISC license. */

#include "endpoint/review.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "x509/certificate.h"

#define SOON (14 * 86400) /* s: a certificate that expires then should have been renewed */
#define MAX_TEXT 512

static void report(struct review const *review, enum review_level level, char const *what, char const *why)
{
    review->report(review->ctx, level, what, why);
}

static void report_error(struct review const *review, char const *what, char const *certificate,
                         enum x509_error error)
{
    char text[MAX_TEXT];
    snprintf(text, sizeof text, "%s%s%s", x509_strerror(error), *certificate ? ": " : "", certificate);
    report(review, REVIEW_ERROR, what, text);
}

/* ---- a certificate of ours ---- */

/* A secret's file should be its owner's alone. */
static void check_key_rights(struct review const *review, char const *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_mode & S_IRWXO)
        report(review, REVIEW_WARNING, path, "everybody may read this secret: chmod o= it");
}

/* The certificates that we send behind our own are all that a peer has to get to
   an authority of its own. */
static int trust_own_issuers(struct x509_trust *trust, struct x509_chain const *chain)
{
    static unsigned char room[X509_MAX_CHAIN];
    static struct x509_item item[X509_MAX_CERTIFICATES];
    size_t used = 0, count = 0;
    for (size_t i = chain->count > 1; i < chain->count; i++) {
        struct certificate cert;
        if (!x509_certificate_parse(&cert, chain->cert[i].der, chain->cert[i].len)) continue;
        memcpy(room + used, chain->cert[i].der, chain->cert[i].len);
        item[count++] =
            (struct x509_item){ .at = used, .len = chain->cert[i].len, .fingerprint = cert.subject_fingerprint };
        used += chain->cert[i].len;
    }
    trust->certificates = (struct x509_bundle){ .bytes = room, .len = used, .item = item, .count = count };
    return count > 0;
}

static enum x509_error verify_own(struct x509_credential const *own, enum x509_purpose purpose, char const *name,
                              int64_t now, char culprit[X509_MAX_CULPRIT])
{
    struct x509_trust trust;
    struct crypto_public_key key;
    enum x509_error error = X509_BAD_CERTIFICATE;
    struct x509_check const check = { .trust = &trust, .purpose = purpose, .name = name, .now = now };
    *culprit = 0;
    if (trust_own_issuers(&trust, &own->chain)) error = x509_verify(&own->chain, &check, &key, culprit);
    return error;
}

/* RFC 8446, 4.4.2: each certificate should certify the one before it. */
static void check_order(struct review const *review, char const *path, struct x509_chain const *chain)
{
    struct certificate before, next;
    for (size_t i = 0; i + 1 < chain->count; i++) {
        if (!x509_certificate_parse(&before, chain->cert[i].der, chain->cert[i].len)
            || !x509_certificate_parse(&next, chain->cert[i + 1].der, chain->cert[i + 1].len))
            return;
        if (x509_der_equal(before.issuer, next.subject)) continue;
        report(review, REVIEW_WARNING, path, "the chain is not in order: a certificate is not followed by its issuer");
        return;
    }
}

/* Enough where the issuer is an authority of the peer's. */
static void check_lone_certificate(struct review const *review, char const *path, struct x509_chain const *chain)
{
    struct endpoint_settings const *settings = review->settings;
    struct x509_trust trust;
    struct crypto_public_key key;
    char const *culprit;
    struct x509_check const check = { .trust = &trust, .now = review->now };
    if (chain->count > 1 || x509_trust_load(&trust, settings->cadir, settings->cafile, &culprit)) return;
    if (x509_verify(chain, &check, &key, NULL) == X509_UNKNOWN_CA)
        report(review, REVIEW_NOTE, path,
               "the issuer is not in the file, and not among the trusted certificates here: peers must know it");
    x509_trust_free(&trust);
}

static void check_validity(struct review const *review, char const *path, struct x509_credential const *own,
                           enum x509_purpose purpose, char const *name)
{
    char culprit[X509_MAX_CULPRIT];
    enum x509_error const error = verify_own(own, purpose, name, review->now, culprit);
    if (error == X509_UNKNOWN_CA) {
        report(review, REVIEW_ERROR, path, "the chain is incomplete: the certificate's issuer is not in the file");
        return;
    }
    if (error) {
        report_error(review, path, culprit, error);
        return;
    }
    if (verify_own(own, purpose, name, review->now + SOON, culprit) == X509_EXPIRED)
        report(review, REVIEW_WARNING, path, "the certificate expires within 14 days");
    check_order(review, path, &own->chain);
}

static void describe_certificate(struct review const *review, char const *path, struct x509_credential const *own)
{
    char text[MAX_TEXT];
    if (!x509_alt_names(own->chain.cert, text, sizeof text)) x509_subject(own->chain.cert, text, sizeof text);
    report(review, REVIEW_GOOD, path, text);
}

/* For a wildcard one of the names that it stands for. */
static char const *example_of(char const *name, char room[X509_MAX_NAME + 1])
{
    if (!name || *name != '*') return name;
    int const size = snprintf(room, X509_MAX_NAME + 1, "www%s", name + 1);
    return size > 0 && size <= X509_MAX_NAME ? room : name;
}

static void check_certificate(struct review const *review, struct endpoint_files const *files,
                              enum x509_purpose purpose, char const *name)
{
    struct x509_credential own;
    char room[X509_MAX_NAME + 1];
    char const *culprit = files->certfile;
    if (!files->certfile) return;
    enum x509_error const error = x509_credential_load(&own, files->certfile, files->keyfile, &culprit);
    if (error) {
        report_error(review, culprit, "", error);
        return;
    }
    describe_certificate(review, files->certfile, &own);
    check_key_rights(review, files->keyfile);
    check_validity(review, files->certfile, &own, purpose, example_of(name, room));
    if (purpose == X509_SERVER_AUTH) check_lone_certificate(review, files->certfile, &own.chain);
    crypto_wipe(&own.private_key, sizeof own.private_key);
    x509_credential_free(&own);
}

/* ---- those of a server ---- */

static int review_host(void *ctx, char const *name, struct program_error *error)
{
    struct endpoint_files files[2];
    struct review const *review = ctx;
    int const found = hosts_find(name, files, error);
    for (size_t i = 0; found == 1 && i < 2; i++) check_certificate(review, files + i, X509_SERVER_AUTH, name);
    return found >= 0;
}

static int check_hosts(struct review const *review, struct program_error *error)
{
    size_t count;
    if (!review->settings->sni_level) return 1;
    return hosts_check(&count, error) && hosts_each(&review_host, (void *)(uintptr_t)review, error);
}

/* NAME.pem, and its key there or in NAME.key. */
static void check_file_in_folder(struct review const *review, char const *folder, char const *file)
{
    char cert[PATH_MAX], key[PATH_MAX], name[X509_MAX_NAME + 1];
    size_t const len = strlen(file);
    if (len < 5 || strcmp(file + len - 4, ".pem") || len - 4 > X509_MAX_NAME) return;
    int const stem = (int)len - 4;
    if (snprintf(cert, sizeof cert, "%s/%s", folder, file) >= (int)sizeof cert
        || snprintf(key, sizeof key, "%s/%.*s.key", folder, stem, file) >= (int)sizeof key)
        return;
    snprintf(name, sizeof name, "%.*s", stem, file);
    if (*name == '_' && name[1] == '.') *name = '*';
    struct stat st;
    struct endpoint_files const files = { cert, stat(key, &st) == 0 ? key : cert };
    check_certificate(review, &files, X509_SERVER_AUTH, strcmp(name, "default") ? name : NULL);
}

static void check_folder(struct review const *review, char const *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        report(review, REVIEW_ERROR, folder, strerror(errno));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) check_file_in_folder(review, folder, entry->d_name);
    closedir(dir);
}

static void check_ticket_keys(struct review const *review, char const *path)
{
    struct stat st;
    if (stat(path, &st) < 0) report(review, REVIEW_ERROR, path, strerror(errno));
    else if (!st.st_size || st.st_size % TLS_TICKET_KEY || st.st_size > TLS_MAX_TICKET_KEYS * TLS_TICKET_KEY)
        report(review, REVIEW_ERROR, path, "not one to eight keys of 32 bytes");
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        report(review, REVIEW_WARNING, path, "others than its owner may read this secret: chmod 600 it");
    else
        report(review, REVIEW_GOOD, path, "keys of session tickets");
}

/* ---- whom we trust ---- */

static void check_crls(struct review const *review)
{
    struct x509_crls crls;
    char const *culprit = NULL;
    enum x509_error const error =
        x509_crls_load(&crls, review->settings->crldir, review->settings->crlfile, &culprit);
    if (error) report_error(review, culprit ? culprit : "CRLFILE", "", error);
    else x509_crls_free(&crls);
}

static void check_anchors(struct review const *review)
{
    char const *const dir = review->settings->cadir, *const file = review->settings->cafile;
    char const *culprit = NULL;
    struct x509_trust trust;
    char text[MAX_TEXT];
    enum x509_error const error = x509_trust_load(&trust, dir, file, &culprit);
    char const *what = culprit ? culprit : dir ? dir : file ? file : "the system's certificates";
    if (error) {
        report_error(review, what, "", error);
        return;
    }
    snprintf(text, sizeof text, "%zu trusted certificates", trust.certificates.count);
    report(review, REVIEW_GOOD, what, text);
    x509_trust_free(&trust);
}

/* Pins are enough where no anchors are named, as in the handshake. */
static void check_trust(struct review const *review)
{
    struct endpoint_settings const *settings = review->settings;
    struct x509_pins pins;
    enum x509_error const error = settings->peerpin ? x509_pins_parse(&pins, settings->peerpin) : X509_OK;
    if (error) report_error(review, "PEERPIN", "", error);
    if (!settings->peerpin || settings->cadir || settings->cafile) check_anchors(review);
    if (settings->crldir || settings->crlfile) check_crls(review);
}

/* ---- both together ---- */

static int check_own(struct review const *review, enum x509_purpose purpose, struct program_error *error)
{
    struct endpoint_files const *files = review->settings->files;
    for (int second = 0; second < 2; second++) {
        if (!second && !files->certfile && !files->keyfile) continue;
        if (!hosts_check_pair(files + second, second, error)) return 0;
        check_certificate(review, files + second, purpose, NULL);
    }
    return 1;
}

static int review_server(struct review const *review, struct program_error *error)
{
    struct endpoint_settings const *settings = review->settings;
    int const has_own = settings->files[0].certfile || settings->files[0].keyfile;
    if (!has_own && !settings->certdir && !settings->sni_level)
        return program_fail(error, EXIT_USAGE, "CERTFILE is not set");
    if (settings->sni_level < 2 && !check_own(review, X509_SERVER_AUTH, error)) return 0;
    if (!check_hosts(review, error)) return 0;
    if (settings->certdir) check_folder(review, settings->certdir);
    if (settings->ticketkeyfile) check_ticket_keys(review, settings->ticketkeyfile);
    if (settings->client_auth) check_trust(review);
    return 1;
}

static int review_client(struct review const *review, struct program_error *error)
{
    struct endpoint_settings const *settings = review->settings;
    if ((settings->client_cert || settings->files[0].certfile) && !check_own(review, X509_CLIENT_AUTH, error))
        return 0;
    if (!settings->no_verify_cert) check_trust(review);
    return 1;
}

/* Private keys are in memory meanwhile. */
int review_settings(struct review const *review, struct program_error *error)
{
    struct process_hardening before;
    if (!process_harden(&before)) return program_fail_system(error, EXIT_SYSTEM, "forbidding core dumps");
    int const done =
        review->settings->role == KTLS_SERVER ? review_server(review, error) : review_client(review, error);
    if (!process_unharden(&before)) return program_fail_system(error, EXIT_SYSTEM, "allowing core dumps again");
    return done;
}
