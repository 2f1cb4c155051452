/* ISC license. */

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "process/process.h"
#include "program/program.h"
#include "service/broker.h"

static void keep_only_ours(struct broker_options const *options)
{
    int kept[8 + ACTIVATION_MAX] = { 0, 1, 2, options->inherited, options->listener, options->heirs,
                                     options->workers.key_dir, options->workers.empty_root };
    struct activation const *activation = &options->activation;
    memcpy(kept + 8, activation->fd, activation->count * sizeof *activation->fd);
    process_close_others(kept, 8 + activation->count, 0);
}

/* Signals stay blocked, as they are in the first process: signals to a process
   group, from a terminal or to all are meant for prog. What a worker that is killed
   leaves behind is ours to reap, and no orphan of prog's. */
static void leave_first_process(pid_t parent)
{
    signal(SIGCHLD, SIG_IGN); /* workers and masters are not waited for */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1UL) < 0) strerr_diefsys(EXIT_SYSTEM, "PR_SET_CHILD_SUBREAPER");
    if (setsid() < 0) strerr_diefsys(EXIT_SYSTEM, "setsid");
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL) < 0) strerr_diefsys(EXIT_SYSTEM, "PR_SET_PDEATHSIG");
    prctl(PR_SET_NAME, "ktls-service");
    if (getppid() != parent) _exit(0);
}

static void silence(int fd)
{
    if (!process_silence(fd)) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
}

/* The standard descriptors become /dev/null: a reader of prog's output sees its end when
   prog ends, even if the service goes on. */
void service_run(struct broker_options const *options, pid_t parent, int report)
{
    static struct broker broker;
    char const ready = SERVICE_READY;
    if (dup2(report, 2) < 0) _exit(EXIT_SYSTEM);
    leave_first_process(parent);
    silence(0);
    silence(1);
    keep_only_ours(options);
    broker_start(&broker, options);
    if (write(2, &ready, 1) != 1) _exit(EXIT_SYSTEM);
    silence(2);
    for (;;) broker_turn(&broker, -1);
}

void service_rehearse(struct broker_options const *options, pid_t parent)
{
    static struct broker broker;
    leave_first_process(parent);
    keep_only_ours(options);
    broker_start(&broker, options);
    broker_stop(&broker);
    _exit(0);
}
