/* ISC license. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

#define MAX_VARIABLES 8192

enum field { CERTFILE, KEYFILE, CERTFILE2, KEYFILE2, FIELDS };
static char const *const field_names[FIELDS] = { "CERTFILE", "KEYFILE", "CERTFILE2", "KEYFILE2" };

struct variable {
    char const *name;
    size_t name_len;
    enum field field;
    char const *value;
};

/* FIELDS when an entry of the environment is something else. */
static enum field field_of(char const *entry)
{
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

static int compare_names(char const *a, size_t a_len, char const *b, size_t b_len)
{
    int const r = strncasecmp(a, b, a_len < b_len ? a_len : b_len);
    return r ? r : (a_len > b_len) - (a_len < b_len);
}

static int compare_variables(void const *a, void const *b)
{
    struct variable const *v = a, *w = b;
    int const r = compare_names(v->name, v->name_len, w->name, w->name_len);
    return r ? r : (int)v->field - (int)w->field;
}

static size_t count_variables(void)
{
    size_t count = 0;
    for (char *const *entry = environ; *entry; entry++) count += (size_t)chain_is_host_variable(*entry);
    if (count > MAX_VARIABLES)
        strerr_dief(EXIT_CREDENTIAL, "too many variables CERTFILE:name and KEYFILE:name");
    return count;
}

static _Noreturn void die_variable(enum field field, char const *name, size_t name_len, char const *why)
{
    char text[X509_MAX_NAME + 1];
    if (name_len > X509_MAX_NAME) name_len = X509_MAX_NAME;
    memcpy(text, name, name_len);
    text[name_len] = 0;
    strerr_dief(EXIT_CREDENTIAL, field_names[field], name_len ? ":" : "", text, why);
}

/* example.org. and example.org are one name. */
static size_t without_final_dot(char const *name, size_t len)
{
    return len > 1 && name[len - 1] == '.' ? len - 1 : len;
}

/* No client can send such a name, so this certificate would never be used. */
static void check_ascii(enum field field, char const *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] & 0x80)
            die_variable(field, name, len, ": the name is not ASCII: write its A-label form, xn--...");
}

static void read_variables(struct variable *variable, size_t count)
{
    struct variable *next = variable;
    for (char *const *entry = environ; *entry; entry++) {
        enum field const field = field_of(*entry);
        if (field == FIELDS) continue;
        char const *name = *entry + strlen(field_names[field]) + 1;
        size_t const given = strcspn(name, "="), len = without_final_dot(name, given);
        char const *value = name[given] ? name + given + 1 : name + given;
        check_ascii(field, name, given);
        *next++ = (struct variable){ .name = name, .name_len = len, .field = field, .value = value };
    }
    qsort(variable, count, sizeof *variable, compare_variables);
}

void chain_check_pair(struct chain_files const *files, int second, char const *name, size_t name_len)
{
    if (!files->certfile == !files->keyfile) return;
    enum field const cert = second ? CERTFILE2 : CERTFILE, key = second ? KEYFILE2 : KEYFILE;
    die_variable(files->certfile ? key : cert, name, name_len, " is not set, but its other half is");
}

static char const **place_of(struct chain_host *host, enum field field)
{
    struct chain_files *files = host->files + (field >= CERTFILE2);
    return field == CERTFILE || field == CERTFILE2 ? &files->certfile : &files->keyfile;
}

/* The next host from its variables; gives the first variable of another. */
static size_t make_host(struct chain_host *host, struct variable const *variable, size_t at, size_t count)
{
    *host = (struct chain_host){ .name = variable[at].name, .name_len = variable[at].name_len };
    for (; at < count; at++) {
        struct variable const *v = variable + at;
        if (compare_names(v->name, v->name_len, host->name, host->name_len)) break;
        char const **place = place_of(host, v->field);
        if (*place) die_variable(v->field, v->name, v->name_len, " is set twice");
        *place = v->value;
    }
    for (int second = 0; second < 2; second++)
        chain_check_pair(host->files + second, second, host->name, host->name_len);
    return at;
}

void chain_read_hosts(struct chain_hosts *hosts)
{
    size_t const count = count_variables();
    *hosts = (struct chain_hosts){ .count = 0 };
    if (!count) return;
    struct variable *variable = malloc(count * sizeof *variable);
    hosts->host = malloc(count * sizeof *hosts->host);
    if (!variable || !hosts->host) strerr_diefsys(EXIT_SYSTEM, "memory");
    read_variables(variable, count);
    for (size_t at = 0; at < count;) at = make_host(hosts->host + hosts->count++, variable, at, count);
    free(variable);
}

static int compare_hosts(void const *a, void const *b)
{
    struct chain_host const *wanted = a, *host = b;
    return compare_names(wanted->name, wanted->name_len, host->name, host->name_len);
}

static struct chain_host *find(struct chain_hosts const *hosts, char const *name)
{
    struct chain_host const wanted = { .name = name, .name_len = strlen(name) };
    if (!hosts->count) return NULL;
    return bsearch(&wanted, hosts->host, hosts->count, sizeof *hosts->host, compare_hosts);
}

struct chain_host *chain_find_host(struct chain_hosts const *hosts, char const *server_name)
{
    char wildcard[2 + X509_MAX_NAME + 1] = "*";
    if (!*server_name) return NULL;
    struct chain_host *host = find(hosts, server_name);
    char const *parent = strchr(server_name, '.');
    /* Never for all of a top-level domain. */
    if (host || !parent || !strchr(parent + 1, '.')) return host;
    strncat(wildcard, parent, X509_MAX_NAME);
    return find(hosts, wildcard);
}
