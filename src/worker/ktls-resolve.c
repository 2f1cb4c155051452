/* ISC license. */

/*
 * ktls-resolve name: its addresses, one in each line, as getaddrinfo(3) has
 * them; or why there are none. ktls-resolve --port name: the port of a service.
 *
 * A program of its own because the C library may load modules for this, which
 * a static program cannot do.
 */

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "program/program.h"

static void print(struct addrinfo const *info)
{
    char text[NI_MAXHOST];
    int const error =
        getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    if (!error && !strchr(text, '%')) puts(text); /* the zone of an address is valid on this machine alone */
}

static void print_all(struct addrinfo const *info)
{
    for (; info; info = info->ai_next) print(info);
}

struct fields {
    unsigned int port;
};

static struct option_row const rows[] = {
    { 'p', "port", 1, OPTION_FLAG, offsetof(struct fields, port), 1, NULL, "name is that of a service over TCP" },
};

static struct option_table const table = {
    .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1, .operands = "name" };

static int resolve(struct addrinfo **found, char const *name, int is_port)
{
    struct addrinfo const hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    return getaddrinfo(is_port ? NULL : name, is_port ? name : NULL, &hints, found);
}

static void print_port(struct addrinfo const *info)
{
    struct sockaddr_in address; /* where the port is in those of IPv6, too */
    memcpy(&address, info->ai_addr, sizeof address);
    printf("%u\n", ntohs(address.sin_port));
}

int main(int argc, char const *const *argv)
{
    struct fields fields = { .port = 0 };
    struct addrinfo *found;
    PROG = "ktls-resolve";
    argv = program_scan_options(&table, &fields, argc, argv);
    if (!argv[0] || argv[1]) program_die_usage(&table);
    int const error = resolve(&found, argv[0], (int)fields.port);
    if (error) {
        puts(error == EAI_SERVICE ? "no such service" : gai_strerror(error));
        return fflush(stdout) ? EXIT_SYSTEM : 1;
    }
    if (fields.port) print_port(found);
    else print_all(found);
    freeaddrinfo(found);
    return fflush(stdout) ? EXIT_SYSTEM : 0;
}
