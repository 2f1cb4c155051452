/* ISC license. */

/*
 * Connects the client on descriptors 0 and 1 to a program that listens: the end
 * of a command line for servers that do not run one process per connection.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "front/backend.h"
#include "front/copy.h"
#include "front/network.h"
#include "front/proxy_header.h"
#include "process/process.h"
#include "program/program.h"
#include "relay/relay.h"

#define DEFAULT_TIMEOUT_MS 10000

struct fields {
    unsigned int timeout, idle, verbosity, proxy_version;
};

static struct option_row const rows[] = {
    { 'P', "proxy-header", 1, OPTION_NUMBER, offsetof(struct fields, proxy_version), 0, "1|2",
      "send a PROXY header of this version first" },
    { 't', "connect-timeout", 1, OPTION_NUMBER, offsetof(struct fields, timeout), 0, "ms",
      "to be connected, 0: none (default 10000)" },
    { 'K', "idle-timeout", 1, OPTION_NUMBER, offsetof(struct fields, idle), 0, "ms",
      "end a connection without data for so long" },
    { 'v', "verbosity", 1, OPTION_NUMBER, offsetof(struct fields, verbosity), 0, "verbosity",
      "0, 1 (default), 2" },
};

static struct option_table const table = {
    .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1, .operands = "host:port|unix:/path"
};

static void find_endpoint(struct proxy_endpoint *endpoint, int *known, char const *ip, char const *port)
{
    struct ip_address address;
    char const *const text = getenv(ip), *const number = getenv(port);
    if (!text || !number || !ip_address_scan(&address, text) || !uint160_scan(number, &endpoint->port)) *known = 0;
    else strcpy(endpoint->ip, text);
}

static void send_header(int backend, unsigned int version)
{
    unsigned char bytes[PROXY_HEADER_MAX];
    struct proxy_header header;
    struct proxy_session const session = {
        .alpn = getenv("SSL_ALPN"),
        .server_name = getenv("SSL_TLS_SNI_SERVERNAME"),
        .protocol = getenv("SSL_PROTOCOL"),
        .cipher = getenv("SSL_CIPHER"),
        .client_verified = getenv("SSL_PEER_CERT_HASH") != NULL,
    };
    int known = 1;
    find_endpoint(&header.remote, &known, "TCPREMOTEIP", "TCPREMOTEPORT");
    find_endpoint(&header.local, &known, "TCPLOCALIP", "TCPLOCALPORT");
    header.relayed = (unsigned char)known;
    size_t const len = version == 1 ? proxy_header_write_text(&header, bytes)
                                    : proxy_header_write_binary(&header, &session, bytes);
    if (allwrite(backend, (char const *)bytes, len) < len) strerr_diefsys(EXIT_SYSTEM, "writing the PROXY header");
}

/* The records of a kernel TLS socket that are no data are the relay's business. */
static int relay_to(int backend, struct relay_keys *keys, struct fields const *fields)
{
    struct relay_report report = { 0 };
    int const copy = fcntl(backend, F_DUPFD_CLOEXEC, 0);
    if (copy < 0 || ndelay_on(backend) < 0) strerr_diefsys(EXIT_SYSTEM, "dup");
    struct relay_config const config = {
        .net_read = 0, .net_write = 1, .to_prog = backend, .from_prog = copy, .idle_ms = fields->idle
    };
    relay_start(&config, keys, &report);
    relay_run();
    if (*report.text && (fields->verbosity >= 2 || (report.code && !report.minor && fields->verbosity)))
        strerr_warn(PROG, report.code ? ": fatal: " : ": info: ", program_peer(), report.text);
    return report.code;
}

static int copy_to(int backend, struct fields const *fields)
{
    struct copy_ends const ends = { 0, 1, backend, fields->idle };
    switch (copy_both_ways(&ends)) {
    case COPY_DONE: return 0;
    case COPY_IDLE: strerr_dief(EXIT_TLS, program_peer(), "no data for the idle timeout");
    default: strerr_diefsys(EXIT_TLS, program_peer(), "copying");
    }
}

int main(int argc, char const *const *argv)
{
    struct fields fields = { .timeout = DEFAULT_TIMEOUT_MS, .verbosity = 1 };
    struct relay_keys keys;

    PROG = "ktls-pipe";
    argv = program_scan_options(&table, &fields, argc, argv);
    if (!argv[0] || argv[1] || fields.proxy_version > 2) program_die_usage(&table);
    program_check_descriptors(0, 1);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) strerr_diefsys(EXIT_SYSTEM, "SIGPIPE");
    program_name_peer(0);
    int const backend = backend_connect(argv[0], fields.timeout);
    if (fields.proxy_version) send_header(backend, fields.proxy_version);
    return relay_find_keys(&keys, 0) ? relay_to(backend, &keys, &fields) : copy_to(backend, &fields);
}
