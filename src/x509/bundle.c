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

#define STEP 455      /* characters: seven lines, where most subjects end */
#define MAX_HEAD 1024 /* bytes */

struct der x509_bundle_item(struct x509_bundle const *bundle, size_t index, unsigned char *room, size_t room_len)
{
    struct x509_item const *const item = &bundle->item[index];
    struct der whole = {.p = bundle->bytes + item->at, .len = item->len};
    if (!item->is_text) return whole;
    if (PEM_DECODED(item->len) > room_len || !x509_base64_decode((char const *)whole.p, item->len, room, &whole.len))
        return (struct der){.p = NULL, .len = 0};
    whole.p = room;
    return whole;
}

/* The capacity of the array is the next power of two. */
static int has_room(struct x509_bundle *bundle)
{
    size_t const count = bundle->count;
    if (count & (count - 1)) return 1;
    struct x509_item *const item = realloc(bundle->item, (count ? 2 * count : 1) * sizeof *item);
    if (item) bundle->item = item;
    return item != NULL;
}

static enum x509_error add_item(struct x509_bundle *bundle, unsigned char const *at, size_t len, struct der name,
                                int is_text)
{
    if (!has_room(bundle)) return X509_SYSTEM;
    bundle->item[bundle->count++] =
        (struct x509_item){(size_t)(at - bundle->bytes), len, x509_name_fingerprint(name), is_text};
    return X509_OK;
}

/* Adds an item in DER. If its first fields are not those of the kind, it is left out, or an error if the kind is
   strict. */
static enum x509_error add_der(struct x509_bundle *bundle, struct bundle_kind const *kind, struct der whole)
{
    struct der name;
    if (kind->name(whole, &name)) return add_item(bundle, whole.p, whole.len, name, 0);
    return kind->is_strict ? X509_BAD_CERTIFICATE : X509_OK;
}

/* Decodes the block from its beginning until the name is complete. */
static int read_head(struct bundle_kind const *kind, struct pem const *pem, unsigned char head[MAX_HEAD],
                     struct der *name)
{
    char const *text = pem->body, *const end = text + pem->body_len;
    size_t len = 0;
    while (len + PEM_DECODED(STEP) <= MAX_HEAD) {
        unsigned char *const from = head + len;
        size_t const added = (size_t)(x509_base64_blocks(&text, end - text > STEP ? text + STEP : end, from) - from);
        len += added;
        if (!added || kind->name((struct der){.p = head, .len = len}, name)) return added != 0;
    }
    return 0;
}

static unsigned char *body_of(struct x509_bundle const *bundle, struct pem const *pem)
{
    return bundle->bytes + (pem->body - (char const *)bundle->bytes);
}

/* If the kind is not lazy, or no name was found near the beginning, the whole block is decoded in place. */
static enum x509_error add_block(struct x509_bundle *bundle, struct bundle_kind const *kind, struct pem const *pem)
{
    unsigned char head[MAX_HEAD];
    struct der name, whole;
    unsigned char *const at = body_of(bundle, pem);
    if (kind->is_lazy && read_head(kind, pem, head, &name)) return add_item(bundle, at, pem->body_len, name, 1);
    whole.p = at;
    if (x509_base64_decode(pem->body, pem->body_len, at, &whole.len)) return add_der(bundle, kind, whole);
    return kind->is_strict ? X509_BAD_CERTIFICATE : X509_OK;
}

/* Adds the items in the bytes from there to the end: PEM, or a single item in DER. The other blocks are wiped: one
   may be a private key. */
static enum x509_error add_bytes(struct x509_bundle *bundle, struct bundle_kind const *kind, size_t from)
{
    struct der const bytes = {.p = bundle->bytes + from, .len = bundle->len - from};
    struct der content;
    struct pem pem;
    enum x509_error error = X509_OK;
    if (x509_der_only(bytes, DER_SEQUENCE, &content)) return add_der(bundle, kind, bytes);
    x509_pem_init(&pem, bytes.p, bytes.len);
    while (!error && x509_pem_next(&pem))
        if (x509_pem_has_label(&pem, kind->label)) error = add_block(bundle, kind, &pem);
        else crypto_wipe(body_of(bundle, &pem), pem.body_len);
    return error;
}

static void wipe_from(struct x509_bundle *bundle, size_t from)
{
    if (bundle->len > from) crypto_wipe(bundle->bytes + from, bundle->len - from);
    bundle->len = from;
}

/* A file without items of that kind may be a private key in DER. */
static enum x509_error add_file(struct x509_bundle *bundle, struct bundle_kind const *kind, int dir, char const *path)
{
    struct file file = {.bytes = bundle->bytes, .len = bundle->len};
    size_t const from = bundle->len, count = bundle->count;
    enum x509_error error = x509_file_read(&file, dir, path, X509_MAX_FILE);
    bundle->bytes = file.bytes;
    bundle->len = file.len;
    if (!error) error = add_bytes(bundle, kind, from);
    if (bundle->count == count) wipe_from(bundle, from);
    return error;
}

/* Subdirectories, sockets and dangling symbolic links in a directory of certificates are ignored. */
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
    if (error) x509_bundle_free(bundle);
    return error;
}

enum x509_error x509_bundle_load(struct x509_bundle *bundle, struct bundle_kind const *kind, char const *dir,
                            char const *file)
{
    *bundle = (struct x509_bundle){.bytes = NULL};
    return finish(bundle, kind, dir ? add_directory(bundle, kind, dir) : add_file(bundle, kind, AT_FDCWD, file));
}

enum x509_error x509_bundle_decode(struct x509_bundle *bundle, struct bundle_kind const *kind,
                                   unsigned char const *bytes, size_t len)
{
    *bundle = (struct x509_bundle){.bytes = malloc(len + 1), .len = len};
    if (!bundle->bytes) return X509_SYSTEM;
    memcpy(bundle->bytes, bytes, len);
    return finish(bundle, kind, add_bytes(bundle, kind, 0));
}

void x509_bundle_free(struct x509_bundle *bundle)
{
    int const saved = errno;
    wipe_from(bundle, 0);
    free(bundle->bytes);
    free(bundle->item);
    errno = saved;
    *bundle = (struct x509_bundle){.bytes = NULL};
}

static struct bundle_kind const certificates = {"CERTIFICATE", x509_certificate_subject, X509_NO_ANCHORS, .is_lazy = 1};

enum x509_error x509_trust_load(struct x509_trust *trust, char const *cadir, char const *cafile, char const **culprit)
{
    *culprit = cadir ? cadir : cafile ? cafile : SYSTEM_BUNDLE;
    return x509_bundle_load(&trust->certificates, &certificates, cadir, *culprit);
}

enum x509_error x509_trust_decode(struct x509_trust *trust, void const *bytes, size_t len)
{
    return x509_bundle_decode(&trust->certificates, &certificates, bytes, len);
}

void x509_trust_free(struct x509_trust *trust)
{
    x509_bundle_free(&trust->certificates);
}
