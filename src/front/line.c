/* ISC license. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>

#include "endpoint/review.h"
#include "front/front.h"
#include "front/network.h"

#define OPERANDS 3 /* two for TCP, and prog */
#define PROXY_TIMEOUT_MS "30000"

static char const applyuidgid[] = "s6-applyuidgid";
static char const proxy_server[] = "proxy-server"; /* s6-networking's */

/* An option as it was given. */
struct given {
    struct front_option const *option;
    char const *argument;
};

struct line {
    struct front_end const *end;
    struct front_option options[OPTION_ROWS_MAX];
    size_t option_count;
    struct front_superserver server;
    genalloc given;                 /* struct given */
    unsigned int effects, verbosity;
    char const *wanted;             /* superserver */
    char const *address;            /* or host */
    genalloc words[FRONT_STEPS];    /* char const *: what is said to each step */
};

static void add(genalloc *words, char const *word)
{
    if (!genalloc_append(char const *, words, &word)) strerr_diefsys(EXIT_SYSTEM, "memory");
}

static void add_all(genalloc *words, genalloc const *more)
{
    for (size_t i = 0; i < genalloc_len(char const *, more); i++)
        add(words, genalloc_s(char const *, more)[i]);
}

/* Those of the descriptors and of verbosity, which are given otherwise. */
static int is_passed_on(struct option_row const *option)
{
    static char const *const others[] = { "read-fd", "write-fd", "verbosity" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(option->name, others[i])) return 0;
    return 1;
}

static int is_taken(struct front_end const *end, char letter)
{
    for (size_t i = 0; i < end->count; i++)
        if (end->options[i].letter == letter) return 1;
    return 0;
}

static char const *long_form(char const *name)
{
    char *word;
    if (asprintf(&word, "--%s", name) < 0) strerr_diefsys(EXIT_SYSTEM, "memory");
    return word;
}

static struct front_option tls_option(struct front_end const *end, struct option_row const *option)
{
    char const *const word = long_form(option->name);
    return (struct front_option){
        .letter = is_taken(end, option->letter) ? 0 : option->letter,
        .name = option->name,
        .argument = option->argument,
        .kind = option->argument ? OPTION_TEXT : OPTION_FLAG,
        .step = FRONT_TLS,
        .word = { word, word },
        .effects = strcmp(option->name, "servername") ? 0 : FRONT_SERVERNAME,
        .meaning = option->meaning,
    };
}

/* The front end's own, and those of its TLS program under the letters that are left. */
static void list_options(struct line *line)
{
    struct front_end const *const end = line->end;
    memcpy(line->options, end->options, end->count * sizeof *end->options);
    line->option_count = end->count;
    for (size_t i = 0; i < chain_option_count && line->option_count < OPTION_ROWS_MAX; i++) {
        struct option_row const *row = &chain_option_rows[i];
        if (row->programs & end->tls && is_passed_on(row)) line->options[line->option_count++] = tls_option(end, row);
    }
}

static void take(void *line, struct option_row const *row, char const *argument)
{
    struct line *const to = line;
    struct given const one = { &to->options[row->value], row->argument ? argument : NULL };
    if (!genalloc_append(struct given, &to->given, &one)) strerr_diefsys(EXIT_SYSTEM, "memory");
}

static struct option_row option_row(struct front_option const *option, unsigned int i)
{
    return (struct option_row){
        .letter = option->letter,
        .name = option->name,
        .programs = 1,
        .kind = option->kind,
        .field = i, /* all different: none is an alternative */
        .value = i,
        .argument = option->argument,
        .meaning = option->meaning,
    };
}

/* Gives argv from the first operand on. */
static char const *const *scan(struct line *line, int argc, char const *const *argv)
{
    struct option_row rows[OPTION_ROWS_MAX];
    struct option_table const table = {
        .rows = rows,
        .count = line->option_count,
        .program = 1,
        .operands = line->end->operands,
        .take = &take,
    };
    for (size_t i = 0; i < line->option_count; i++)
        rows[i] = option_row(&line->options[i], (unsigned int)i);
    char const *const *operands = program_scan_options(&table, line, argc, argv);
    for (size_t i = 0; i < OPERANDS; i++)
        if (!operands[i]) program_die_usage(&table);
    return operands;
}

static struct given const *given_at(struct line const *line, size_t i)
{
    return &genalloc_s(struct given, &line->given)[i];
}

static size_t given_count(struct line const *line)
{
    return genalloc_len(struct given, &line->given);
}

/* 1: a later option takes it back. */
static int is_cancelled(struct line const *line, size_t i)
{
    static struct { unsigned int effect, opposite; } const pairs[] = {
        { FRONT_NO_LOOKUPS, FRONT_LOOKUPS },
        { FRONT_HOSTS, FRONT_NO_HOSTS },
    };
    unsigned int later = 0;
    for (size_t j = i + 1; j < given_count(line); j++) later |= given_at(line, j)->option->effects;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        if (given_at(line, i)->option->effects & pairs[p].effect && later & pairs[p].opposite) return 1;
    return 0;
}

static void sum_up(struct line *line)
{
    line->effects = line->end->effects;
    line->verbosity = 1;
    for (size_t i = 0; i < given_count(line); i++) {
        struct given const *given = given_at(line, i);
        unsigned int const effects = is_cancelled(line, i) ? 0 : given->option->effects;
        line->effects |= effects;
        if (effects & FRONT_QUIET) line->verbosity = 0;
        if (effects & FRONT_USUAL) line->verbosity = 1;
        if (effects & FRONT_VERBOSE) line->verbosity = 2;
        if (effects & FRONT_SUPERSERVER) line->wanted = given->argument;
    }
}

static void check_given(struct line const *line)
{
    for (size_t i = 0; i < given_count(line); i++) {
        struct front_option const *option = given_at(line, i)->option;
        char const *const refusal = option->refusal[line->server.family];
        if (refusal) strerr_dief(EXIT_USAGE, "--", option->name, ": ", line->server.program, " ", refusal);
    }
    if (line->effects & FRONT_APPLIES && !front_is_in_path(applyuidgid))
        strerr_dief(EXIT_USAGE, "changing uid, gid or groups: no ", applyuidgid, " in PATH");
}

static int is_given(struct line const *line, char const *name)
{
    for (size_t i = 0; i < given_count(line); i++)
        if (!strcmp(given_at(line, i)->option->name, name)) return 1;
    return 0;
}

/* What the program of TCP is told. */
static void decide_address(struct line *line, char const *address)
{
    int const v4 = is_given(line, "ipv4"), v6 = is_given(line, "ipv6");
    line->address = address;
    if (line->server.family != FRONT_UCSPI) return;
    if (line->end->tls == CHAIN_TLSD)
        line->address = front_listen_address(line->server.program, address, v4 && !v6, v6 && !v4);
    else if (strchr(address, ':')) strerr_dief(EXIT_USAGE, line->server.program, " has no IPv6: ", address);
}

/* Without options ucspi-tcp asks the peer's IDENT server and the DNS, and
   s6-networking's server does neither. A local name cannot be had without DNS:
   0 is the usual word for none. */
static void say_defaults(struct line *line)
{
    genalloc *const words = &line->words[FRONT_TCP];
    int const may_look_up = (line->effects & (FRONT_NEEDS_ACCESS | FRONT_LOOKUPS | FRONT_CLIENT)) != 0;
    if (line->server.family != FRONT_UCSPI) return;
    add(words, "-R");
    if (may_look_up && !(line->effects & FRONT_NO_LOOKUPS)) return;
    add(words, "-H");
    if (line->effects & FRONT_LOCAL_NAME) return;
    add(words, "-l");
    add(words, "0");
}

static char const *word_of(struct front_option const *option, enum front_family family)
{
    return option->word[family == FRONT_OWN ? FRONT_S6 : family];
}

static void say_given(struct line *line)
{
    for (size_t i = 0; i < given_count(line); i++) {
        struct given const *given = given_at(line, i);
        enum front_step step = given->option->step;
        char const *const word = word_of(given->option, line->server.family);
        if (!word || is_cancelled(line, i)) continue;
        /* tcpserver does itself what s6-networking has a step for */
        if (step == FRONT_ACCESS && line->server.family == FRONT_UCSPI) step = FRONT_TCP;
        add(&line->words[step], word);
        if (given->argument) add(&line->words[step], given->argument);
    }
}

static void say_servername(struct line *line, char const *host)
{
    if (line->end->tls != CHAIN_TLSC || line->effects & FRONT_SERVERNAME) return;
    add(&line->words[FRONT_TLS], "--servername");
    add(&line->words[FRONT_TLS], host);
}

/* What works on one kernel works on all. */
static void say_mode(struct line *line)
{
    if (is_given(line, "mode") || getenv("KTLS_MODE")) return;
    add(&line->words[FRONT_TLS], "--mode");
    add(&line->words[FRONT_TLS], "relay");
}

static char const *own_program(char const *name)
{
    char path[PATH_MAX];
    if (!process_find_own(path, sizeof path, name) || access(path, X_OK) < 0) return name;
    char const *const found = strdup(path);
    if (!found) strerr_diefsys(EXIT_SYSTEM, "memory");
    return found;
}

static void add_step(genalloc *argv, char const *program, struct line const *line, enum front_step step)
{
    add(argv, program);
    add_all(argv, &line->words[step]);
    add(argv, "--");
}

static void add_verbosity(struct line *line, enum front_step step)
{
    if (line->verbosity != 1) add(&line->words[step], line->verbosity ? "-v2" : "-v0");
}

/* As s6-tlsserver since 2.6.0.0: unless names are not wanted, and nothing else
   needs it. */
static int has_access_step(struct line const *line)
{
    if (line->server.family != FRONT_S6 || line->end->tls != CHAIN_TLSD) return 0;
    return line->effects & FRONT_NEEDS_ACCESS || !(line->effects & FRONT_NO_LOOKUPS);
}

/* -e without rules: there is nothing to be verbose about. */
static void add_access(genalloc *argv, struct line *line)
{
    int const rules = !(line->effects & FRONT_VARIABLES_ONLY) || line->effects & FRONT_RULES;
    if (!has_access_step(line)) return;
    if (line->verbosity < 2 || rules) add_verbosity(line, FRONT_ACCESS);
    add_step(argv, line->server.access, line, FRONT_ACCESS);
}

static void add_trusted(genalloc *argv, struct line const *line)
{
    struct network network;
    for (size_t i = 0; i < given_count(line); i++) {
        struct given const *given = given_at(line, i);
        if (!(given->option->effects & FRONT_TRUST)) continue;
        if (!network_scan(&network, given->argument))
            strerr_dief(EXIT_USAGE, "--trust: not address/bits: ", given->argument);
        add(argv, "--trust");
        add(argv, given->argument);
    }
}

static void add_proxy_header(genalloc *argv, struct line const *line)
{
    int const s6 =
        line->server.family == FRONT_S6 && !(line->effects & FRONT_TRUST) && front_is_in_path(proxy_server);
    if (!(line->effects & FRONT_PROXY)) return;
    add(argv, s6 ? proxy_server : own_program("ktls-proxyhdr"));
    add(argv, s6 ? "-t" : "-K");
    add(argv, PROXY_TIMEOUT_MS);
    add_trusted(argv, line);
    add(argv, "--");
}

static void take_finding(void *ctx, enum review_level level, char const *what, char const *why)
{
    int *errors = ctx;
    if (level < REVIEW_WARNING) return;
    strerr_warn(PROG, level == REVIEW_ERROR ? ": error: " : ": warning: ", what, ": ", why);
    *errors |= level == REVIEW_ERROR;
}

/* A wrong certificate is better found here than by the first client. Rules of
   access may set variables of their own for some: these are not known. */
static void check_server(struct endpoint_settings *settings)
{
    struct program_error error;
    int errors = 0;
    struct review const review = { .report = &take_finding, .ctx = &errors, .now = time(NULL), .settings = settings };
    if (!endpoint_read_variables(settings, &error) || !review_settings(&review, &error)) program_die(&error);
    if (errors) strerr_dief(EXIT_CREDENTIAL, "the configuration is not sound: nothing listens");
}

/* Wrong options are better refused here than once for each connection. */
static void check_tls_step(struct line const *line, genalloc const *argv, size_t first)
{
    struct chain_options options;
    struct tls_config ignored;
    struct program_error error;
    size_t const count = genalloc_len(char const *, argv) - 1 - first;
    chain_parse_options(&options, line->end->tls, (int)count, genalloc_s(char const *, argv) + first);
    if (!endpoint_configure(&ignored, &options.settings, &error)) program_die(&error);
    if (line->end->tls == CHAIN_TLSD && !(line->effects & FRONT_RULES)) check_server(&options.settings);
}

static void add_tcp(genalloc *argv, struct line const *line, char const *const *operands)
{
    if (line->server.family == FRONT_OWN) return;
    add_step(argv, line->server.program, line, FRONT_TCP);
    add(argv, line->address);
    add(argv, operands[1]);
}

static void put_together(genalloc *argv, struct line *line, char const *const *operands)
{
    add_tcp(argv, line, operands);
    add_access(argv, line);
    add_proxy_header(argv, line);
    size_t const tls = genalloc_len(char const *, argv);
    add_verbosity(line, FRONT_TLS);
    add_step(argv, own_program(line->end->tls_name), line, FRONT_TLS);
    if (line->effects & FRONT_APPLIES) add_step(argv, applyuidgid, line, FRONT_APPLY);
    for (char const *const *word = operands + 2; *word; word++) add(argv, *word);
    add(argv, NULL);
    check_tls_step(line, argv, tls);
}

static void connect_here(stralloc *changes, struct line const *line, char const *const *operands)
{
    genalloc words = GENALLOC_ZERO;
    add(&words, PROG);
    add_all(&words, &line->words[FRONT_TCP]);
    add(&words, NULL);
    front_connect(changes, genalloc_s(char const *, &words), genalloc_len(char const *, &words) - 1, operands[0],
                  operands[1]);
    genalloc_free(char const *, &words);
}

void front_run(struct front_end const *end, int argc, char const *const *argv)
{
    struct line line = { .end = end };
    genalloc command = GENALLOC_ZERO;
    stralloc changes = STRALLOC_ZERO;

    list_options(&line);
    char const *const *operands = scan(&line, argc, argv);
    sum_up(&line);
    front_choose(&line.server, end->superservers, line.wanted, (end->effects & FRONT_CLIENT) != 0);
    check_given(&line);
    decide_address(&line, operands[0]);
    say_defaults(&line);
    say_given(&line);
    say_servername(&line, operands[0]);
    say_mode(&line);
    put_together(&command, &line, operands);
    if (line.server.family == FRONT_OWN) connect_here(&changes, &line, operands);
    program_exec(genalloc_s(char const *, &command), &changes);
}
