/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process.h"

static _Noreturn void become(struct process_program const *program, int to)
{
    if (to == program->fd ? fcntl(to, F_SETFD, 0) == 0 : dup2(to, program->fd) >= 0) program->become(program->ctx);
    _exit(127);
}

/* The pid is still ours here: it cannot be reused before waitpid(2). */
static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

static ssize_t read_output(char *to, size_t max, struct process_program const *program, int64_t deadline)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) return -1;
    pid_t const pid = fork();
    if (!pid) become(program, pair[1]);
    close(pair[1]);
    size_t const len = pid < 0 ? 0 : process_read_until(pair[0], to, max, deadline);
    int const error = errno;
    close(pair[0]);
    if (pid > 0) end(pid);
    errno = error;
    return pid < 0 ? -1 : (ssize_t)len;
}

ssize_t process_read_output(char *to, size_t max, struct process_program const *program, int64_t deadline)
{
    void (*const before)(int) = signal(SIGCHLD, SIG_DFL);
    if (before == SIG_ERR) return -1;
    ssize_t const len = read_output(to, max, program, deadline);
    int const error = errno;
    signal(SIGCHLD, before);
    errno = error;
    return len;
}
