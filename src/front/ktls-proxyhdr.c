/* ISC license. */

/*
 * Takes a PROXY header off the connection, and not a byte more, before
 * whatever comes next reads from it.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"
#include "front/network.h"
#include "front/proxy_header.h"

#define DEFAULT_TIMEOUT_MS 30000

struct fields {
    unsigned int timeout, verbosity, direct;
    struct option_texts trust;
};

static struct option_row const rows[] = {
    { 'K', "timeout", 1, OPTION_NUMBER, offsetof(struct fields, timeout), 0, "ms",
      "for the whole header, 0: none (default 30000)" },
    { 'v', "verbosity", 1, OPTION_NUMBER, offsetof(struct fields, verbosity), 0, "verbosity",
      "0, 1 (default), 2" },
    { 0, "trust", 1, OPTION_TEXTS, offsetof(struct fields, trust), 0, "address/bits",
      "only proxies there may send a header; may be given again" },
    { 0, "direct", 1, OPTION_FLAG, offsetof(struct fields, direct), 1, NULL,
      "connections from elsewhere have no header, and are passed on" },
};

static struct option_table const table = { .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1 };

/* The peer has gone, or is silent: with nothing sent it may be a health check. */
static _Noreturn void die_gone(unsigned int verbosity, size_t len, char const *why)
{
    if (len || verbosity >= 2) strerr_warn(PROG, ": fatal: ", program_peer(), "PROXY header: ", why);
    _exit(EXIT_TLS);
}

static _Noreturn void die_read(unsigned int verbosity, size_t len)
{
    if (errno == ETIMEDOUT || errno == ECONNRESET) die_gone(verbosity, len, strerror(errno));
    strerr_diefsys(EXIT_SYSTEM, "reading the PROXY header");
}

static _Noreturn void die_end(unsigned int verbosity, size_t len)
{
    die_gone(verbosity, len, len ? "the connection ended within it" : "the connection ended before it");
}

/* Gives its length. */
static size_t read_header(unsigned char *data, struct fields const *fields)
{
    struct tls_fd_transport fds = { .fdr = 0, .fdw = 1, .deadline = tls_deadline_after(fields->timeout) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    size_t len = 0;
    for (size_t wanted; (wanted = proxy_header_wants(data, len)) != 0;) {
        ssize_t const r = transport.read(transport.ctx, data + len, wanted);
        if (r < 0) die_read(fields->verbosity, len);
        if (!r) die_end(fields->verbosity, len);
        len += (size_t)r;
    }
    return len;
}

static void change_endpoint(stralloc *changes, char const *ip, char const *port,
                            struct proxy_endpoint const *endpoint)
{
    char number[UINT16_FMT];
    number[uint16_fmt(number, endpoint->port)] = 0;
    program_change(changes, ip, endpoint->ip);
    program_change(changes, port, number);
}

/* Names that were found by the addresses of the proxy's connection are wrong now. */
static void write_environment(stralloc *changes, struct proxy_header const *header)
{
    if (!header->relayed) return;
    program_change(changes, "PROTO", "TCP");
    change_endpoint(changes, "TCPREMOTEIP", "TCPREMOTEPORT", &header->remote);
    change_endpoint(changes, "TCPLOCALIP", "TCPLOCALPORT", &header->local);
    program_change(changes, "TCPREMOTEHOST", "");
    program_change(changes, "TCPREMOTEINFO", "");
    program_change(changes, "TCPLOCALHOST", "");
}

static int is_trusted(struct option_texts const *trust)
{
    struct ip_address peer;
    struct network network;
    int found = 0;
    int const known = ip_address_of_peer(&peer, 0);
    for (size_t i = 0; i < trust->count; i++) {
        if (!network_scan(&network, trust->text[i]))
            strerr_dief(EXIT_USAGE, "--trust: not address/bits: ", trust->text[i]);
        found |= known && network_contains(&network, &peer);
    }
    return found || !trust->count;
}

/* 1: a header comes first. */
static int expects_header(struct fields const *fields)
{
    if (fields->direct && !fields->trust.count) strerr_dief(EXIT_USAGE, "--direct needs --trust");
    if (is_trusted(&fields->trust)) return 1;
    if (!fields->direct) strerr_dief(EXIT_TLS, program_peer(), "the connection does not come from a trusted proxy");
    return 0;
}

static void take_header(stralloc *changes, struct fields const *fields)
{
    static unsigned char data[PROXY_HEADER_MAX];
    struct proxy_header header;
    size_t const len = read_header(data, fields);
    char const *const refused = proxy_header_parse(&header, data, len);
    if (refused) strerr_dief(EXIT_TLS, program_peer(), "invalid PROXY header: ", refused);
    if (fields->verbosity >= 2)
        strerr_warn(PROG, ": info: the client is ", header.relayed ? header.remote.ip : "the proxy itself");
    write_environment(changes, &header);
}

int main(int argc, char const *const *argv)
{
    struct fields fields = { .timeout = DEFAULT_TIMEOUT_MS, .verbosity = 1 };
    stralloc changes = STRALLOC_ZERO;

    PROG = "ktls-proxyhdr";
    char const *const *prog = program_scan_options(&table, &fields, argc, argv);
    if (!*prog) program_die_usage(&table);
    program_check_descriptors(0, 1);
    program_name_peer(0);
    if (expects_header(&fields)) take_header(&changes, &fields);
    program_exec(prog, &changes);
}
