/* ISC license. */

/*
 * A client may have us open, bind and connect what it could itself: the kernel
 * decides, with the client's uid, gid and groups in the place of ours, and
 * without our capabilities.
 */

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "process/capabilities.h"
#include "worker/worker.h"

static struct capabilities ours;

/* Root's own requests need no change; nobody else can make one. */
static int is_ours(struct worker const *worker)
{
    return worker->order->rights.uid == getuid();
}

/* To the kernel these would mean no change. */
static int are_known(struct rights const *rights)
{
    return rights->uid != (uid_t)-1 && rights->gid != (gid_t)-1;
}

static int change(struct rights const *rights)
{
    if (setgroups(rights->group_count, rights->group) < 0 || setegid(rights->gid) < 0) return -1;
    return seteuid(rights->uid);
}

void rights_assume(struct worker const *worker)
{
    struct rights const *rights = &worker->order->rights;
    if (is_ours(worker)) return;
    if (!are_known(rights))
        worker_refuse(worker, "the request came without its sender's credentials (SO_PASSCRED)", NULL);
    errno = EPERM;
    if (geteuid() || !capabilities_save(&ours) || change(rights) < 0 || !capabilities_suspend())
        worker_refuse_system(worker, "taking on the client's rights");
}

void rights_resume(struct worker const *worker)
{
    if (is_ours(worker)) return;
    if (seteuid(getuid()) < 0 || !capabilities_restore(&ours) || setegid(getgid()) < 0 || setgroups(0, NULL) < 0)
        worker_refuse_system(worker, "giving the client's rights back");
}
