/* ISC license. */

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "init/init.h"

/* Signals that report an error of our own are not blocked: they have to end us.
   sigfillset would leave out those that libc uses for threads; with musl that is
   signal 34, which is SIGRTMIN elsewhere. */
static void all_but_mistakes(sigset_t *set)
{
    static int const mistakes[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS };
    memset(set, 0xff, sizeof *set);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) sigdelset(set, mistakes[i]);
}

/* Blocked but never read, so that the terminal does not stop us. */
static void leave_terminal_out(sigset_t *set)
{
    sigdelset(set, SIGTTIN);
    sigdelset(set, SIGTTOU);
}

void init_hold_signals(struct init_signals *signals)
{
    struct sigaction const by_default = { .sa_handler = SIG_DFL };
    sigset_t set;
    all_but_mistakes(&set);
    sigprocmask(SIG_BLOCK, &set, &signals->inherited_mask);
    /* a process that ignores it is not told of ended children */
    sigaction(SIGCHLD, &by_default, &signals->inherited_chld);
    leave_terminal_out(&set);
    signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0) strerr_diefsys(EXIT_SYSTEM, "signalfd");
}

void init_restore_signals(struct init_signals const *signals)
{
    sigaction(SIGCHLD, &signals->inherited_chld, NULL);
    sigprocmask(SIG_SETMASK, &signals->inherited_mask, NULL);
}

/* A shell's fg or bg: the whole job goes on, and has the terminal if we do. */
static void resume_child(struct init_child const *child)
{
    if (tcgetpgrp(0) == getpgrp()) tcsetpgrp(0, child->pid);
    kill(-child->pid, SIGCONT);
}

static void forward_signal(struct signalfd_siginfo const *info, struct init_child const *child,
                    struct init_options const *options)
{
    int const sig = (int)info->ssi_signo;
    if (sig == SIGCHLD) return;
    int const is_own = info->ssi_pid == (uint32_t)getpid();
    if (is_own && (sig == SIGPIPE || sig == SIGXFSZ)) return; /* from writing to our own stderr */
    init_say(INIT_DEBUG, "passing on signal %d (%s)", sig, strsignal(sig));
    if (sig == SIGCONT && child->has_terminal) {
        resume_child(child);
        return;
    }
    if (kill(options->kill_group ? -child->pid : child->pid, sig) < 0 && errno != ESRCH)
        init_say(INIT_WARNING, "signal %d: %s", sig, strerror(errno));
}

void init_forward_signals(struct init_signals const *signals, struct init_child const *child,
                          struct init_options const *options)
{
    struct signalfd_siginfo info[16];
    ssize_t len;
    while ((len = read(signals->fd, info, sizeof info)) > 0)
        for (size_t i = 0; i < (size_t)len / sizeof *info; i++) forward_signal(&info[i], child, options);
}

/* The kernel drops the signal where no shell could ever continue us: in a
   process group whose parents are in no other group of the session. */
void init_stop_too(void)
{
    sigset_t stop, held;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    kill(0, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, &held);
    sigprocmask(SIG_SETMASK, &held, NULL);
}
