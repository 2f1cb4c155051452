/* ISC license. */

#include <fcntl.h>
#include <string.h>

#include "x509/bundle.h"
#include "x509/file.h"
#include "x509/pem.h"

#define MAX_CREDENTIAL_FILE (1u << 20)

/* No more is required of the certificates after the first: the peer judges them. */
static int is_sequence(struct der whole, struct der *name)
{
    return x509_der_only(whole, DER_SEQUENCE, name);
}

static struct bundle_kind const own = {"CERTIFICATE", is_sequence, X509_NO_CERTIFICATE, .is_strict = 1};

/* A PEM form of OpenSSL's: a certificate followed by trust settings. */
static int is_trusted_certificate(void const *bytes, size_t len)
{
    static char const begin[] = "-----BEGIN TRUSTED CERTIFICATE-----";
    return memmem(bytes, len, begin, sizeof begin - 1) != NULL;
}

/* Keeps only the certificates of the file, which may also contain the key. */
static enum x509_error load_chain(struct x509_credential *credential, void const *bytes, size_t len)
{
    struct x509_chain *const chain = &credential->chain;
    struct x509_bundle *const storage = &credential->storage;
    size_t used = 0;
    enum x509_error const error = x509_bundle_decode(storage, &own, bytes, len);
    if (error == X509_NO_CERTIFICATE && is_trusted_certificate(bytes, len)) return X509_TRUSTED;
    if (error) return error;
    if (storage->count > X509_MAX_CERTIFICATES) return X509_TOO_BIG;
    for (chain->count = 0; chain->count < storage->count; chain->count++) {
        struct der const whole = x509_bundle_item(storage, chain->count, NULL, 0);
        chain->cert[chain->count] = (struct x509_certificate){.der = storage->bytes + used, .len = whole.len};
        memmove(storage->bytes + used, whole.p, whole.len);
        used += whole.len;
    }
    crypto_wipe(storage->bytes + used, storage->len - used);
    return used > X509_MAX_CHAIN ? X509_TOO_BIG : x509_public_key(chain->cert, &credential->public_key);
}

static enum x509_error load(struct x509_credential *credential, void const *cert, size_t cert_len, void const *key,
                            size_t key_len, int *in_key)
{
    memset(credential, 0, sizeof *credential);
    enum x509_error error = load_chain(credential, cert, cert_len);
    *in_key = !error;
    if (!error) error = x509_key_private(key, key_len, &credential->public_key, &credential->private_key);
    if (error) x509_credential_free(credential);
    return error;
}

/* Loads and frees the two files, unless reading them failed. */
static enum x509_error load_files(struct x509_credential *credential, struct file *cert, struct file *key,
                                  enum x509_error error, int *in_key)
{
    struct file const *const with_key = key->bytes ? key : cert;
    if (error) memset(credential, 0, sizeof *credential);
    else error = load(credential, cert->bytes, cert->len, with_key->bytes, with_key->len, in_key);
    x509_file_free(cert);
    x509_file_free(key);
    return error;
}

enum x509_error x509_credential_load(struct x509_credential *credential, char const *certfile, char const *keyfile,
                                     char const **culprit)
{
    struct file cert = {.bytes = NULL}, key = {.bytes = NULL};
    enum x509_error error = x509_file_read(&cert, AT_FDCWD, certfile, MAX_CREDENTIAL_FILE);
    int in_key = !error;
    if (!error) error = x509_file_read(&key, AT_FDCWD, keyfile, MAX_CREDENTIAL_FILE);
    error = load_files(credential, &cert, &key, error, &in_key);
    *culprit = in_key ? keyfile : certfile;
    return error;
}

enum x509_error x509_credential_load_open(struct x509_credential *credential, int cert_fd, size_t cert_size, int key_fd,
                                          size_t key_size, int *in_key)
{
    struct file cert = {.bytes = NULL}, key = {.bytes = NULL};
    enum x509_error error = x509_file_read_open(&cert, cert_fd, cert_size);
    *in_key = !error;
    if (!error && key_fd >= 0) error = x509_file_read_open(&key, key_fd, key_size);
    return load_files(credential, &cert, &key, error, in_key);
}

enum x509_error x509_credential_decode(struct x509_credential *credential, void const *cert, size_t cert_len,
                                       void const *key, size_t key_len)
{
    int in_key;
    return load(credential, cert, cert_len, key, key_len, &in_key);
}

void x509_credential_free(struct x509_credential *credential)
{
    x509_bundle_free(&credential->storage);
    crypto_wipe(credential, sizeof *credential);
}
