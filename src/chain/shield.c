/* ISC license. */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "chain/chain.h"

static void set_core_limit(rlim_t soft)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0) return;
    limit.rlim_cur = soft;
    setrlimit(RLIMIT_CORE, &limit);
}

void chain_raise_shield(struct chain_shield *shield)
{
    struct rlimit limit = { .rlim_cur = 0 };
    getrlimit(RLIMIT_CORE, &limit);
    shield->core_limit = limit.rlim_cur;
    set_core_limit(0);
    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); /* until exec */
    shield->sigpipe = signal(SIGPIPE, SIG_IGN);
}

void chain_lower_shield(struct chain_shield const *shield)
{
    set_core_limit(shield->core_limit);
    if (shield->sigpipe != SIG_ERR) signal(SIGPIPE, shield->sigpipe);
}
