/* ISC license. */

#include <errno.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

static void check(enum x509_error error, char const *culprit)
{
    char const *file = culprit ? culprit : "trust anchors";
    if (error == X509_OK) return;
    if (error == X509_SYSTEM) strerr_diefsys(EXIT_CREDENTIAL, file);
    strerr_dief(EXIT_CREDENTIAL, file, ": ", x509_strerror(error));
}

static void load_own(struct chain_credentials *credentials, struct tls_config *config,
                     struct chain_input const *input)
{
    struct x509_credential *own = &credentials->own;
    char const *culprit = NULL;
    if (!input->certfile) strerr_dief(EXIT_USAGE, "CERTFILE is not set");
    if (!input->keyfile) strerr_dief(EXIT_USAGE, "KEYFILE is not set");
    enum x509_error const error = x509_credential_load(own, input->certfile, input->keyfile, &culprit);
    check(error, culprit);
    config->credential[0] = own;
}

static void load_trust(struct chain_credentials *credentials, struct tls_config *config,
                       struct chain_input const *input)
{
    char const *culprit = NULL;
    enum x509_error const error = x509_trust_load(&credentials->trust, input->cadir, input->cafile, &culprit);
    check(error, culprit);
    config->trust = &credentials->trust;
}

static void load_for_server(struct chain_credentials *credentials, struct tls_config *config,
                            struct chain_options const *options, struct chain_input const *input)
{
    load_own(credentials, config, input);
    config->client_auth = (enum tls_client_auth)options->client_auth;
    if (!options->client_auth) return;
    /* The system's bundle vouches for servers, not for who may be our client. */
    if (!input->cadir && !input->cafile) strerr_dief(EXIT_USAGE, "neither CADIR nor CAFILE is set");
    load_trust(credentials, config, input);
}

static void load_for_client(struct chain_credentials *credentials, struct tls_config *config,
                            struct chain_options const *options, struct chain_input const *input)
{
    if (options->client_cert) load_own(credentials, config, input);
    if (!options->no_verify_cert) load_trust(credentials, config, input);
}

void chain_load_credentials(struct chain_credentials *credentials, struct tls_config *config,
                            enum chain_program program, struct chain_options const *options,
                            struct chain_input const *input)
{
    *credentials = (struct chain_credentials){ .trust = { .len = 0 } };
    if (program == CHAIN_TLSD)
        load_for_server(credentials, config, options, input);
    else
        load_for_client(credentials, config, options, input);
}

void chain_free_credentials(struct chain_credentials *credentials)
{
    x509_credential_free(&credentials->own);
    x509_trust_free(&credentials->trust);
}
