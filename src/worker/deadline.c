/* ISC license. */

/* A worker ends at its deadline, whatever it is stuck in. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "process/process.h"
#include "worker/worker.h"

#define GRACE_MS 500

static volatile sig_atomic_t is_over;

void deadline_end(void)
{
    is_over = 1;
}

static void exit_late(int sig)
{
    (void)sig;
    if (!is_over) _exit(1);
}

static int watched; /* the channel, which the service closes or shuts down when it gives this worker up */

static void exit_when_given_up(int sig)
{
    struct pollfd p = { .fd = watched, .events = POLLRDHUP };
    int const saved = errno;
    (void)sig;
    if (!is_over && poll(&p, 1, 0) == 1 && p.revents & (POLLRDHUP | POLLHUP)) _exit(1);
    errno = saved;
}

static void handle_signal(int sig, void (*handler)(int))
{
    struct sigaction const action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, sig);
    sigaction(sig, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}

/* A little after the deadline, so that a worker that is not stuck can say so itself. */
static void set_alarm(int64_t deadline)
{
    int const ms = process_ms_until(deadline) + GRACE_MS;
    struct timeval const time = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
    struct itimerval const timer = { .it_value = time };
    handle_signal(SIGALRM, &exit_late);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The service may not wait for this worker any more, and want its slot for another.
   That may have happened before a signal could be sent. */
static void watch_service(int channel)
{
    watched = channel;
    handle_signal(SIGIO, &exit_when_given_up);
    fcntl(channel, F_SETOWN, getpid());
    fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) | O_ASYNC);
    exit_when_given_up(SIGIO);
}

void deadline_begin(int64_t deadline, int channel)
{
    set_alarm(deadline);
    if (channel >= 0) watch_service(channel);
}
