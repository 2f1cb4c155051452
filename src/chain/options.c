/* ISC license. */

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

#define DEFAULT_TIMEOUT_MS 30000
#define NO_FD (~0u)
#define MAX_SNI_LEVEL 2

enum option_kind { FLAG, NUMBER, TEXT };

struct option_row {
    char letter; /* 0: long form only */
    char const *name;
    unsigned int programs; /* enum chain_program */
    enum option_kind kind;
    size_t field;
    unsigned int value;    /* of a FLAG */
    char const *argument;  /* its name; NULL: none */
    char const *meaning;
};

#define TLS_PROGRAMS (CHAIN_TLSD | CHAIN_TLSC)
#define ALL_PROGRAMS (TLS_PROGRAMS | CHAIN_RELAY)
#define FIELD(name) offsetof(struct chain_options, name)

/* Neighbours with one field are alternatives. */
static struct option_row const rows[] = {
    { 'm', "mode", TLS_PROGRAMS, TEXT, FIELD(mode_name), 0, "mode", "auto, kernel, relay or user" },
    { 't', "tls", TLS_PROGRAMS, TEXT, FIELD(version_name), 0, "version", "only TLS 1.2 or only 1.3" },
    { 'c', "ciphers", TLS_PROGRAMS, TEXT, FIELD(ciphers), 0, "suites", "only these suites, in this order" },
    { 'a', "alpn", TLS_PROGRAMS, TEXT, FIELD(alpn), 0, "protocols", "application protocols, in this order" },
    { 's', "no-close-notify", ALL_PROGRAMS, FLAG, FIELD(close_notify), 0, NULL,
      "half-close TCP at the end (default)" },
    { 'S', "close-notify", ALL_PROGRAMS, FLAG, FIELD(close_notify), 1, NULL, "send close_notify at the end" },
    { 'j', "no-enforce-close-notify", ALL_PROGRAMS, FLAG, FIELD(enforce_close_notify), 0, NULL,
      "the peer may end without close_notify (default)" },
    { 'J', "enforce-close-notify", ALL_PROGRAMS, FLAG, FIELD(enforce_close_notify), 1, NULL,
      "an end without close_notify is an error" },
    { 'Y', "client-cert", CHAIN_TLSD, FLAG, FIELD(client_auth), TLS_REQUEST_CLIENT_CERT, NULL,
      "ask for a client certificate" },
    { 'y', "mandatory-client-cert", CHAIN_TLSD, FLAG, FIELD(client_auth), TLS_REQUIRE_CLIENT_CERT, NULL,
      "insist on a client certificate" },
    { 'Y', "no-client-cert", CHAIN_TLSC, FLAG, FIELD(client_cert), 0, NULL,
      "present no client certificate (default)" },
    { 'y', "client-cert", CHAIN_TLSC, FLAG, FIELD(client_cert), 1, NULL, "present a client certificate" },
    { 'k', "sni-level", CHAIN_TLSD, NUMBER, FIELD(sni_level), 0, "snilevel",
      "certificates by server name: 0 no (default), 1 yes, 2 nothing else" },
    { 0, "sni", CHAIN_TLSD, FLAG, FIELD(sni_level), 1, NULL, "--sni-level 1" },
    { 0, "mandatory-sni", CHAIN_TLSD, FLAG, FIELD(sni_level), 2, NULL, "--sni-level 2" },
    { 'k', "servername", CHAIN_TLSC, TEXT, FIELD(servername), 0, "servername", "name to send and to verify" },
    { 0, "verify-cert", CHAIN_TLSC, FLAG, FIELD(no_verify_cert), 0, NULL, "verify the server (default)" },
    { 0, "no-verify-cert", CHAIN_TLSC, FLAG, FIELD(no_verify_cert), 1, NULL, "talk to anybody" },
    { 'K', "handshake-timeout", TLS_PROGRAMS, NUMBER, FIELD(handshake_timeout), 0, "ms",
      "for the whole handshake, 0: none (default 30000)" },
    { 'z', "no-keep", TLS_PROGRAMS, FLAG, FIELD(keep), 0, NULL, "hide our variables from prog (default)" },
    { 'Z', "keep", TLS_PROGRAMS, FLAG, FIELD(keep), 1, NULL, "keep them" },
    { 'v', "verbosity", ALL_PROGRAMS, NUMBER, FIELD(verbosity), 0, "verbosity", "0, 1 (default), 2" },
    { '6', "read-fd", CHAIN_TLSC | CHAIN_RELAY, NUMBER, FIELD(read_fd), 0, "fdr", "descriptor to read from" },
    { '7', "write-fd", CHAIN_TLSC | CHAIN_RELAY, NUMBER, FIELD(write_fd), 0, "fdw",
      "descriptor to write to" },
    { 'k', "keys-fd", CHAIN_RELAY, NUMBER, FIELD(keys_fd), 0, "keysfd", "sealed memory file with the keys" },
};

#define ROWS (sizeof rows / sizeof *rows)
#define LONG_ONLY 256 /* what getopt_long returns for a long form: this and the row */
#define HELP (LONG_ONLY + (int)ROWS)

static int is_alternative(struct option_row const *a, struct option_row const *b)
{
    return a && a->kind == FLAG && b->kind == FLAG && a->field == b->field;
}

static void add_word(stralloc *text, char const *word)
{
    if (!stralloc_cats(text, word)) strerr_diefsys(EXIT_SYSTEM, "memory");
}

static void add_usage(stralloc *text, struct option_row const *row, struct option_row const *before)
{
    char const letter[] = { '-', row->letter, 0 };
    add_word(text, is_alternative(before, row) ? " | " : before ? " ] [ " : " [ ");
    add_word(text, row->letter ? letter : "--");
    if (!row->letter) add_word(text, row->name);
    if (!row->argument) return;
    add_word(text, " ");
    add_word(text, row->argument);
}

static char const *usage_line(enum chain_program program)
{
    static stralloc text = STRALLOC_ZERO;
    struct option_row const *before = NULL;
    add_word(&text, PROG);
    for (size_t i = 0; i < ROWS; i++) {
        if (!(rows[i].programs & (unsigned int)program)) continue;
        add_usage(&text, &rows[i], before);
        before = &rows[i];
    }
    add_word(&text, " ] prog...");
    if (!stralloc_0(&text)) strerr_diefsys(EXIT_SYSTEM, "memory");
    return text.s;
}

static _Noreturn void die_usage(enum chain_program program)
{
    strerr_die(EXIT_USAGE, PROG, ": usage: ", usage_line(program));
}

static _Noreturn void show_help(enum chain_program program)
{
    printf("usage: %s\n", usage_line(program));
    for (size_t i = 0; i < ROWS; i++) {
        struct option_row const *row = &rows[i];
        if (!(row->programs & (unsigned int)program)) continue;
        char const letter[] = { '-', row->letter, ',', 0 };
        char left[64];
        snprintf(left, sizeof left, "%3s --%s %s", row->letter ? letter : "", row->name,
                 row->argument ? row->argument : "");
        printf("  %-34s %s\n", left, row->meaning);
    }
    exit(fflush(stdout) ? EXIT_SYSTEM : 0);
}

static void set_field(struct chain_options *options, struct option_row const *row, char const *argument)
{
    void *field = (char *)options + row->field;
    switch (row->kind) {
    case FLAG: *(unsigned int *)field = row->value; break;
    case TEXT: *(char const **)field = argument; break;
    case NUMBER:
        if (!uint0_scan(argument, field))
            strerr_dief(EXIT_USAGE, "--", row->name, ": not a number: ", argument);
        break;
    }
}

/* What getopt_long wants to know, for one program. */
struct getopt_tables {
    char letters[2 + 2 * ROWS + 1];
    struct option names[ROWS + 2];
};

static void fill_tables(struct getopt_tables *tables, enum chain_program program)
{
    char *letter = tables->letters;
    struct option *name = tables->names;
    *letter++ = '+'; /* stop at prog */
    *letter++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < ROWS; i++) {
        if (!(rows[i].programs & (unsigned int)program)) continue;
        int const argument = rows[i].argument ? required_argument : no_argument;
        *name++ = (struct option){ rows[i].name, argument, NULL, LONG_ONLY + (int)i };
        if (!rows[i].letter) continue;
        *letter++ = rows[i].letter;
        if (rows[i].argument) *letter++ = ':';
    }
    *letter = 0;
    *name++ = (struct option){ "help", no_argument, NULL, HELP };
    *name = (struct option){ NULL, 0, NULL, 0 };
}

static struct option_row const *find_row(int option, enum chain_program program)
{
    if (option >= LONG_ONLY) return &rows[option - LONG_ONLY];
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].letter == option && rows[i].programs & (unsigned int)program) return &rows[i];
    return NULL;
}

static size_t scan(struct chain_options *options, enum chain_program program, int argc, char *const *argv)
{
    struct getopt_tables tables;
    fill_tables(&tables, program);
    opterr = 0;
    for (;;) {
        int const option = getopt_long(argc, argv, tables.letters, tables.names, NULL);
        if (option == -1) return (size_t)optind;
        if (option == HELP) show_help(program);
        struct option_row const *row = find_row(option, program);
        if (!row) die_usage(program);
        set_field(options, row, optarg);
    }
}

static void check_mode(struct chain_options *options)
{
    static char const *const names[] = { "auto", "kernel", "relay", "user" };
    if (options->mode_name) {
        size_t i = 0;
        while (i < 4 && strcmp(names[i], options->mode_name)) i++;
        if (i == 4)
            strerr_dief(EXIT_USAGE, "--mode is auto, kernel, relay or user, not ", options->mode_name);
        options->mode = (enum chain_mode)i;
    }
    if (!options->close_notify && !options->enforce_close_notify) return;
    if (options->mode == MODE_KERNEL)
        strerr_dief(EXIT_USAGE, "--mode kernel leaves nobody to care about close_notify");
    if (options->mode == MODE_AUTO) options->mode = MODE_RELAY;
}

static void check_version(struct chain_options *options)
{
    if (!options->version_name) return;
    if (!strcmp(options->version_name, "1.2"))
        options->only_version = TLS_1_2;
    else if (!strcmp(options->version_name, "1.3"))
        options->only_version = TLS_1_3;
    else
        strerr_dief(EXIT_USAGE, "--tls is 1.2 or 1.3, not ", options->version_name);
}

static void check_server_name(char const *name)
{
    if (name && !x509_is_dns_name(name, strlen(name)) && !x509_is_ip_address(name))
        strerr_dief(EXIT_USAGE, "--servername is neither a DNS name nor an IP address: ", name);
}

static void check(struct chain_options *options, enum chain_program program)
{
    check_mode(options);
    check_version(options);
    if (program == CHAIN_TLSC) check_server_name(options->servername);
    if (program == CHAIN_TLSC && (options->read_fd < 3 || options->write_fd < 3))
        strerr_dief(EXIT_USAGE, "--read-fd and --write-fd are 3 or more");
    if (options->sni_level > MAX_SNI_LEVEL) strerr_dief(EXIT_USAGE, "--sni-level is 0, 1 or 2");
    if (program == CHAIN_RELAY && options->keys_fd == NO_FD) strerr_dief(EXIT_USAGE, "--keys-fd is missing");
}

static void set_defaults(struct chain_options *options, enum chain_program program)
{
    int const client = program == CHAIN_TLSC;
    *options = (struct chain_options){
        .verbosity = 1,
        .read_fd = client ? 6 : 0,
        .write_fd = client ? 7 : 1,
        .handshake_timeout = DEFAULT_TIMEOUT_MS,
        .keys_fd = NO_FD,
    };
}

char const *const *chain_parse_options(struct chain_options *options, enum chain_program program, int argc,
                                       char const *const *argv)
{
    set_defaults(options, program);
    /* getopt_long leaves the words alone: "+" forbids it to sort them. */
    size_t const taken = scan(options, program, argc, (char *const *)(uintptr_t)argv);
    check(options, program);
    if (!argv[taken]) die_usage(program);
    return argv + taken;
}
