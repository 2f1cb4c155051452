/* ISC license. */

/*
 * ktls-resolve name: its addresses, one in each line, as getaddrinfo(3) has
 * them; or why there are none.
 *
 * A program of its own because the C library may load modules for this, which
 * a static program cannot do.
 */

#include <arpa/inet.h>
#include <netdb.h>
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

static struct option_table const table = { .operands = "name" };

int main(int argc, char const *const *argv)
{
    struct addrinfo const hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    PROG = "ktls-resolve";
    argv = program_scan_options(&table, NULL, argc, argv);
    if (!argv[0] || argv[1]) program_die_usage(&table);
    int const error = getaddrinfo(argv[0], NULL, &hints, &found);
    if (error) {
        puts(gai_strerror(error));
        return fflush(stdout) ? EXIT_SYSTEM : 1;
    }
    for (struct addrinfo const *info = found; info; info = info->ai_next) print(info);
    freeaddrinfo(found);
    return fflush(stdout) ? EXIT_SYSTEM : 0;
}
