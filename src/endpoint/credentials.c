/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "endpoint/places.h"
#include "x509/file.h"

#define MAX_TICKET_FILE 4096
#define MAX_PAUSE_MS 256

/* 1 when there is no error. */
static int note(struct chain_credentials *credentials, enum x509_error error, char const *culprit)
{
    if (error == X509_OK) return 1;
    credentials->culprit = culprit ? culprit : "trust anchors";
    credentials->reason = x509_strerror(error);
    return 0;
}

static _Noreturn void die(struct chain_credentials const *credentials)
{
    strerr_dief(EXIT_CREDENTIAL, credentials->culprit, ": ", credentials->reason);
}

/* ---- by the hello ---- */

static int open_pair(struct chain_credentials *credentials, enum chain_place place, char const *server_name,
                     int second, struct opened_pair *pair)
{
    if (credentials->files_fd < 0) return places_open(&credentials->places, place, server_name, second, pair);
    return apart_files_ask(credentials->files_fd, credentials->spare, place, server_name, second, pair);
}

static int note_opening(struct chain_credentials *credentials, int result, struct opened_pair const *pair)
{
    if (result < 0) note(credentials, errno == EINVAL ? X509_NOT_A_FILE : X509_SYSTEM, pair->culprit);
    return result;
}

/* 1: loaded, 0: there is nothing, -1. *error is of what was read. */
static int load_once(struct chain_credentials *credentials, enum chain_place place, char const *server_name,
                     int second, enum x509_error *error)
{
    struct opened_pair pair;
    int in_key;
    int const result = open_pair(credentials, place, server_name, second, &pair);
    if (result != 1) return note_opening(credentials, result, &pair);
    *error = x509_credential_load_open(&credentials->own[second], pair.cert.fd, pair.cert.size, pair.key.fd,
                                       pair.key.size, &in_key);
    note(credentials, *error, in_key ? pair.keyfile : pair.certfile);
    places_close(&pair);
    return *error ? -1 : 1;
}

/* Who renews a certificate and its key replaces one file after the other: what
   does not fit together may do so in a moment. */
static int load(struct chain_credentials *credentials, enum chain_place place, char const *server_name,
                int second)
{
    enum x509_error error = X509_OK;
    int result = load_once(credentials, place, server_name, second, &error);
    for (int pause_ms = 1; result < 0 && error == X509_KEY_MISMATCH && pause_ms <= MAX_PAUSE_MS; pause_ms *= 2) {
        poll(NULL, 0, pause_ms);
        credentials->reason = NULL;
        result = load_once(credentials, place, server_name, second, &error);
    }
    credentials->is_loaded[second] = result == 1;
    return result;
}

/* The hello could not decide between two keys of one type. */
static int check_types(struct chain_credentials *credentials)
{
    struct x509_credential const *own = credentials->own;
    if (!credentials->is_loaded[0] || !credentials->is_loaded[1]) return 1;
    if (own[0].public_key.type != own[1].public_key.type) return 1;
    credentials->culprit = "the second certificate";
    credentials->reason = "its key is of the same type as the first one's";
    return 0;
}

/* The second is looked at where the first does not suit the client. */
static int choose_at(struct chain_credentials *credentials, enum chain_place place, struct tls_hello const *hello,
                     struct x509_credential const *chosen[2])
{
    for (int second = 0; second < 2; second++) {
        int const result = load(credentials, place, hello->server_name, second);
        if (result < 0 || !check_types(credentials)) return -1;
        if (!result) continue;
        chosen[second] = &credentials->own[second];
        if (tls_hello_suits(hello, chosen[second])) break;
    }
    return credentials->is_loaded[0] || credentials->is_loaded[1];
}

/* Reads no file more than this client needs. */
static int choose(void *ctx, struct tls_hello const *hello, struct x509_credential const *chosen[2])
{
    struct chain_credentials *credentials = ctx;
    int result = 0;
    for (enum chain_place place = 0; !result && place < PLACES; place++)
        if (places_may_have(&credentials->places, place, hello->server_name))
            result = choose_at(credentials, place, hello, chosen);
    if (result || credentials->places.strict) return result;
    credentials->culprit = credentials->places.folder;
    credentials->reason = "no certificate for the server name, and no default.pem";
    return -1;
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
    struct file file = { .bytes = NULL };
    enum x509_error const error = file_read(&file, AT_FDCWD, path, MAX_TICKET_FILE);
    if (!note(credentials, error, path)) die(credentials);
    int const taken = take_ticket_keys(credentials, &file, path);
    file_free(&file);
    if (!taken) die(credentials);
    config->ticket_keys = &credentials->ticket_keys;
}

static void check_files(struct chain_places const *places)
{
    struct chain_files const *first = places->fallback;
    chain_check_pair(places->fallback + 1, 1);
    if (places->folder && !first->certfile && !first->keyfile) return;
    if (!first->certfile) strerr_dief(EXIT_USAGE, "CERTFILE is not set");
    if (!first->keyfile) strerr_dief(EXIT_USAGE, "KEYFILE is not set");
}

static void load_own(struct chain_credentials *credentials, struct tls_config *config)
{
    check_files(&credentials->places);
    for (int second = 0; second < 2; second++) {
        if (load(credentials, PLACE_DEFAULT, "", second) < 0 || !check_types(credentials)) die(credentials);
        if (credentials->is_loaded[second]) config->credential[second] = &credentials->own[second];
    }
}

static void find_own(struct chain_credentials *credentials, struct tls_config *config)
{
    struct chain_places const *places = &credentials->places;
    if (!places->strict) check_files(places);
    if (places->has_variables && !chain_check_hosts() && places->strict && !places->folder)
        strerr_dief(EXIT_CREDENTIAL, "--sni-level 2, and neither CERTDIR, CERTFILE:name nor CERTFILE2:name is set");
    config->choose = (struct tls_choose){ .function = &choose, .ctx = credentials };
}

static void load_for_server(struct chain_credentials *credentials, struct tls_config *config,
                            struct chain_options const *options, struct chain_input const *input)
{
    if (chain_chooses_by_hello(options, input)) find_own(credentials, config);
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

void chain_find_places(struct chain_places *places, struct chain_options const *options,
                       struct chain_input const *input)
{
    *places = (struct chain_places){ .folder = input->certdir,
                                     .has_variables = options->sni_level > 0,
                                     .strict = options->sni_level == 2 };
    memcpy(places->fallback, input->files, sizeof places->fallback);
}

int chain_chooses_by_hello(struct chain_options const *options, struct chain_input const *input)
{
    return options->sni_level || input->certdir || input->files[1].certfile;
}

void chain_load_credentials(struct chain_credentials *credentials, struct tls_config *config,
                            enum chain_program program, struct chain_options const *options,
                            struct chain_input const *input)
{
    memset(credentials, 0, sizeof *credentials);
    credentials->files_fd = credentials->spare[0] = credentials->spare[1] = -1;
    chain_find_places(&credentials->places, options, input);
    if (program == CHAIN_TLSD)
        load_for_server(credentials, config, options, input);
    else
        load_for_client(credentials, config, options, input);
}

void chain_free_credentials(struct chain_credentials *credentials)
{
    for (size_t i = 0; i < 2; i++)
        if (credentials->is_loaded[i]) x509_credential_free(&credentials->own[i]);
    x509_trust_free(&credentials->trust);
    x509_crls_free(&credentials->crls);
    crypto_wipe(credentials->own, sizeof credentials->own);
    crypto_wipe(&credentials->ticket_keys, sizeof credentials->ticket_keys);
}
