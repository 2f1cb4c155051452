/* ISC license. */

/*
 * Certificates by server name in the environment: CERTFILE:name, KEYFILE:name,
 * CERTFILE2:name, KEYFILE2:name. There may be thousands, and this runs once for
 * each connection: the environment is gone through, and nothing is built of it.
 */

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

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

int chain_is_host_variable(char const *entry)
{
    return field_of(entry) < FIELDS;
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

static _Noreturn void die_variable(enum field field, char const *name, size_t name_len, char const *why)
{
    char text[X509_MAX_NAME + 1];
    if (name_len > X509_MAX_NAME) name_len = X509_MAX_NAME;
    memcpy(text, name, name_len);
    text[name_len] = 0;
    strerr_dief(EXIT_CREDENTIAL, field_names[field], name_len ? ":" : "", text, why);
}

/* ---- one name ---- */

static int is_named(struct variable const *variable, char const *name)
{
    return strlen(name) == variable->name_len && !strncasecmp(variable->name, name, variable->name_len);
}

static char const **place_of(struct chain_files files[2], enum field field)
{
    files += field >= CERTFILE2;
    return field == CERTFILE || field == CERTFILE2 ? &files->certfile : &files->keyfile;
}

static void check_pair(struct chain_files const *files, int second, char const *name, size_t name_len)
{
    if (!files->certfile == !files->keyfile) return;
    enum field const cert = second ? CERTFILE2 : CERTFILE, key = second ? KEYFILE2 : KEYFILE;
    die_variable(files->certfile ? key : cert, name, name_len, " is not set, but its other half is");
}

void chain_check_pair(struct chain_files const *files, int second)
{
    check_pair(files, second, "", 0);
}

int chain_find_host(char const *name, struct chain_files files[2])
{
    struct variable v;
    memset(files, 0, 2 * sizeof *files);
    for (char *const *entry = environ; *entry; entry++) {
        if (!read_variable(&v, *entry) || !is_named(&v, name)) continue;
        char const **place = place_of(files, v.field);
        if (*place) die_variable(v.field, v.name, v.name_len, " is set twice");
        *place = v.value;
    }
    for (int second = 0; second < 2; second++) check_pair(files + second, second, name, strlen(name));
    return files[0].certfile || files[1].certfile;
}

/* ---- all of them ---- */

/* No client can send such a name, so this certificate would never be used. */
static void check_ascii(struct variable const *v)
{
    for (size_t i = 0; i < v->name_len; i++)
        if (v->name[i] & 0x80)
            die_variable(v->field, v->name, v->name_len,
                         ": the name is not ASCII: write its A-label form, xn--...");
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
        if (read_variable(&v, *before) && v.name_len == variable->name_len
            && !strncasecmp(v.name, variable->name, v.name_len))
            return 0;
    return 1;
}

void chain_each_host(void (*f)(void *ctx, char const *name), void *ctx)
{
    struct variable v;
    char name[X509_MAX_NAME + 1];
    for (char *const *entry = environ; *entry; entry++) {
        if (!read_variable(&v, *entry) || v.name_len > X509_MAX_NAME || !is_first(&v, entry)) continue;
        memcpy(name, v.name, v.name_len);
        name[v.name_len] = 0;
        f(ctx, name);
    }
}

static void check_host(void *ctx, char const *name)
{
    struct chain_files files[2];
    (void)ctx;
    chain_find_host(name, files);
}

/* The names of all certificates add up to the same sum as those of all keys, or
   one of them has no other half. */
size_t chain_check_hosts(void)
{
    uint64_t sum[FIELDS] = { 0 };
    struct variable v;
    size_t count = 0;
    for (char *const *entry = environ; *entry; entry++) {
        if (!read_variable(&v, *entry)) continue;
        check_ascii(&v);
        sum[v.field] += hash_name(&v);
        count++;
    }
    if (sum[CERTFILE] != sum[KEYFILE] || sum[CERTFILE2] != sum[KEYFILE2]) chain_each_host(&check_host, NULL);
    return count;
}
