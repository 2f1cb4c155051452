/* ISC license. */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <skalibs/strerr.h>

#include "chain/chain.h"

/* Gives the one before. */
static rlim_t set_core_limit(rlim_t soft)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0) strerr_diefsys(EXIT_SYSTEM, "getrlimit RLIMIT_CORE");
    rlim_t const before = limit.rlim_cur;
    limit.rlim_cur = soft;
    if (setrlimit(RLIMIT_CORE, &limit) < 0) strerr_diefsys(EXIT_SYSTEM, "setrlimit RLIMIT_CORE");
    return before;
}

typedef void handler(int);

static handler *set_sigpipe(handler *chosen)
{
    handler *const before = signal(SIGPIPE, chosen);
    if (before == SIG_ERR) strerr_diefsys(EXIT_SYSTEM, "signal SIGPIPE");
    return before;
}

void chain_raise_shield(struct chain_shield *shield)
{
    shield->core_limit = set_core_limit(0);
    shield->sigpipe = set_sigpipe(SIG_IGN);
    /* until exec */
    if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0) strerr_diefsys(EXIT_SYSTEM, "prctl PR_SET_DUMPABLE");
}

void chain_lower_shield(struct chain_shield const *shield)
{
    set_core_limit(shield->core_limit);
    set_sigpipe(shield->sigpipe);
}
