/* ISC license. */

/*
 * There may be thousands of these variables, and this runs once for each
 * connection: the environment is gone through, and nothing is built of it.
 */

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "endpoint/endpoint.h"

enum field { CERTFILE, KEYFILE, CERTFILE2, KEYFILE2, FIELDS };
static char const *const field_names[FIELDS] = { "CERTFILE", "KEYFILE", "CERTFILE2", "KEYFILE2" };

struct variable {
    enum field field;
    char const *name;
    size_t name_len;
    char const *value;
};

/* FIELDS when an entry of the environment is something else. */
static enum field field_of(char const *entry)
{
    if (*entry != 'C' && *entry != 'K') return FIELDS;
    size_t const len = strcspn(entry, ":=");
    if (entry[len] != ':') return FIELDS;
    enum field field = CERTFILE;
    while (field < FIELDS && (strlen(field_names[field]) != len || strncmp(field_names[field], entry, len)))
        field++;
    return field;
}

/* At once, not one by one at exec. */
void hosts_remove_variables(void)
{
    char **kept = environ;
    for (char **entry = environ; *entry; entry++)
        if (field_of(*entry) == FIELDS) *kept++ = *entry;
    *kept = NULL;
}

/* The final dot of an absolute name is not part of the name. */
static int read_variable(struct variable *variable, char const *entry)
{
    enum field const field = field_of(entry);
    if (field == FIELDS) return 0;
    char const *name = entry + strlen(field_names[field]) + 1;
    size_t const len = strcspn(name, "=");
    *variable = (struct variable){ .field = field, .name = name, .name_len = len,
                                   .value = name[len] ? name + len + 1 : name + len };
    if (len > 1 && name[len - 1] == '.') variable->name_len--;
    return 1;
}

static int fail_variable(struct program_error *error, enum field field, char const *name, size_t name_len,
                         char const *why)
{
    if (name_len > X509_MAX_NAME) name_len = X509_MAX_NAME;
    return program_fail(error, EXIT_CREDENTIAL, "%s%s%.*s%s", field_names[field], name_len ? ":" : "", (int)name_len,
                        name, why);
}

/* ---- one name ---- */

static int is_named(struct variable const *variable, char const *name, size_t name_len)
{
    return name_len == variable->name_len && !strncasecmp(variable->name, name, name_len);
}

static char const **place_of(struct endpoint_files files[2], enum field field)
{
    files += field >= CERTFILE2;
    return field == CERTFILE || field == CERTFILE2 ? &files->certfile : &files->keyfile;
}

static int check_pair(struct endpoint_files const *files, int second, char const *name, struct program_error *error)
{
    if (!files->certfile == !files->keyfile) return 1;
    enum field const cert = second ? CERTFILE2 : CERTFILE, key = second ? KEYFILE2 : KEYFILE;
    return fail_variable(error, files->certfile ? key : cert, name, strlen(name),
                         " is not set, but its other half is");
}

int hosts_check_pair(struct endpoint_files const *files, int second, struct program_error *error)
{
    return check_pair(files, second, "", error);
}

int hosts_find(char const *name, struct endpoint_files files[2], struct program_error *error)
{
    struct variable v;
    size_t const len = strlen(name);
    memset(files, 0, 2 * sizeof *files);
    for (char *const *entry = environ; *entry; entry++) {
        if (!read_variable(&v, *entry) || !is_named(&v, name, len)) continue;
        char const **place = place_of(files, v.field);
        if (*place) return fail_variable(error, v.field, v.name, v.name_len, " is set twice") - 1;
        *place = v.value;
    }
    if (!check_pair(files, 0, name, error) || !check_pair(files + 1, 1, name, error)) return -1;
    return files[0].certfile || files[1].certfile;
}

/* ---- all of them ---- */

/* No client can send such a name, so this certificate would never be used. */
static int check_ascii(struct variable const *v, struct program_error *error)
{
    for (size_t i = 0; i < v->name_len; i++)
        if (v->name[i] & 0x80)
            return fail_variable(error, v->field, v->name, v->name_len,
                                 ": the name is not ASCII: write its A-label form, xn--...");
    return 1;
}

/* FNV-1a, of the name in lower case. */
static uint64_t hash_name(struct variable const *v)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < v->name_len; i++)
        hash = (hash ^ (unsigned char)tolower((unsigned char)v->name[i])) * UINT64_C(0x100000001b3);
    return hash;
}

/* 1: it is the first variable of its name. */
static int is_first(struct variable const *variable, char *const *entry)
{
    struct variable v;
    for (char *const *before = environ; before < entry; before++)
        if (read_variable(&v, *before) && is_named(&v, variable->name, variable->name_len)) return 0;
    return 1;
}

int hosts_each(int (*f)(void *ctx, char const *name, struct program_error *error), void *ctx,
               struct program_error *error)
{
    struct variable v;
    char name[X509_MAX_NAME + 1];
    for (char *const *entry = environ; *entry; entry++) {
        if (!read_variable(&v, *entry) || v.name_len > X509_MAX_NAME || !is_first(&v, entry)) continue;
        memcpy(name, v.name, v.name_len);
        name[v.name_len] = 0;
        if (!f(ctx, name, error)) return 0;
    }
    return 1;
}

static int check_host_variables(void *ctx, char const *name, struct program_error *error)
{
    struct endpoint_files files[2];
    (void)ctx;
    return hosts_find(name, files, error) >= 0;
}

/* The names of all certificates add up to the same sum as those of all keys, or
   one of them has no other half. */
int hosts_check(size_t *count, struct program_error *error)
{
    uint64_t sum[FIELDS] = { 0 };
    struct variable v;
    *count = 0;
    for (char *const *entry = environ; *entry; entry++) {
        if (!read_variable(&v, *entry)) continue;
        if (!check_ascii(&v, error)) return 0;
        sum[v.field] += hash_name(&v);
        ++*count;
    }
    if (sum[CERTFILE] == sum[KEYFILE] && sum[CERTFILE2] == sum[KEYFILE2]) return 1;
    return hosts_each(&check_host_variables, NULL, error);
}
