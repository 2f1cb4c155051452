/* ISC license. */

/*
 * The TCP client where s6-networking's is not installed: names as the system
 * resolves them, IPv6 and IPv4, every address tried. prog gets the connection and
 * the variables that UCSPI clients set.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "front/front.h"

#define READ_FD 6
#define WRITE_FD 7
#define ABOVE 8               /* both */
#define CONNECTING_S 60       /* 2 + 58, the default of tcpclient's -T */
#define MAX_SECONDS 1000000000 /* so that no sum overflows */

struct client {
    unsigned int verbosity, only_v4, only_v6, nodelay, no_names, timeout, local_port, ignored;
    char const *limits, *local_name, *local_ip;
    char const *host, *port_text;
    uint16_t port;
    int64_t deadline; /* of all */
};

#define FIELD(name) offsetof(struct client, name)

/* s6-tcpclient's letters, which the front end has checked. */
static struct option_row const rows[] = {
    { 'q', "quiet", 1, OPTION_FLAG, FIELD(verbosity), 0, NULL, "" },
    { 'Q', "usual", 1, OPTION_FLAG, FIELD(verbosity), 1, NULL, "" },
    { 'v', "verbose", 1, OPTION_FLAG, FIELD(verbosity), 2, NULL, "" },
    { '4', "ipv4", 1, OPTION_FLAG, FIELD(only_v4), 1, NULL, "" },
    { '6', "ipv6", 1, OPTION_FLAG, FIELD(only_v6), 1, NULL, "" },
    { 'd', "delay", 1, OPTION_FLAG, FIELD(nodelay), 0, NULL, "" },
    { 'D', "no-delay", 1, OPTION_FLAG, FIELD(nodelay), 1, NULL, "" },
    { 'H', "no-lookups", 1, OPTION_FLAG, FIELD(no_names), 1, NULL, "" },
    { 't', "timeout", 1, OPTION_NUMBER, FIELD(timeout), 0, "s", "" },
    { 'T', "connect-timeout", 1, OPTION_TEXT, FIELD(limits), 0, "x+y", "" },
    { 'l', "local-name", 1, OPTION_TEXT, FIELD(local_name), 0, "name", "" },
    { 'i', "local-ip", 1, OPTION_TEXT, FIELD(local_ip), 0, "ip", "" },
    { 'p', "local-port", 1, OPTION_NUMBER, FIELD(local_port), 0, "port", "" },
    /* What is so anyway. */
    { 'R', "no-ident", 1, OPTION_FLAG, FIELD(ignored), 1, NULL, "" },
    { 'h', "hosts", 1, OPTION_FLAG, FIELD(ignored), 1, NULL, "" },
    { 'n', "qualify", 1, OPTION_FLAG, FIELD(ignored), 1, NULL, "" },
};

static int64_t after_seconds(unsigned int seconds)
{
    return process_now_ms() + (int64_t)(seconds > MAX_SECONDS ? MAX_SECONDS : seconds) * 1000;
}

/* x+y or x. */
static unsigned int connecting_seconds(char const *limits)
{
    unsigned int first, again = 0;
    if (!limits) return CONNECTING_S;
    size_t const len = uint_scan(limits, &first);
    int const is_sum = len && limits[len] == '+' && uint0_scan(limits + len + 1, &again);
    if (!is_sum && (!len || limits[len]))
        strerr_dief(EXIT_USAGE, "--connect-timeout is x+y or x, in seconds, not ", limits);
    if (first > MAX_SECONDS || again > MAX_SECONDS) return MAX_SECONDS;
    return first + again;
}

static void take_options(struct client *client, char const *const *words, size_t count)
{
    static struct option_table const table = {
        .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1, .operands = "host port prog..." };
    program_scan_options(&table, client, (int)count, words);
    if (client->local_port > UINT16_MAX) strerr_dief(EXIT_USAGE, "--local-port is at most 65535");
    if (*client->host == '-') strerr_dief(EXIT_USAGE, "not a host: ", client->host);
}

/* ---- where to ---- */

/* A number, or the name of a service. */
static void find_port(struct client *client)
{
    char const *const arguments[] = { "ktls-resolve", "--port", client->port_text, NULL };
    struct dial_lookup const lookup = front_lookup(client->port_text, client->deadline);
    char answer[DIAL_MAX_ANSWER + 1];
    int const is_number = !client->port_text[strspn(client->port_text, "0123456789")];
    if (is_number || client->port_text[0] == '-') {
        if (uint160_scan(client->port_text, &client->port) && client->port) return;
        strerr_dief(EXIT_USAGE, "a port is 1 to 65535 or the name of a service, not ", client->port_text);
    }
    int const asked = dial_ask_resolver(answer, arguments, &lookup);
    answer[strcspn(answer, "\n")] = 0;
    if (!asked || !uint160_scan(answer, &client->port))
        strerr_dief(EXIT_SYSTEM, "port ", client->port_text, ": ", answer);
}

static int is_wanted(struct client const *client, struct dial_address const *to)
{
    if (client->only_v4 == client->only_v6) return 1;
    return to->address.any.sa_family == (client->only_v4 ? AF_INET : AF_INET6);
}

static void drop_unwanted(struct client const *client, struct dial *dial)
{
    size_t kept = 0;
    for (size_t i = 0; i < dial->count; i++)
        if (is_wanted(client, &dial->to[i])) dial->to[kept++] = dial->to[i];
    if (!kept) strerr_dief(EXIT_SYSTEM, client->host, " has no address of ", client->only_v4 ? "IPv4" : "IPv6");
    dial->count = kept;
}

static void find_host(struct client const *client, struct dial *dial)
{
    struct dial_lookup lookup = front_lookup(client->host, client->deadline);
    char why[DIAL_MAX_ANSWER + 1];
    lookup.port = client->port;
    if (!dial_add(dial, client->host, client->port) && !dial_look_up(dial, &lookup, why))
        strerr_dief(EXIT_SYSTEM, client->host, ": ", why);
    drop_unwanted(client, dial);
    dial_take_turns(dial);
}

/* ---- where from ---- */

static void choose_local(struct client *client, struct dial *dial)
{
    uint16_t const port = (uint16_t)client->local_port;
    struct dial local = { .count = 0 };
    char const *const any[] = { "0.0.0.0", "::" };
    if (!client->local_ip && !port) return;
    if (client->local_ip && !dial_add(&local, client->local_ip, port))
        strerr_dief(EXIT_USAGE, "--local-ip is not an IP address: ", client->local_ip);
    for (size_t i = 0; !client->local_ip && i < sizeof any / sizeof *any; i++) dial_add(&local, any[i], port);
    memcpy(dial->from, local.to, local.count * sizeof *local.to);
    if (!client->local_ip) return;
    /* Addresses of the other family cannot be reached from there. */
    client->only_v4 = local.to[0].address.any.sa_family == AF_INET;
    client->only_v6 = !client->only_v4;
}

/* ---- what prog gets ---- */

static void place(int fd)
{
    int const high = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);
    if (high < 0 || ndelay_off(high) < 0) strerr_diefsys(EXIT_SYSTEM, "descriptor of the connection");
    close(fd);
    if (dup2(high, READ_FD) < 0 || dup2(high, WRITE_FD) < 0) strerr_diefsys(EXIT_SYSTEM, "dup2");
    close(high);
}

typedef int name_of_end(int fd, struct sockaddr *address, socklen_t *len);

static void say_end(stralloc *changes, name_of_end *name, char const *ip_variable, char const *port_variable)
{
    union address end;
    socklen_t len = sizeof end;
    char ip[INET6_ADDRSTRLEN];
    memset(&end, 0, sizeof end);
    if (name(READ_FD, &end.any, &len) < 0) strerr_diefsys(EXIT_SYSTEM, "address of the connection");
    int const is_v6 = end.any.sa_family == AF_INET6;
    inet_ntop(end.any.sa_family, is_v6 ? (void *)&end.v6.sin6_addr : (void *)&end.v4.sin_addr, ip, sizeof ip);
    program_change(changes, ip_variable, ip);
    program_change_number(changes, port_variable, ntohs(is_v6 ? end.v6.sin6_port : end.v4.sin_port));
}

/* No name is looked up by an address: whoever owns the address may have chosen it. */
static void say_connection(stralloc *changes, struct client const *client)
{
    struct dial ignored = { .count = 0 };
    int const has_name = !client->no_names && !dial_add(&ignored, client->host, 0);
    program_change(changes, "PROTO", "TCP");
    say_end(changes, &getpeername, "TCPREMOTEIP", "TCPREMOTEPORT");
    say_end(changes, &getsockname, "TCPLOCALIP", "TCPLOCALPORT");
    program_change(changes, "TCPREMOTEHOST", has_name ? client->host : "");
    program_change(changes, "TCPLOCALHOST", client->local_name ? client->local_name : "");
    program_change(changes, "TCPREMOTEINFO", "");
}

static void tell(struct client const *client, int fd)
{
    char address[ADDRESS_MAX];
    if (client->verbosity < 2) return;
    address_of_peer(address, fd);
    strerr_warn(PROG, ": info: connected to ", address);
}

static int connect_within(struct client const *client, struct dial const *dial)
{
    int64_t const limit = after_seconds(connecting_seconds(client->limits));
    int const fd = dial_connect(dial, limit < client->deadline ? limit : client->deadline);
    if (fd < 0) strerr_diefsys(EXIT_SYSTEM, "connecting to ", client->host, ", port ", client->port_text);
    return fd;
}

void front_connect(stralloc *changes, char const *const *words, size_t count, char const *host, char const *port)
{
    int const on = 1;
    struct client client = { .verbosity = 1, .host = host, .port_text = port };
    struct dial dial = { .count = 0 };

    take_options(&client, words, count);
    connecting_seconds(client.limits);
    client.deadline = after_seconds(client.timeout ? client.timeout : MAX_SECONDS);
    if (!process_fill_standard_descriptors()) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
    choose_local(&client, &dial);
    find_port(&client);
    find_host(&client, &dial);
    int const fd = connect_within(&client, &dial);
    if (client.nodelay && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        strerr_diefsys(EXIT_SYSTEM, "TCP_NODELAY");
    tell(&client, fd);
    place(fd);
    say_connection(changes, &client);
}
