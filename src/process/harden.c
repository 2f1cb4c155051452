/* ISC license. */

#include <signal.h>
#include <sys/prctl.h>

#include "process/process.h"

int process_forbid_core(void)
{
    struct rlimit const none = { 0, 0 };
    return setrlimit(RLIMIT_CORE, &none) == 0;
}

int process_forbid_tracing(void)
{
    return prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0;
}

/* Changes only the soft limit, so that it can be restored for prog. */
static int set_soft_core_limit(struct rlimit const *limit, rlim_t soft)
{
    struct rlimit const changed = { soft, limit->rlim_max };
    return limit->rlim_cur == 0 || setrlimit(RLIMIT_CORE, &changed) == 0;
}

int process_harden(struct process_hardening *before)
{
    if (getrlimit(RLIMIT_CORE, &before->core_limit) < 0 || !set_soft_core_limit(&before->core_limit, 0)) return 0;
    before->sigpipe = signal(SIGPIPE, SIG_IGN);
    return before->sigpipe != SIG_ERR && process_forbid_tracing();
}

int process_unharden(struct process_hardening const *before)
{
    return set_soft_core_limit(&before->core_limit, before->core_limit.rlim_cur)
           && signal(SIGPIPE, before->sigpipe) != SIG_ERR;
}
