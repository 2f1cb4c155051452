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

/* Only the soft limit: prog is to have its own again. */
static int set_core_limit(rlim_t soft, rlim_t *before)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0) return 0;
    if (before) *before = limit.rlim_cur;
    limit.rlim_cur = soft;
    return setrlimit(RLIMIT_CORE, &limit) == 0;
}

int process_harden(struct process_hardening *before)
{
    if (!set_core_limit(0, &before->core_limit)) return 0;
    before->sigpipe = signal(SIGPIPE, SIG_IGN);
    return before->sigpipe != SIG_ERR && process_forbid_tracing();
}

int process_unharden(struct process_hardening const *before)
{
    return set_core_limit(before->core_limit, NULL) && signal(SIGPIPE, before->sigpipe) != SIG_ERR;
}
