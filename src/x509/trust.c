/* ISC license. */

#include <bearssl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "x509/der.h"
#include "x509/file.h"
#include "x509/pem.h"

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define MAX_DIRECTORY_ENTRIES 16384

/* len more bytes and a newline. */
static enum x509_error grow(struct x509_trust *trust, size_t len)
{
    if (trust->len + len > X509_MAX_FILE) return X509_TOO_BIG;
    unsigned char *const bytes = realloc(trust->bytes, trust->len + len + 1);
    if (!bytes) return X509_SYSTEM;
    trust->bytes = bytes;
    return X509_OK;
}

static enum x509_error add_text(struct x509_trust *trust, unsigned char const *text, size_t len)
{
    enum x509_error const error = grow(trust, len);
    if (error) return error;
    memcpy(trust->bytes + trust->len, text, len);
    trust->len += len;
    trust->bytes[trust->len++] = '\n';
    return X509_OK;
}

static enum x509_error add_der(struct x509_trust *trust, struct file const *file)
{
    static char const label[] = "CERTIFICATE";
    size_t const len = br_pem_encode(NULL, NULL, file->len, label, 0);
    unsigned char *const text = malloc(len + 1);
    if (!text) return X509_SYSTEM;
    br_pem_encode(text, file->bytes, file->len, label, 0);
    enum x509_error const error = add_text(trust, text, len);
    free(text);
    return error;
}

/* The first file's memory becomes the bundle's: most often it is the only one. */
static void adopt(struct x509_trust *trust, struct file *file)
{
    trust->bytes = file->bytes;
    trust->len = file->len;
    trust->bytes[trust->len++] = '\n';
    file->bytes = NULL;
}

static int has_certificate(struct file const *file)
{
    struct pem pem;
    pem_init(&pem, file->bytes, file->len);
    while (pem_next(&pem))
        if (pem_is_certificate(&pem)) return 1;
    return 0;
}

/* A file without certificates adds nothing. */
static enum x509_error add_file(struct x509_trust *trust, int dir, char const *path)
{
    struct file file;
    struct der content;
    enum x509_error error = file_read(&file, dir, path, X509_MAX_FILE);
    if (error) return error;
    struct der const whole = {.p = file.bytes, .len = file.len};
    if (der_only(whole, DER_SEQUENCE, &content)) error = add_der(trust, &file);
    else if (!has_certificate(&file)) error = X509_OK;
    else if (trust->bytes) error = add_text(trust, file.bytes, file.len);
    else adopt(trust, &file);
    file_free(&file);
    return error;
}

/* Subdirectories, sockets and links to nowhere do not belong to a CADIR. */
static int is_passed_over(enum x509_error error)
{
    return error == X509_SYSTEM && (errno == EISDIR || errno == EINVAL || errno == ENXIO || errno == ENOENT);
}

static enum x509_error add_entries(struct x509_trust *trust, DIR *dir)
{
    for (size_t i = 0; i < MAX_DIRECTORY_ENTRIES; i++) {
        errno = 0;
        struct dirent const *const entry = readdir(dir);
        if (!entry) return errno ? X509_SYSTEM : X509_OK;
        if (entry->d_name[0] == '.') continue;
        enum x509_error const error = add_file(trust, dirfd(dir), entry->d_name);
        if (error && !is_passed_over(error)) return error;
    }
    return X509_TOO_BIG;
}

static enum x509_error add_directory(struct x509_trust *trust, char const *path)
{
    int const fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return X509_SYSTEM;
    DIR *const dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return X509_SYSTEM;
    }
    enum x509_error const error = add_entries(trust, dir);
    int const saved = errno;
    closedir(dir);
    errno = saved;
    return error;
}

enum x509_error x509_trust_load(struct x509_trust *trust, char const *cadir, char const *cafile,
                                char const **culprit)
{
    *trust = (struct x509_trust){.bytes = NULL, .len = 0};
    *culprit = cadir ? cadir : cafile ? cafile : SYSTEM_BUNDLE;
    enum x509_error error = cadir ? add_directory(trust, cadir) : add_file(trust, AT_FDCWD, *culprit);
    if (!error && !trust->len) error = X509_NO_ANCHORS;
    if (error) x509_trust_free(trust);
    return error;
}

void x509_trust_free(struct x509_trust *trust)
{
    int const saved = errno;
    free(trust->bytes);
    errno = saved;
    *trust = (struct x509_trust){.bytes = NULL, .len = 0};
}
