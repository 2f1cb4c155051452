/* ISC license. */

#include "endpoint/review.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <skalibs/strerr.h>

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
static void check_rights(struct review const *review, char const *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_mode & S_IRWXO)
        report(review, REVIEW_WARNING, path, "everybody may read this secret: chmod o= it");
}

/* The certificates that we send behind our own are all that a peer has to get to
   an authority of its own. */
static int trust_own_issuers(struct x509_trust *trust, struct x509_chain const *chain, unsigned char *room)
{
    struct x509_item *item = calloc(chain->count, sizeof *item);
    size_t used = 0, count = 0;
    if (!item) strerr_diefsys(EXIT_SYSTEM, "memory");
    for (size_t i = chain->count > 1; i < chain->count; i++) {
        struct certificate cert;
        if (!certificate_parse(&cert, chain->cert[i].der, chain->cert[i].len)) continue;
        memcpy(room + used, chain->cert[i].der, chain->cert[i].len);
        item[count++] = (struct x509_item){ .at = used, .len = chain->cert[i].len, .fingerprint = cert.subject_fingerprint };
        used += chain->cert[i].len;
    }
    trust->certificates = (struct x509_bundle){ .bytes = room, .len = used, .item = item, .count = count };
    return count > 0;
}

static enum x509_error verify(struct x509_credential const *own, enum x509_purpose purpose, char const *name,
                              int64_t now, char culprit[X509_MAX_CULPRIT])
{
    static unsigned char room[X509_MAX_CHAIN];
    struct x509_trust trust;
    struct crypto_public_key key;
    enum x509_error error = X509_BAD_CERTIFICATE;
    struct x509_check const check = { .trust = &trust, .purpose = purpose, .name = name, .now = now };
    *culprit = 0;
    if (trust_own_issuers(&trust, &own->chain, room)) error = x509_verify(&own->chain, &check, &key, culprit);
    free(trust.certificates.item);
    return error;
}

/* RFC 8446, 4.4.2: each certificate should certify the one before it. */
static void check_order(struct review const *review, char const *path, struct x509_chain const *chain)
{
    struct certificate before, next;
    for (size_t i = 0; i + 1 < chain->count; i++) {
        if (!certificate_parse(&before, chain->cert[i].der, chain->cert[i].len)
            || !certificate_parse(&next, chain->cert[i + 1].der, chain->cert[i + 1].len))
            return;
        if (der_equal(before.issuer, next.subject)) continue;
        report(review, REVIEW_WARNING, path, "the chain is not in order: a certificate is not followed by its issuer");
        return;
    }
}

/* Enough where the issuer is an authority of the peer's. */
static void check_lone_certificate(struct review const *review, char const *path, struct x509_chain const *chain,
                                   struct chain_input const *input)
{
    struct x509_trust trust;
    struct crypto_public_key key;
    char const *culprit;
    struct x509_check const check = { .trust = &trust, .now = review->now };
    if (chain->count > 1 || x509_trust_load(&trust, input->cadir, input->cafile, &culprit)) return;
    if (x509_verify(chain, &check, &key, NULL) == X509_UNKNOWN_CA)
        report(review, REVIEW_NOTE, path,
               "the issuer is not in the file, and not among the trusted certificates here: peers must know it");
    x509_trust_free(&trust);
}

static void check_validity(struct review const *review, char const *path, struct x509_credential const *own,
                           enum x509_purpose purpose, char const *name)
{
    char culprit[X509_MAX_CULPRIT];
    enum x509_error const error = verify(own, purpose, name, review->now, culprit);
    if (error == X509_UNKNOWN_CA) {
        report(review, REVIEW_ERROR, path, "the chain is incomplete: the certificate's issuer is not in the file");
        return;
    }
    if (error) {
        report_error(review, path, culprit, error);
        return;
    }
    if (verify(own, purpose, name, review->now + SOON, culprit) == X509_EXPIRED)
        report(review, REVIEW_WARNING, path, "the certificate expires within 14 days");
    check_order(review, path, &own->chain);
}

static void describe(struct review const *review, char const *path, struct x509_credential const *own)
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

static void check_certificate(struct review const *review, struct chain_files const *files,
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
    describe(review, files->certfile, &own);
    check_rights(review, files->keyfile);
    check_validity(review, files->certfile, &own, purpose, example_of(name, room));
    if (purpose == X509_SERVER_AUTH) check_lone_certificate(review, files->certfile, &own.chain, review->input);
    crypto_wipe(&own.private_key, sizeof own.private_key);
    x509_credential_free(&own);
}

/* ---- those of a server ---- */

static void check_host(void *ctx, char const *name)
{
    struct chain_files files[2];
    struct review const *review = ctx;
    if (!chain_find_host(name, files)) return;
    for (size_t i = 0; i < 2; i++) check_certificate(review, files + i, X509_SERVER_AUTH, name);
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
    struct chain_files const files = { cert, stat(key, &st) == 0 ? key : cert };
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

static void check_lists(struct review const *review, struct chain_input const *input)
{
    struct x509_crls crls;
    char const *culprit = NULL;
    enum x509_error const error = x509_crls_load(&crls, input->crldir, input->crlfile, &culprit);
    if (error) report_error(review, culprit ? culprit : "CRLFILE", "", error);
    else x509_crls_free(&crls);
}

static void check_anchors(struct review const *review, struct chain_input const *input)
{
    struct x509_trust trust;
    char const *culprit = NULL;
    char text[MAX_TEXT];
    enum x509_error const error = x509_trust_load(&trust, input->cadir, input->cafile, &culprit);
    char const *what = culprit        ? culprit
                       : input->cadir  ? input->cadir
                       : input->cafile ? input->cafile
                                       : "the system's certificates";
    if (error) {
        report_error(review, what, "", error);
        return;
    }
    snprintf(text, sizeof text, "%zu trusted certificates", trust.certificates.count);
    report(review, REVIEW_GOOD, what, text);
    x509_trust_free(&trust);
}

/* Pins are enough where no anchors are named, as in the handshake. */
static void check_trust(struct review const *review, struct chain_input const *input)
{
    struct x509_pins pins;
    enum x509_error const error = input->peerpin ? x509_pins_parse(&pins, input->peerpin) : X509_OK;
    if (error) report_error(review, "PEERPIN", "", error);
    if (!input->peerpin || input->cadir || input->cafile) check_anchors(review, input);
    if (input->crldir || input->crlfile) check_lists(review, input);
}

/* ---- both together ---- */

static void check_own(struct review const *review, struct chain_input const *input, enum x509_purpose purpose)
{
    for (int second = 0; second < 2; second++) {
        if (!second && !input->files[0].certfile && !input->files[0].keyfile) continue;
        chain_check_pair(input->files + second, second);
        check_certificate(review, input->files + second, purpose, NULL);
    }
}

static void look_at_server(struct review const *review, struct chain_options const *options)
{
    struct chain_input const *input = review->input;
    int const has_own = input->files[0].certfile || input->files[0].keyfile;
    if (!has_own && !input->certdir && !options->sni_level) strerr_dief(EXIT_USAGE, "CERTFILE is not set");
    if (options->sni_level < 2) check_own(review, input, X509_SERVER_AUTH);
    if (options->sni_level && chain_check_hosts()) chain_each_host(&check_host, (void *)(uintptr_t)review);
    if (input->certdir) check_folder(review, input->certdir);
    if (input->ticketkeyfile) check_ticket_keys(review, input->ticketkeyfile);
    if (options->client_auth) check_trust(review, input);
}

static void look_at_client(struct review const *review, struct chain_options const *options)
{
    struct chain_input const *input = review->input;
    if (options->client_cert || input->files[0].certfile) check_own(review, input, X509_CLIENT_AUTH);
    if (!options->no_verify_cert) check_trust(review, input);
}

/* Private keys are in memory meanwhile. */
void review_server(struct review const *review, struct chain_options const *options)
{
    struct process_hardening before;
    program_harden(&before);
    look_at_server(review, options);
    program_unharden(&before);
}

void review_client(struct review const *review, struct chain_options const *options)
{
    struct process_hardening before;
    program_harden(&before);
    look_at_client(review, options);
    program_unharden(&before);
}
