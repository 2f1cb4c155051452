/* ISC license. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/config.h>
#include <skalibs/strerr.h>

#include "front/front.h"

int front_is_in_path(char const *program)
{
    char const *folders = getenv("PATH");
    if (!folders) folders = SKALIBS_DEFAULTPATH;
    for (;;) {
        size_t const len = strcspn(folders, ":");
        char path[PATH_MAX];
        /* Where exec does not look, either: an entry without a name. */
        int const needed = len ? snprintf(path, sizeof path, "%.*s/%s", (int)len, folders, program) : 0;
        if (needed > 0 && (size_t)needed < sizeof path && !access(path, X_OK)) return 1;
        if (!folders[len]) return 0;
        folders += len + 1;
    }
}

static char const *find_access(char const *program)
{
    static char const name[] = "s6-tcpserver-access";
    char const *const slash = strrchr(program, '/');
    char *path;
    if (!slash) return name;
    if (asprintf(&path, "%.*s/%s", (int)(slash - program), program, name) < 0)
        strerr_diefsys(EXIT_SYSTEM, "memory");
    return path;
}

static void take(struct front_superserver *server, enum front_family family, char const *program)
{
    *server = (struct front_superserver){ family, program, find_access(program) };
}

static void take_path(struct front_superserver *server, char const *path)
{
    char const *const slash = strrchr(path, '/');
    take(server, slash && !strncmp(slash + 1, "s6-", 3) ? FRONT_S6 : FRONT_UCSPI, path);
}

static int is_own(char const *wanted, int is_client)
{
    return is_client && (!strcmp(wanted, "own") || !strcmp(wanted, "ucspi"));
}

void front_choose(struct front_superserver *server, char const *const *names, char const *wanted, int is_client)
{
    if (!wanted) wanted = KTLS_TCPSERVER; /* configure's choice */
    if (!strcmp(wanted, "auto")) wanted = front_is_in_path(names[FRONT_S6]) ? "s6" : "ucspi";
    if (!strcmp(wanted, "s6")) take(server, FRONT_S6, names[FRONT_S6]);
    else if (is_own(wanted, is_client)) *server = (struct front_superserver){ .family = FRONT_OWN, .program = PROG };
    else if (!strcmp(wanted, "ucspi")) take(server, FRONT_UCSPI, names[FRONT_UCSPI]);
    else if (strchr(wanted, '/')) take_path(server, wanted);
    else strerr_dief(EXIT_USAGE, "--", names[FRONT_UCSPI], " is auto, s6, ", is_client ? "own" : "ucspi",
                     " or a path, not ", wanted);
}
