/* ISC license. */

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "endpoint/credentials.h"
#include "x509/file.h"

#define MAX_TICKET_FILE 4096
#define PATIENCE_MS 500
#define MAX_PAUSE_MS 16

static int fail_credential(struct credentials *credentials, char const *culprit, char const *why)
{
    return program_fail(credentials->error, EXIT_CREDENTIAL, "%s: %s", culprit, why);
}

static int check_loaded(struct credentials *credentials, enum x509_error error, char const *culprit)
{
    return error == X509_OK || fail_credential(credentials, culprit ? culprit : "trust anchors", x509_strerror(error));
}

/* ---- by the hello ---- */

static int open_pair(struct credentials *credentials, enum place place, char const *server_name, int second,
                     struct opened_pair *pair)
{
    struct program_error *error = credentials->error;
    if (credentials->files_fd < 0)
        return places_open(&credentials->places, place, server_name, second, pair, error);
    return privsep_ask_files(credentials->files_fd, credentials->spare, place, server_name, second, pair, error);
}

/* 1: loaded, 0: there is nothing, -1. *why is of what was read. */
static int load_once(struct credentials *credentials, enum place place, char const *server_name, int second,
                     enum x509_error *why)
{
    struct opened_pair pair;
    int in_key;
    int const result = open_pair(credentials, place, server_name, second, &pair);
    if (result != 1) return result;
    *why = x509_credential_load_open(&credentials->own[second], pair.cert.fd, pair.cert.size, pair.key.fd,
                                     pair.key.size, &in_key);
    int const loaded = check_loaded(credentials, *why, in_key ? pair.keyfile : pair.certfile);
    places_close(&pair);
    return loaded ? 1 : -1;
}

/* Who renews a certificate and its key replaces one file after the other: what
   does not fit together may do so in a moment. The pauses stay short, because on a busy
   machine each try may come in the middle of another renewal. */
static int load_pair(struct credentials *credentials, enum place place, char const *server_name, int second)
{
    enum x509_error why = X509_OK;
    int result = load_once(credentials, place, server_name, second, &why);
    for (int pause_ms = 1, waited_ms = 0; result < 0 && why == X509_KEY_MISMATCH && waited_ms < PATIENCE_MS;
         waited_ms += pause_ms, pause_ms = pause_ms < MAX_PAUSE_MS ? 2 * pause_ms : pause_ms) {
        poll(NULL, 0, pause_ms);
        credentials->error->code = 0;
        result = load_once(credentials, place, server_name, second, &why);
    }
    credentials->is_loaded[second] = result == 1;
    return result;
}

/* The hello could not decide between two keys of one type. */
static int check_types(struct credentials *credentials)
{
    struct x509_credential const *own = credentials->own;
    if (!credentials->is_loaded[0] || !credentials->is_loaded[1]) return 1;
    if (own[0].public_key.type != own[1].public_key.type) return 1;
    return fail_credential(credentials, "the second certificate", "its key is of the same type as the first one's");
}

/* The second is looked at where the first does not suit the client. */
static int choose_at(struct credentials *credentials, enum place place, struct tls_hello const *hello,
                     struct x509_credential const *chosen[2])
{
    for (int second = 0; second < 2; second++) {
        int const result = load_pair(credentials, place, hello->server_name, second);
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
    struct credentials *credentials = ctx;
    int result = 0;
    for (enum place place = 0; !result && place < PLACES; place++)
        if (places_may_have(&credentials->places, place, hello->server_name))
            result = choose_at(credentials, place, hello, chosen);
    if (result || credentials->places.strict) return result;
    return fail_credential(credentials, credentials->places.folder,
                           "no certificate for the server name, and no default.pem") - 1;
}

/* ---- beforehand ---- */

static int load_anchors(struct credentials *credentials, struct tls_config *config,
                        struct endpoint_settings const *settings)
{
    char const *culprit = NULL;
    config->trust = &credentials->trust;
    enum x509_error const error =
        x509_trust_load(&credentials->trust, settings->cadir, settings->cafile, &culprit);
    return check_loaded(credentials, error, culprit);
}

static int load_crls(struct credentials *credentials, struct tls_config *config,
                     struct endpoint_settings const *settings)
{
    char const *culprit = NULL;
    if (!config->trust)
        return program_fail(credentials->error, EXIT_USAGE,
                            "CRLDIR or CRLFILE is set, but neither CADIR nor CAFILE");
    config->crls = &credentials->crls;
    enum x509_error const error =
        x509_crls_load(&credentials->crls, settings->crldir, settings->crlfile, &culprit);
    return check_loaded(credentials, error, culprit);
}

static int parse_pins(struct credentials *credentials, struct tls_config *config, char const *pins)
{
    config->pins = &credentials->pins;
    return check_loaded(credentials, x509_pins_parse(&credentials->pins, pins), "PEERPIN");
}

/* Pins are enough where no anchors are named; only without pins does a client take the system's bundle. */
static int load_peer_trust(struct credentials *credentials, struct tls_config *config,
                      struct endpoint_settings const *settings)
{
    int const has_anchors = settings->cadir || settings->cafile, has_crls = settings->crldir || settings->crlfile;
    if (settings->peerpin && !parse_pins(credentials, config, settings->peerpin)) return 0;
    if ((!settings->peerpin || has_anchors) && !load_anchors(credentials, config, settings)) return 0;
    return !has_crls || load_crls(credentials, config, settings);
}

/* As they lie one behind the other, the newest first. */
static int copy_ticket_keys(struct credentials *credentials, struct file const *file, char const *path)
{
    struct tls_ticket_keys *keys = &credentials->ticket_keys;
    if (!file->len || file->len % TLS_TICKET_KEY || file->len > sizeof keys->key)
        return fail_credential(credentials, path, "not one to eight keys of 32 bytes");
    memcpy(keys->key, file->bytes, file->len);
    keys->count = file->len / TLS_TICKET_KEY;
    return 1;
}

static int load_ticket_keys(struct credentials *credentials, struct tls_config *config, char const *path)
{
    struct file file = { .bytes = NULL };
    if (!check_loaded(credentials, x509_file_read(&file, AT_FDCWD, path, MAX_TICKET_FILE), path)) return 0;
    int const copied = copy_ticket_keys(credentials, &file, path);
    x509_file_free(&file);
    config->ticket_keys = &credentials->ticket_keys;
    return copied;
}

static int check_files(struct credentials *credentials)
{
    struct endpoint_files const *first = credentials->places.fallback;
    if (!hosts_check_pair(first + 1, 1, credentials->error)) return 0;
    if (credentials->places.folder && !first->certfile && !first->keyfile) return 1;
    if (!first->certfile) return program_fail(credentials->error, EXIT_USAGE, "CERTFILE is not set");
    return first->keyfile || program_fail(credentials->error, EXIT_USAGE, "KEYFILE is not set");
}

static int load_own(struct credentials *credentials, struct tls_config *config)
{
    if (!check_files(credentials)) return 0;
    for (int second = 0; second < 2; second++) {
        if (load_pair(credentials, PLACE_DEFAULT, "", second) < 0 || !check_types(credentials)) return 0;
        if (credentials->is_loaded[second]) config->credential[second] = &credentials->own[second];
    }
    return 1;
}

/* The certificates are loaded when the hello is known. */
static int prepare_choice(struct credentials *credentials, struct tls_config *config)
{
    struct places const *places = &credentials->places;
    size_t count;
    if (!places->strict && !check_files(credentials)) return 0;
    if (places->has_variables && !hosts_check(&count, credentials->error)) return 0;
    config->choose = (struct tls_choose){ .function = &choose, .ctx = credentials };
    return !places->has_variables || count || !places->strict || places->folder
           || program_fail(credentials->error, EXIT_CREDENTIAL,
                           "--sni-level 2, and neither CERTDIR, CERTFILE:name nor CERTFILE2:name is set");
}

static int load_for_server(struct credentials *credentials, struct tls_config *config,
                           struct endpoint_settings const *settings)
{
    int const by_hello = endpoint_chooses_by_hello(settings);
    if (!(by_hello ? prepare_choice(credentials, config) : load_own(credentials, config))) return 0;
    if (settings->ticketkeyfile && !load_ticket_keys(credentials, config, settings->ticketkeyfile)) return 0;
    config->client_auth = (enum tls_client_auth)settings->client_auth;
    if (!settings->client_auth) return 1;
    /* The system's bundle vouches for servers, not for who may be our client. */
    if (!settings->cadir && !settings->cafile && !settings->peerpin)
        return program_fail(credentials->error, EXIT_USAGE, "neither CADIR nor CAFILE nor PEERPIN is set");
    return load_peer_trust(credentials, config, settings);
}

static int load_for_client(struct credentials *credentials, struct tls_config *config,
                           struct endpoint_settings const *settings)
{
    return (!settings->client_cert || load_own(credentials, config)) &&
           (settings->no_verify_cert || load_peer_trust(credentials, config, settings));
}

int credentials_load(struct credentials *credentials, struct tls_config *config,
                     struct endpoint_settings const *settings, struct program_error *error)
{
    memset(credentials, 0, sizeof *credentials);
    credentials->error = error;
    credentials->files_fd = credentials->spare[0] = credentials->spare[1] = -1;
    places_init(&credentials->places, settings);
    if (settings->role == KTLS_SERVER) return load_for_server(credentials, config, settings);
    return load_for_client(credentials, config, settings);
}

void credentials_free(struct credentials *credentials)
{
    for (size_t i = 0; i < 2; i++)
        if (credentials->is_loaded[i]) x509_credential_free(&credentials->own[i]);
    x509_trust_free(&credentials->trust);
    x509_crls_free(&credentials->crls);
    crypto_wipe(credentials->own, sizeof credentials->own);
    crypto_wipe(&credentials->ticket_keys, sizeof credentials->ticket_keys);
}
