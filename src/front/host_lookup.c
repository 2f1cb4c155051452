/* ISC license. */

#include "front/front.h"
#include "process/capabilities.h"

struct ids {
    uid_t uid; /* 0: not to be changed */
    gid_t gid;
};

/* The resolver reads what comes from the network: not as root where there is another user. */
static int drop_rights(void const *ctx)
{
    struct ids const *ids = ctx;
    if (!ids->uid && !ids->gid) return 1;
    return process_become(ids->uid, ids->gid) && (!ids->uid || capabilities_drop());
}

struct dial_lookup front_lookup(char const *name, int64_t deadline)
{
    static struct ids ids;
    struct program_error error;
    if (!program_read_ids(&ids.uid, &ids.gid, &error)) program_die(&error);
    return (struct dial_lookup){ .name = name, .deadline = deadline, .drop_rights = &drop_rights, .ctx = &ids };
}
