/* ISC license. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "x509/bundle.h"
#include "x509/file.h"
#include "x509/pem.h"

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define MAX_DIRECTORY_ENTRIES 16384

struct der bundle_item(struct x509_bundle const *bundle, size_t index)
{
    struct x509_item const *const item = &bundle->item[index];
    return (struct der){.p = bundle->bytes + item->at, .len = item->len};
}

static enum x509_error reserve(struct x509_bundle *bundle, size_t more)
{
    if (bundle->len + more > X509_MAX_FILE) return X509_TOO_BIG;
    unsigned char *const bytes = realloc(bundle->bytes, bundle->len + more);
    if (!bytes) return X509_SYSTEM;
    bundle->bytes = bytes;
    return X509_OK;
}

/* The array is as long as the next power of two. */
static int has_room(struct x509_bundle *bundle)
{
    size_t const count = bundle->count;
    if (count & (count - 1)) return 1;
    struct x509_item *const item = realloc(bundle->item, (count ? 2 * count : 1) * sizeof *item);
    if (item) bundle->item = item;
    return item != NULL;
}

/* The bytes behind the last item. What is not of the kind by its first fields does not count. */
static enum x509_error add_item(struct x509_bundle *bundle, struct bundle_kind const *kind, size_t len)
{
    struct der const whole = {.p = bundle->bytes + bundle->len, .len = len};
    struct der name;
    if (!kind->name(whole, &name)) return kind->is_strict ? X509_BAD_CERTIFICATE : X509_OK;
    if (!has_room(bundle)) return X509_SYSTEM;
    bundle->item[bundle->count++] =
        (struct x509_item){.at = bundle->len, .len = len, .fingerprint = name_fingerprint(name)};
    bundle->len += len;
    return X509_OK;
}

static enum x509_error add_text(struct x509_bundle *bundle, struct bundle_kind const *kind, struct der text)
{
    struct pem pem;
    size_t len;
    enum x509_error error = reserve(bundle, PEM_DECODED(text.len));
    pem_init(&pem, text.p, text.len);
    while (!error && pem_next(&pem)) {
        if (!pem_has_label(&pem, kind->label)) continue;
        if (pem_decode(&pem, bundle->bytes + bundle->len, &len)) error = add_item(bundle, kind, len);
        else if (kind->is_strict) error = X509_BAD_CERTIFICATE;
    }
    return error;
}

static enum x509_error add_bytes(struct x509_bundle *bundle, struct bundle_kind const *kind, struct der bytes)
{
    struct der content;
    if (!der_only(bytes, DER_SEQUENCE, &content)) return add_text(bundle, kind, bytes);
    enum x509_error const error = reserve(bundle, bytes.len);
    if (error) return error;
    memcpy(bundle->bytes + bundle->len, bytes.p, bytes.len);
    return add_item(bundle, kind, bytes.len);
}

static enum x509_error add_file(struct x509_bundle *bundle, struct bundle_kind const *kind, int dir, char const *path)
{
    struct file file;
    enum x509_error error = file_read(&file, dir, path, X509_MAX_FILE);
    if (error) return error;
    error = add_bytes(bundle, kind, (struct der){.p = file.bytes, .len = file.len});
    file_free(&file);
    return error;
}

/* Subdirectories, sockets and links to nowhere do not belong to a CADIR. */
static int is_passed_over(enum x509_error error)
{
    return error == X509_NOT_A_FILE || (error == X509_SYSTEM && (errno == EISDIR || errno == ENXIO || errno == ENOENT));
}

static enum x509_error add_entries(struct x509_bundle *bundle, struct bundle_kind const *kind, DIR *dir)
{
    for (size_t i = 0; i < MAX_DIRECTORY_ENTRIES; i++) {
        errno = 0;
        struct dirent const *const entry = readdir(dir);
        if (!entry) return errno ? X509_SYSTEM : X509_OK;
        if (entry->d_name[0] == '.') continue;
        enum x509_error const error = add_file(bundle, kind, dirfd(dir), entry->d_name);
        if (error && !is_passed_over(error)) return error;
    }
    return X509_TOO_BIG;
}

static enum x509_error add_directory(struct x509_bundle *bundle, struct bundle_kind const *kind, char const *path)
{
    int const fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return X509_SYSTEM;
    DIR *const dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return X509_SYSTEM;
    }
    enum x509_error const error = add_entries(bundle, kind, dir);
    int const saved = errno;
    closedir(dir);
    errno = saved;
    return error;
}

static enum x509_error finish(struct x509_bundle *bundle, struct bundle_kind const *kind, enum x509_error error)
{
    if (!error && !bundle->count) error = kind->none;
    if (error) bundle_free(bundle);
    return error;
}

enum x509_error bundle_load(struct x509_bundle *bundle, struct bundle_kind const *kind, char const *dir,
                            char const *file)
{
    *bundle = (struct x509_bundle){.bytes = NULL};
    return finish(bundle, kind, dir ? add_directory(bundle, kind, dir) : add_file(bundle, kind, AT_FDCWD, file));
}

enum x509_error bundle_decode(struct x509_bundle *bundle, struct bundle_kind const *kind, unsigned char const *bytes,
                              size_t len)
{
    *bundle = (struct x509_bundle){.bytes = NULL};
    return finish(bundle, kind, add_bytes(bundle, kind, (struct der){.p = bytes, .len = len}));
}

void bundle_free(struct x509_bundle *bundle)
{
    int const saved = errno;
    free(bundle->bytes);
    free(bundle->item);
    errno = saved;
    *bundle = (struct x509_bundle){.bytes = NULL};
}

static struct bundle_kind const certificates = {"CERTIFICATE", certificate_subject, X509_NO_ANCHORS, 0};

enum x509_error x509_trust_load(struct x509_trust *trust, char const *cadir, char const *cafile, char const **culprit)
{
    *culprit = cadir ? cadir : cafile ? cafile : SYSTEM_BUNDLE;
    return bundle_load(&trust->certificates, &certificates, cadir, *culprit);
}

enum x509_error x509_trust_decode(struct x509_trust *trust, void const *bytes, size_t len)
{
    return bundle_decode(&trust->certificates, &certificates, bytes, len);
}

void x509_trust_free(struct x509_trust *trust)
{
    bundle_free(&trust->certificates);
}
