/* ISC license. */

/* The jail of the workers: as much of it as this system allows. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/init.h"
#include "worker/order.h"
#include "jail/jail.h"

#define MEMORY (64u << 20)
#define DESCRIPTORS 1024 /* more than a worker has at a time: the lowest free number is always taken */

void protection_describe(struct jail *jail, struct master_options const *options)
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

static void add(char *text, size_t size, enum jail_wall wall, int error)
{
    size_t const len = strlen(text);
    snprintf(text + len, size - len, "%s%s: %s", len ? "; " : "", jail_wall_name(wall), strerror(error));
}

static void tell(unsigned int missing, int const error[JAIL_WALLS])
{
    char text[400] = "";
    for (enum jail_wall wall = 0; wall < JAIL_WALLS; wall++)
        if (missing & 1u << wall) add(text, sizeof text, wall, error[wall]);
    if (*text) init_say(INIT_INFO, "handshakes are protected by less: %s", text);
}

static void forget_empty_root(struct master_options *options)
{
    if (options->empty_root >= 0) close(options->empty_root);
    options->empty_root = -1;
}

/* Whoever is not root has neither of root's parts, which is nothing to tell. */
void protection_survey(struct master_options *options)
{
    struct jail jail;
    int error[JAIL_WALLS];
    options->without = geteuid() || options->is_root ? 0 : 1u << JAIL_ACCOUNT;
    options->empty_root = geteuid() ? -1 : jail_open_empty_root();
    protection_describe(&jail, options);
    jail.without = 0;
    unsigned int const missing = jail_survey(&jail, error);
    options->without |= missing;
    if (missing & 1u << JAIL_ROOT) forget_empty_root(options);
    tell(missing, error);
}
