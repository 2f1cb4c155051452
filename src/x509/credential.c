/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "x509/der.h"
#include "x509/file.h"
#include "x509/pem.h"

#define MAX_CREDENTIAL_FILE (1u << 20)

static enum x509_error add_certificate(struct x509_chain *chain, unsigned char const *der, size_t len)
{
    struct der content;
    struct der const whole = {.p = der, .len = len};
    if (!der_only(whole, DER_SEQUENCE, &content)) return X509_BAD_CERTIFICATE;
    chain->cert[chain->count++] = (struct x509_certificate){.der = der, .len = len};
    return X509_OK;
}

static enum x509_error chain_from_der(struct x509_credential *credential, struct file const *file)
{
    if (file->len > X509_MAX_CHAIN) return X509_TOO_BIG;
    credential->storage = malloc(file->len);
    if (!credential->storage) return X509_SYSTEM;
    memcpy(credential->storage, file->bytes, file->len);
    return add_certificate(&credential->chain, credential->storage, file->len);
}

static enum x509_error add_block(struct x509_credential *credential, struct pem const *pem, size_t *used)
{
    unsigned char *const der = credential->storage + *used;
    size_t len;
    if (credential->chain.count == X509_MAX_CERTIFICATES) return X509_TOO_BIG;
    if (!pem_decode(pem, der, &len)) return X509_BAD_CERTIFICATE;
    *used += len;
    if (*used > X509_MAX_CHAIN) return X509_TOO_BIG;
    return add_certificate(&credential->chain, der, len);
}

static enum x509_error chain_from_pem(struct x509_credential *credential, struct file const *file)
{
    struct pem pem;
    size_t used = 0;
    enum x509_error error = X509_OK;
    credential->storage = malloc(PEM_DECODED(file->len));
    if (!credential->storage) return X509_SYSTEM;
    pem_init(&pem, file->bytes, file->len);
    while (!error && pem_next(&pem))
        if (pem_is_certificate(&pem)) error = add_block(credential, &pem, &used);
    return error ? error : credential->chain.count ? X509_OK : X509_NO_CERTIFICATE;
}

static enum x509_error load_chain(struct x509_credential *credential, struct file const *file)
{
    struct der content;
    struct der const whole = {.p = file->bytes, .len = file->len};
    enum x509_error const error = der_only(whole, DER_SEQUENCE, &content) ? chain_from_der(credential, file)
                                                                          : chain_from_pem(credential, file);
    return error ? error : x509_public_key(&credential->chain.cert[0], &credential->public_key);
}

static enum x509_error load_key(struct x509_credential *credential, struct file const *file)
{
    return key_private(file->bytes, file->len, &credential->public_key, &credential->private_key);
}

static enum x509_error load_key_file(struct x509_credential *credential, char const *path)
{
    struct file file;
    enum x509_error error = file_read(&file, AT_FDCWD, path, MAX_CREDENTIAL_FILE);
    if (error) return error;
    error = load_key(credential, &file);
    file_free(&file);
    return error;
}

static enum x509_error load(struct x509_credential *credential, char const *certfile, char const *keyfile,
                            char const **culprit)
{
    struct file file;
    *culprit = certfile;
    enum x509_error error = file_read(&file, AT_FDCWD, certfile, MAX_CREDENTIAL_FILE);
    if (error) return error;
    error = load_chain(credential, &file);
    if (!error) {
        *culprit = keyfile;
        error = strcmp(certfile, keyfile) ? load_key_file(credential, keyfile) : load_key(credential, &file);
    }
    file_free(&file);
    return error;
}

enum x509_error x509_credential_load(struct x509_credential *credential, char const *certfile,
                                     char const *keyfile, char const **culprit)
{
    memset(credential, 0, sizeof *credential);
    enum x509_error const error = load(credential, certfile, keyfile, culprit);
    if (error) x509_credential_free(credential);
    return error;
}

static enum x509_error decode(struct x509_credential *credential, struct file const *cert,
                              struct file const *key)
{
    enum x509_error const error = load_chain(credential, cert);
    return error ? error : load_key(credential, key);
}

enum x509_error x509_credential_decode(struct x509_credential *credential, void const *cert, size_t cert_len,
                                       void const *key, size_t key_len)
{
    struct file const files[2] = { { .bytes = (unsigned char *)(uintptr_t)cert, .len = cert_len },
                                   { .bytes = (unsigned char *)(uintptr_t)key, .len = key_len } };
    memset(credential, 0, sizeof *credential);
    enum x509_error const error = decode(credential, files, files + 1);
    if (error) x509_credential_free(credential);
    return error;
}

void x509_credential_free(struct x509_credential *credential)
{
    int const saved = errno;
    free(credential->storage);
    errno = saved;
    crypto_wipe(credential, sizeof *credential);
}

static enum x509_error load_key_open(struct x509_credential *credential, int fd, size_t size)
{
    struct file file;
    enum x509_error error = file_read_open(&file, fd, size);
    if (error) return error;
    error = load_key(credential, &file);
    file_free(&file);
    return error;
}

static enum x509_error load_open(struct x509_credential *credential, int cert_fd, size_t cert_size, int key_fd,
                                 size_t key_size, int *in_key)
{
    struct file file;
    *in_key = 0;
    enum x509_error error = file_read_open(&file, cert_fd, cert_size);
    if (error) return error;
    error = load_chain(credential, &file);
    if (!error) {
        *in_key = 1;
        error = key_fd < 0 ? load_key(credential, &file) : load_key_open(credential, key_fd, key_size);
    }
    file_free(&file);
    return error;
}

enum x509_error x509_credential_load_open(struct x509_credential *credential, int cert_fd, size_t cert_size,
                                          int key_fd, size_t key_size, int *in_key)
{
    memset(credential, 0, sizeof *credential);
    enum x509_error const error = load_open(credential, cert_fd, cert_size, key_fd, key_size, in_key);
    if (error) x509_credential_free(credential);
    return error;
}
