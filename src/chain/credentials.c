/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"
#include "x509/file.h"

#define MAX_TICKET_FILE 4096

/* 1 when there is no error. */
static int note(struct chain_credentials *credentials, enum x509_error error, char const *culprit)
{
    if (error == X509_OK) return 1;
    credentials->culprit = culprit ? culprit : "trust anchors";
    credentials->reason = error == X509_SYSTEM ? strerror(errno) : x509_strerror(error);
    return 0;
}

static _Noreturn void die(struct chain_credentials const *credentials)
{
    strerr_dief(EXIT_CREDENTIAL, credentials->culprit, ": ", credentials->reason);
}

static int load(struct chain_credentials *credentials, struct chain_files *files)
{
    char const *culprit = files->certfile;
    if (files->loaded || !files->certfile) return 1;
    struct x509_credential *credential = malloc(sizeof *credential);
    if (!credential) return note(credentials, X509_SYSTEM, culprit);
    enum x509_error const error = x509_credential_load(credential, files->certfile, files->keyfile, &culprit);
    if (!note(credentials, error, culprit)) {
        free(credential);
        return 0;
    }
    files->loaded = credential;
    return 1;
}

/* The hello could not decide between two keys of one type. */
static int check_types(struct chain_credentials *credentials, struct chain_host const *host)
{
    struct x509_credential const *first = host->files[0].loaded, *second = host->files[1].loaded;
    if (!first || !second || first->public_key.type != second->public_key.type) return 1;
    credentials->culprit = host->files[1].certfile;
    credentials->reason = "a key of the same type as the other certificate's";
    return 0;
}

static void load_host(struct chain_credentials *credentials, struct chain_host *host)
{
    for (size_t i = 0; i < 2; i++)
        if (!load(credentials, host->files + i)) die(credentials);
    if (!check_types(credentials, host)) die(credentials);
}

/* ---- by the hello ---- */

static struct chain_host *find_host(struct chain_credentials *credentials, char const *server_name)
{
    struct chain_host *host = chain_find_host(&credentials->hosts, server_name);
    return host || credentials->sni_level == 2 ? host : &credentials->any;
}

/* Reads no file more than this client needs. */
static int choose(void *ctx, struct tls_hello const *hello, struct x509_credential const *chosen[2])
{
    struct chain_credentials *credentials = ctx;
    struct chain_host *host = find_host(credentials, hello->server_name);
    if (!host) return 0;
    for (size_t i = 0; i < 2; i++) {
        if (!host->files[i].certfile) continue;
        if (!load(credentials, host->files + i) || !check_types(credentials, host)) return -1;
        chosen[i] = host->files[i].loaded;
        if (tls_hello_suits(hello, chosen[i])) break;
    }
    return 1;
}

/* ---- beforehand ---- */

static void load_anchors(struct chain_credentials *credentials, struct tls_config *config,
                         struct chain_input const *input)
{
    char const *culprit = NULL;
    enum x509_error const error = x509_trust_load(&credentials->trust, input->cadir, input->cafile, &culprit);
    if (!note(credentials, error, culprit)) die(credentials);
    config->trust = &credentials->trust;
}

static void load_crls(struct chain_credentials *credentials, struct tls_config *config,
                      struct chain_input const *input)
{
    char const *culprit = NULL;
    if (!config->trust) strerr_dief(EXIT_USAGE, "CRLDIR or CRLFILE is set, but neither CADIR nor CAFILE");
    enum x509_error const error = x509_crls_load(&credentials->crls, input->crldir, input->crlfile, &culprit);
    if (!note(credentials, error, culprit)) die(credentials);
    config->crls = &credentials->crls;
}

static void take_pins(struct chain_credentials *credentials, struct tls_config *config,
                      struct chain_input const *input)
{
    if (!note(credentials, x509_pins_parse(&credentials->pins, input->peerpin), "PEERPIN")) die(credentials);
    config->pins = &credentials->pins;
}

/* Pins are enough where no anchors are named; only without pins does a client take the system's bundle. */
static void load_trust(struct chain_credentials *credentials, struct tls_config *config,
                       struct chain_input const *input)
{
    if (input->peerpin) take_pins(credentials, config, input);
    if (!input->peerpin || input->cadir || input->cafile) load_anchors(credentials, config, input);
    if (input->crldir || input->crlfile) load_crls(credentials, config, input);
}

/* As they lie one behind the other, the newest first. */
static int take_ticket_keys(struct chain_credentials *credentials, struct file const *file, char const *path)
{
    struct tls_ticket_keys *keys = &credentials->ticket_keys;
    credentials->culprit = path;
    credentials->reason = "not one to eight keys of 32 bytes";
    if (!file->len || file->len % TLS_TICKET_KEY || file->len > sizeof keys->key) return 0;
    memcpy(keys->key, file->bytes, file->len);
    keys->count = file->len / TLS_TICKET_KEY;
    credentials->reason = NULL;
    return 1;
}

static void load_ticket_keys(struct chain_credentials *credentials, struct tls_config *config, char const *path)
{
    struct file file;
    enum x509_error const error = file_read(&file, AT_FDCWD, path, MAX_TICKET_FILE);
    if (!note(credentials, error, path)) die(credentials);
    int const taken = take_ticket_keys(credentials, &file, path);
    file_free(&file);
    if (!taken) die(credentials);
    config->ticket_keys = &credentials->ticket_keys;
}

static void check_files(struct chain_credentials const *credentials)
{
    if (!credentials->any.files[0].certfile) strerr_dief(EXIT_USAGE, "CERTFILE is not set");
    if (!credentials->any.files[0].keyfile) strerr_dief(EXIT_USAGE, "KEYFILE is not set");
    chain_check_pair(credentials->any.files + 1, 1, "", 0);
}

static void load_own(struct chain_credentials *credentials, struct tls_config *config)
{
    check_files(credentials);
    load_host(credentials, &credentials->any);
    for (size_t i = 0; i < 2; i++) config->credential[i] = credentials->any.files[i].loaded;
}

static void find_own(struct chain_credentials *credentials, struct tls_config *config)
{
    if (credentials->sni_level < 2) check_files(credentials);
    if (credentials->sni_level) chain_read_hosts(&credentials->hosts);
    if (credentials->sni_level == 2 && !credentials->hosts.count)
        strerr_dief(EXIT_CREDENTIAL, "--sni-level 2, and neither CERTFILE:name nor CERTFILE2:name is set");
    config->choose = (struct tls_choose){ .function = &choose, .ctx = credentials };
}

static void load_for_server(struct chain_credentials *credentials, struct tls_config *config,
                            struct chain_options const *options, struct chain_input const *input)
{
    if (options->sni_level || input->files[1].certfile) find_own(credentials, config);
    else load_own(credentials, config);
    if (input->ticketkeyfile) load_ticket_keys(credentials, config, input->ticketkeyfile);
    config->client_auth = (enum tls_client_auth)options->client_auth;
    if (!options->client_auth) return;
    /* The system's bundle vouches for servers, not for who may be our client. */
    if (!input->cadir && !input->cafile && !input->peerpin)
        strerr_dief(EXIT_USAGE, "neither CADIR nor CAFILE nor PEERPIN is set");
    load_trust(credentials, config, input);
}

static void load_for_client(struct chain_credentials *credentials, struct tls_config *config,
                            struct chain_options const *options, struct chain_input const *input)
{
    if (options->client_cert) load_own(credentials, config);
    if (!options->no_verify_cert) load_trust(credentials, config, input);
}

void chain_load_credentials(struct chain_credentials *credentials, struct tls_config *config,
                            enum chain_program program, struct chain_options const *options,
                            struct chain_input const *input)
{
    *credentials = (struct chain_credentials){ .sni_level = options->sni_level };
    memcpy(credentials->any.files, input->files, sizeof input->files);
    if (program == CHAIN_TLSD)
        load_for_server(credentials, config, options, input);
    else
        load_for_client(credentials, config, options, input);
}

void chain_load_all_credentials(struct chain_credentials *credentials)
{
    if (credentials->sni_level < 2) load_host(credentials, &credentials->any);
    for (size_t i = 0; i < credentials->hosts.count; i++) load_host(credentials, credentials->hosts.host + i);
}

static void free_host(struct chain_host *host)
{
    for (size_t i = 0; i < 2; i++) {
        if (!host->files[i].loaded) continue;
        x509_credential_free(host->files[i].loaded);
        free(host->files[i].loaded);
        host->files[i].loaded = NULL;
    }
}

void chain_free_credentials(struct chain_credentials *credentials)
{
    free_host(&credentials->any);
    for (size_t i = 0; i < credentials->hosts.count; i++) free_host(credentials->hosts.host + i);
    free(credentials->hosts.host);
    credentials->hosts = (struct chain_hosts){ .count = 0 };
    x509_trust_free(&credentials->trust);
    x509_crls_free(&credentials->crls);
    crypto_wipe(&credentials->ticket_keys, sizeof credentials->ticket_keys);
}
