/* ISC license. */

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/internal.h"

/* Shared with the child. */
struct findings {
    enum jail_wall next;   /* to be tried */
    int error[JAIL_WALLS]; /* 0: it can be put up */
};

static _Noreturn void try_walls(struct jail const *jail, struct findings *findings)
{
    struct jail one = *jail;
    for (char const *what; findings->next < JAIL_WALLS; findings->next++) {
        one.without = ~(1u << findings->next);
        findings->error[findings->next] = jail_enter(&one, &what) < 0 ? errno : 0;
    }
    _exit(0);
}

/* An inherited filter may kill the child that tries a restriction: then another child
   continues with the next one. */
static void try_in_children(struct jail const *jail, struct findings *findings)
{
    for (; findings->next < JAIL_WALLS; findings->next++) {
        int status;
        pid_t const pid = fork();
        if (pid < 0) return;
        if (!pid) try_walls(jail, findings);
        while (waitpid(pid, &status, 0) < 0)
            if (errno != EINTR) return;
        if (findings->next < JAIL_WALLS) findings->error[findings->next] = ECANCELED;
    }
}

static struct findings *share_findings(void)
{
    void *const shared = mmap(NULL, sizeof(struct findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                              -1, 0);
    return shared == MAP_FAILED ? NULL : shared;
}

unsigned int jail_survey(struct jail const *jail, int error[JAIL_WALLS])
{
    struct findings *findings = share_findings();
    unsigned int missing = 0;
    for (enum jail_wall wall = 0; wall < JAIL_WALLS; wall++) error[wall] = 0;
    if (!findings) return 0;
    try_in_children(jail, findings);
    for (enum jail_wall wall = 0; wall < JAIL_WALLS; wall++) {
        error[wall] = findings->error[wall];
        if (error[wall] && wall != JAIL_DESCRIPTORS) missing |= 1u << wall;
    }
    munmap(findings, sizeof *findings);
    return missing;
}
