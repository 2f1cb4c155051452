/* ISC license. */

/* The jail of the workers: as much of it as this system allows. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/order.h"
#include "jail/jail.h"

#define MEMORY (64u << 20)
#define DESCRIPTORS 1024 /* a new descriptor gets the lowest free number, and a worker never has so many */

void worker_jail_describe(struct jail *jail, struct master_options const *options)
{
    *jail = (struct jail){
        .jobs = JAIL_HANDSHAKE | JAIL_RELAY,
        .greatest = DESCRIPTORS,
        .memory = MEMORY,
        .is_root = geteuid() == 0,
        .uid = options->uid,
        .gid = options->gid,
        .root = options->empty_root < 0 ? 0 : options->empty_root,
        .without = options->without,
    };
}

static void add_wall(char *text, size_t size, enum jail_wall wall, int error)
{
    size_t const len = strlen(text);
    snprintf(text + len, size - len, "%s%s: %s", len ? "; " : "", jail_wall_name(wall), strerror(error));
}

static void forget_empty_root(struct master_options *options)
{
    if (options->empty_root >= 0) close(options->empty_root);
    options->empty_root = -1;
}

/* That only root can have root's parts needs no mention. */
void worker_jail_survey(struct master_options *options, char *text, size_t size)
{
    struct jail jail;
    int error[JAIL_WALLS];
    options->without = geteuid() || options->is_root ? 0 : 1u << JAIL_ACCOUNT;
    options->empty_root = geteuid() ? -1 : jail_open_empty_root();
    worker_jail_describe(&jail, options);
    jail.without = 0;
    unsigned int const missing = jail_survey(&jail, error);
    options->without |= missing;
    if (missing & 1u << JAIL_ROOT) forget_empty_root(options);
    *text = 0;
    for (enum jail_wall wall = 0; wall < JAIL_WALLS; wall++)
        if (missing & 1u << wall) add_wall(text, size, wall, error[wall]);
}
