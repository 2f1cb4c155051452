/* ISC license. */

/* Chains of the throw-away PKI against anchors. */

#ifndef X509_VERIFIES_H
#define X509_VERIFIES_H

#include <time.h>

#include "x509_pki.h"

static char const *trust_name = "ca.pem";
static struct crypto_public_key found_key;
static char culprit[X509_MAX_CULPRIT];

static enum x509_error verify_chain(struct x509_chain const *chain, enum x509_purpose purpose,
                                    char const *name)
{
    struct x509_trust trust;
    char const *file;
    enum x509_error error = x509_trust_load(&trust, NULL, pki_path(trust_name), &file);
    if (error) {
        diag("trust %s: %s", file, x509_strerror(error));
        return error;
    }
    struct x509_check const check = {.trust = &trust, .purpose = purpose, .name = name, .now = time(NULL)};
    error = x509_verify(chain, &check, &found_key, culprit);
    x509_trust_free(&trust);
    return error;
}

static void verifies(char const *names, enum x509_purpose purpose, char const *name, enum x509_error expected)
{
    static struct pki_chain chain;
    pki_chain_of(&chain, names);
    enum x509_error const error = verify_chain(&chain.chain, purpose, name);
    ok(error == expected, "%s for %s by %s: %s: %s", names, name ? name : "anyone", trust_name,
       x509_strerror(error), culprit);
}

static void server(char const *names, enum x509_error expected)
{
    verifies(names, X509_SERVER_AUTH, "localhost", expected);
}

static void client(char const *names, enum x509_error expected)
{
    verifies(names, X509_CLIENT_AUTH, NULL, expected);
}

#endif
