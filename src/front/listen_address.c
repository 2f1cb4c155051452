/* ISC license. */

/*
 * Where ucspi-tcp's tcpserver is to listen. It would ask the DNS alone for a name,
 * and Debian has it with IPv6 (ucspi-tcp-ipv6) and without.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/exec.h>
#include <skalibs/strerr.h>

#include "front/front.h"

#define LOOKUP_MS 60000
#define USAGE_MS 10000
#define MAX_USAGE 1024

static void show_usage(void const *program)
{
    char const *const argv[] = { program, NULL };
    if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) mexec_m(argv, "", 0);
}

/* One that can has a letter for it: "usage: tcpserver [ -461UX...". */
static int has_ipv6(char const *program)
{
    char usage[MAX_USAGE + 1];
    struct process_program const asked = { .fd = STDERR_FILENO, .become = &show_usage, .ctx = program };
    ssize_t const len = process_read_output(usage, MAX_USAGE, &asked, process_now_ms() + USAGE_MS);
    usage[len < 0 ? 0 : len] = 0;
    char const *const letters = strstr(usage, "[ -");
    return letters && memchr(letters, '6', strcspn(letters, "]")) != NULL;
}

/* The first address of this family, as text; NULL: the name has no such address. */
static char const *find(struct dial const *dial, sa_family_t family)
{
    static char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < dial->count; i++) {
        union address const *address = &dial->to[i].address;
        if (address->any.sa_family != family) continue;
        if (family == AF_INET) return inet_ntop(family, &address->v4.sin_addr, text, sizeof text);
        return inet_ntop(family, &address->v6.sin6_addr, text, sizeof text);
    }
    return NULL;
}

static void find_host(struct dial *dial, char const *host)
{
    struct dial_lookup const lookup = front_lookup(host, process_now_ms() + LOOKUP_MS);
    char why[DIAL_MAX_ANSWER + 1];
    if (*host == '-') strerr_dief(EXIT_USAGE, "not a host: ", host);
    if (dial_add(dial, host, 0) || dial_look_up(dial, &lookup, why)) return;
    strerr_dief(EXIT_SYSTEM, host, ": ", why);
}

char const *front_listen_address(char const *program, char const *host, int only_v4, int only_v6)
{
    struct dial dial = { .count = 0 };
    char const *v4, *v6;
    if (!strcmp(host, "0") && !only_v6) return host;
    find_host(&dial, strcmp(host, "0") ? host : "::");
    v4 = only_v6 ? NULL : find(&dial, AF_INET);
    if (v4) return v4;
    v6 = only_v4 ? NULL : find(&dial, AF_INET6);
    if (!v6) strerr_dief(EXIT_SYSTEM, host, " has no address of ", only_v4 ? "IPv4" : "IPv6");
    if (!has_ipv6(program)) strerr_dief(EXIT_USAGE, program, " has no IPv6: ", host);
    return v6;
}
