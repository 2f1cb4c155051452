/* ISC license. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

#define DEFAULT_TIMEOUT_MS 30000
#define MAX_SNI_LEVEL 2

#define SERVERS (CHAIN_TLSD | CHAIN_UCSPITLSD)
#define CLIENTS (CHAIN_TLSC | CHAIN_UCSPITLSC)
#define UCSPITLS (CHAIN_UCSPITLSD | CHAIN_UCSPITLSC)
#define TLS_PROGRAMS (SERVERS | CLIENTS)
#define FIELD(name) offsetof(struct chain_options, name)

struct option_row const chain_option_rows[] = {
    { 'm', "mode", TLS_PROGRAMS, OPTION_TEXT, FIELD(mode_name), 0, "mode", "auto, kernel, relay, user or eof" },
    { 't', "tls", TLS_PROGRAMS, OPTION_TEXT, FIELD(version_name), 0, "version", "1.2 or 1.3: allow this version only" },
    { 'c', "ciphers", TLS_PROGRAMS, OPTION_TEXT, FIELD(settings.ciphers), 0, "suites",
      "only these suites, in this order" },
    { 'a', "alpn", TLS_PROGRAMS, OPTION_TEXT, FIELD(settings.alpn), 0, "protocols",
      "application protocols, in this order" },
    { 's', "no-close-notify", TLS_PROGRAMS, OPTION_FLAG, FIELD(farewell), RELAY_FAREWELL_NEVER, NULL,
      "send close_notify only as an answer to the peer's" },
    { 'S', "close-notify", TLS_PROGRAMS, OPTION_FLAG, FIELD(farewell), RELAY_FAREWELL_ALWAYS, NULL,
      "send close_notify at the end of prog's output (default: when it cannot cost a reply)" },
    { 'j', "no-enforce-close-notify", TLS_PROGRAMS, OPTION_FLAG, FIELD(enforce_close_notify), 0, NULL,
      "accept FIN without close_notify (default)" },
    { 'J', "enforce-close-notify", TLS_PROGRAMS, OPTION_FLAG, FIELD(enforce_close_notify), 1, NULL,
      "treat FIN without close_notify as an error" },
    { 'Y', "client-cert", SERVERS, OPTION_FLAG, FIELD(settings.client_auth), TLS_REQUEST_CLIENT_CERT, NULL,
      "request a client certificate" },
    { 'y',
      "mandatory-client-cert", SERVERS, OPTION_FLAG, FIELD(settings.client_auth), TLS_REQUIRE_CLIENT_CERT, NULL,
      "require a client certificate" },
    { 'Y', "no-client-cert", CLIENTS, OPTION_FLAG, FIELD(settings.client_cert), 0, NULL,
      "present no client certificate (default)" },
    { 'y', "client-cert", CLIENTS, OPTION_FLAG, FIELD(settings.client_cert), 1, NULL,
      "present a client certificate" },
    { 'k', "sni-level", SERVERS, OPTION_NUMBER, FIELD(settings.sni_level), 0, "snilevel",
      "certificates by server name: 0 no (default), 1 yes, 2 required" },
    { 0, "sni", SERVERS, OPTION_FLAG, FIELD(settings.sni_level), 1, NULL, "--sni-level 1" },
    { 0, "mandatory-sni", SERVERS, OPTION_FLAG, FIELD(settings.sni_level), 2, NULL, "--sni-level 2" },
    { 'k', "servername", CLIENTS, OPTION_TEXT, FIELD(settings.servername), 0, "servername",
      "name to send and to verify" },
    { 0, "verify-cert", CLIENTS, OPTION_FLAG, FIELD(settings.no_verify_cert), 0, NULL,
      "verify the server (default)" },
    { 0, "no-verify-cert", CLIENTS, OPTION_FLAG, FIELD(settings.no_verify_cert), 1, NULL, "accept any server" },
    { 'K', "handshake-timeout", TLS_PROGRAMS, OPTION_NUMBER, FIELD(handshake_timeout), 0, "ms",
      "limit of the whole handshake, 0: none (default 30000)" },
    { 'z', "no-keep", TLS_PROGRAMS, OPTION_FLAG, FIELD(keep), 0, NULL,
      "remove variables with our settings from prog's environment (default)" },
    { 'Z', "keep", TLS_PROGRAMS, OPTION_FLAG, FIELD(keep), 1, NULL, "keep these variables" },
    { 'v', "verbosity", TLS_PROGRAMS, OPTION_NUMBER, FIELD(verbosity), 0, "verbosity", "0, 1 (default), 2" },
    { '6', "read-fd", CLIENTS, OPTION_NUMBER, FIELD(read_fd), 0, "fdr",
      "descriptor to read from" },
    { '7', "write-fd", CLIENTS, OPTION_NUMBER, FIELD(write_fd), 0, "fdw",
      "descriptor to write to" },
    { 0, "idle-timeout", TLS_PROGRAMS, OPTION_NUMBER, FIELD(idle_timeout), 0, "ms",
      "end a connection after this time without data, 0: never (default)" },
    { 0, "socket", CHAIN_TLSD | CHAIN_TLSC, OPTION_FLAG, FIELD(one_socket), 1, NULL,
      "connect prog to the relay by one socket, not two pipes" },
};

#define ROWS (sizeof chain_option_rows / sizeof *chain_option_rows)
_Static_assert(ROWS <= OPTION_ROWS_MAX, "too many options for the scanner");
size_t const chain_option_count = ROWS;

static enum chain_mode scan_mode(char const *source, char const *name)
{
    static char const *const names[] = { "auto", "kernel", "relay", "user", "eof" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name)) return (enum chain_mode)i;
    strerr_dief(EXIT_USAGE, source, " is auto, kernel, relay, user or eof, not ", name);
}

/* The given option that needs a relay; NULL: no such option was given. With ktls-eof --socket concerns
   only the relay that replaces it when it cannot be used. */
static char const *find_relays_option(struct chain_options const *options)
{
    if (options->farewell == RELAY_FAREWELL_ALWAYS) return "close-notify";
    if (options->enforce_close_notify) return "enforce-close-notify";
    if (options->one_socket && options->mode != MODE_EOF) return "socket";
    return options->idle_timeout ? "idle-timeout" : NULL;
}

/* Options override the default in the environment. */
static void check_mode(struct chain_options *options)
{
    char const *const default_name = getenv("KTLS_MODE");
    int const is_given = options->mode_name != NULL;
    if (default_name) options->mode = scan_mode("KTLS_MODE", default_name);
    if (is_given) options->mode = scan_mode("--mode", options->mode_name);
    char const *const relays_option = find_relays_option(options);
    if (!relays_option) return;
    if (is_given && options->mode == MODE_KERNEL)
        strerr_dief(EXIT_USAGE, "--mode kernel: --", relays_option, " needs a relay");
    if (options->mode != MODE_USER) options->mode = MODE_RELAY;
}

static void check_version(struct chain_options *options)
{
    if (!options->version_name) return;
    if (!strcmp(options->version_name, "1.2"))
        options->settings.only_version = TLS_1_2;
    else if (!strcmp(options->version_name, "1.3"))
        options->settings.only_version = TLS_1_3;
    else
        strerr_dief(EXIT_USAGE, "--tls is 1.2 or 1.3, not ", options->version_name);
}

static void check_options(struct chain_options *options, enum chain_program program)
{
    check_mode(options);
    check_version(options);
    /* Only pipes are safe with a prog that does not wait. */
    if (program & UCSPITLS && (options->mode == MODE_AUTO || options->mode == MODE_EOF)) options->mode = MODE_RELAY;
    if (program & CLIENTS && (options->read_fd < 3 || options->write_fd < 3))
        strerr_dief(EXIT_USAGE, "--read-fd and --write-fd are 3 or more");
    if (options->settings.sni_level > MAX_SNI_LEVEL) options->settings.sni_level = MAX_SNI_LEVEL; /* as s6-tlsd does */
}

char const *const *chain_parse_options(struct chain_options *options, enum chain_program program, int argc,
                                       char const *const *argv)
{
    struct option_table const table = { .rows = chain_option_rows, .count = ROWS, .program = program };
    int const is_client = (program & CLIENTS) != 0;
    *options = (struct chain_options){
        .settings.role = is_client ? KTLS_CLIENT : KTLS_SERVER,
        .verbosity = 1,
        .read_fd = is_client ? 6 : 0,
        .write_fd = is_client ? 7 : 1,
        .handshake_timeout = DEFAULT_TIMEOUT_MS,
        .is_upgrade = (program & UCSPITLS) != 0,
    };
    char const *const *prog = program_scan_options(&table, options, argc, argv);
    check_options(options, program);
    if (!*prog) program_die_usage(&table);
    return prog;
}
