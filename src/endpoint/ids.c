/* ISC license. */

#include <stdlib.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"

/* As with s6-networking: 0 and what is not set change nothing. */
static unsigned int read_id(char const *variable)
{
    uint32_t id = 0;
    char const *value = getenv(variable);
    if (value && (!uint320_scan(value, &id) || id == UINT32_MAX))
        strerr_dief(EXIT_USAGE, variable, " is not a number of a user or group: ", value);
    return id;
}

void chain_read_ids(uid_t *uid, gid_t *gid)
{
    int const is_root = geteuid() == 0;
    *uid = is_root ? read_id("TLS_UID") : 0;
    *gid = is_root ? read_id("TLS_GID") : 0;
}
