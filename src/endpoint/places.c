/* ISC license. */

/*
 * Where the certificates for a server name may lie: in files that variables name,
 * or in the folder CERTDIR. A name that a client sends becomes part of a path
 * only when it is a DNS name, which has no slash and no empty label.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "endpoint/places.h"
#include "x509/file.h"

#define MAX_FILE (1u << 20)

/* *.parent, when name has a parent that may have a wildcard: never one for all
   of a top-level domain. */
static int wildcard_of(char const *name, char const *star, char out[MAX_PLACE_NAME])
{
    char const *parent = strchr(name, '.');
    if (!parent || !strchr(parent + 1, '.')) return 0;
    return snprintf(out, MAX_PLACE_NAME, "%s%s", star, parent) < MAX_PLACE_NAME;
}

static int find_wildcard(char const *name, struct endpoint_files files[2], struct program_error *error)
{
    char wildcard[MAX_PLACE_NAME];
    return wildcard_of(name, "*", wildcard) ? hosts_find(wildcard, files, error) : 0;
}

static int has_key_file(char const *path)
{
    return access(path, F_OK) == 0;
}

/* dir/NAME.pem, and its key there or in dir/NAME.key. */
static int find_in_folder(struct places *places, char const *name, struct endpoint_files *files)
{
    char lower[MAX_PLACE_NAME];
    size_t const len = strlen(name);
    if (!places->folder || len >= sizeof lower) return 0;
    for (size_t i = 0; i <= len; i++) lower[i] = (char)tolower((unsigned char)name[i]);
    int const cert = snprintf(places->certfile, sizeof places->certfile, "%s/%s.pem", places->folder, lower);
    int const key = snprintf(places->keyfile, sizeof places->keyfile, "%s/%s.key", places->folder, lower);
    if (cert < 0 || key < 0 || (size_t)cert >= sizeof places->certfile || (size_t)key >= sizeof places->keyfile)
        return 0;
    files->certfile = places->certfile;
    files->keyfile = has_key_file(places->keyfile) ? places->keyfile : places->certfile;
    return 1;
}

static int find_wildcard_in_folder(struct places *places, char const *name, struct endpoint_files *files)
{
    char wildcard[MAX_PLACE_NAME];
    return wildcard_of(name, "_", wildcard) && find_in_folder(places, wildcard, files);
}

void places_init(struct places *places, struct endpoint_settings const *settings)
{
    *places = (struct places){ .folder = settings->certdir,
                               .has_variables = settings->sni_level > 0,
                               .strict = settings->sni_level == 2 };
    memcpy(places->fallback, settings->files, sizeof places->fallback);
}

static int is_in_folder(enum place place)
{
    return place == PLACE_FOLDER || place == PLACE_WILDCARD_IN_FOLDER || place == PLACE_DEFAULT_IN_FOLDER;
}

int places_may_have(struct places const *places, enum place place, char const *server_name)
{
    int const is_default = place == PLACE_DEFAULT || place == PLACE_DEFAULT_IN_FOLDER;
    if (is_default ? places->strict : !*server_name) return 0;
    if (is_in_folder(place)) return places->folder != NULL;
    return is_default ? places->fallback[0].certfile || places->fallback[1].certfile : places->has_variables;
}

/* As hosts_find. */
static int find_files(struct places *places, enum place place, char const *name, struct endpoint_files files[2],
                      struct program_error *error)
{
    memset(files, 0, 2 * sizeof *files);
    if (!places_may_have(places, place, name)) return 0;
    switch (place) {
    case PLACE_VARIABLE: return hosts_find(name, files, error);
    case PLACE_FOLDER: return find_in_folder(places, name, files);
    case PLACE_WILDCARD: return find_wildcard(name, files, error);
    case PLACE_WILDCARD_IN_FOLDER: return find_wildcard_in_folder(places, name, files);
    case PLACE_DEFAULT_IN_FOLDER: return find_in_folder(places, "default", files);
    default: memcpy(files, places->fallback, 2 * sizeof *files);
    }
    return 1;
}

void places_close(struct opened_pair *pair)
{
    int const saved = errno;
    if (pair->cert.fd >= 0) close(pair->cert.fd);
    if (pair->key.fd >= 0) close(pair->key.fd);
    pair->cert.fd = pair->key.fd = -1;
    errno = saved;
}

/* 1, 0 with errno. */
static int open_file(struct opened_file *file, char const *path)
{
    file->fd = x509_file_open(path, &file->size);
    if (file->fd < 0) return 0;
    if (file->size <= MAX_FILE) return 1;
    errno = EFBIG;
    return 0;
}

/* Gives -1. */
static int fail_file(struct program_error *error, char const *path)
{
    enum x509_error const why = errno == EINVAL ? X509_NOT_A_FILE : X509_SYSTEM;
    return program_fail(error, EXIT_CREDENTIAL, "%s: %s", path, x509_strerror(why)) - 1;
}

int places_open(struct places *places, enum place place, char const *name, int second, struct opened_pair *pair,
                struct program_error *error)
{
    struct endpoint_files files[2];
    *pair = (struct opened_pair){ .cert.fd = -1, .key.fd = -1 };
    int const found = find_files(places, place, name, files, error);
    if (found <= 0 || !files[second].certfile) return found < 0 ? -1 : 0;
    pair->certfile = files[second].certfile;
    pair->keyfile = files[second].keyfile;
    if (!open_file(&pair->cert, pair->certfile)) {
        places_close(pair);
        if (is_in_folder(place) && (errno == ENOENT || errno == ENAMETOOLONG)) return 0;
        return fail_file(error, pair->certfile);
    }
    if (!strcmp(pair->certfile, pair->keyfile) || open_file(&pair->key, pair->keyfile)) return 1;
    places_close(pair);
    return fail_file(error, pair->keyfile);
}
