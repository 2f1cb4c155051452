/* ISC license. */

/*
 * What a client names is opened, bound and connected with the client's uid, gid and
 * groups and without our capabilities, so that the kernel decides what it may do.
 */

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "process/capabilities.h"
#include "worker/worker.h"

static struct capabilities ours;

/* Root's own requests need no change; nobody else can make one. */
static int is_own_user(struct worker const *worker)
{
    return worker->order->rights.uid == getuid();
}

/* -1 tells the kernel to change nothing. */
static int are_known_rights(struct rights const *rights)
{
    return rights->uid != (uid_t)-1 && rights->gid != (gid_t)-1;
}

static int change_rights(struct rights const *rights)
{
    if (setgroups(rights->group_count, rights->group) < 0 || setegid(rights->gid) < 0) return -1;
    return seteuid(rights->uid);
}

void rights_assume(struct worker const *worker)
{
    struct rights const *rights = &worker->order->rights;
    if (is_own_user(worker)) return;
    if (!are_known_rights(rights))
        worker_refuse(worker, "the request came without its sender's credentials (SO_PASSCRED)", NULL);
    errno = EPERM;
    if (geteuid() || !capabilities_save(&ours) || change_rights(rights) < 0 || !capabilities_suspend())
        worker_refuse_system(worker, "taking on the client's rights");
}

void rights_resume(struct worker const *worker)
{
    if (is_own_user(worker)) return;
    if (seteuid(getuid()) < 0 || !capabilities_restore(&ours) || setegid(getgid()) < 0 || setgroups(0, NULL) < 0)
        worker_refuse_system(worker, "giving the client's rights back");
}
