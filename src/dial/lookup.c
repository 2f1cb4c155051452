/* ISC license. */

/* ktls-resolve in a process of its own, which reads what comes from the network. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dial/dial.h"
#include "process/process.h"

/* What fails is the answer. */
static _Noreturn void become_resolver(char const *const *arguments, struct dial_lookup const *lookup, int to)
{
    static stralloc const no_changes = STRALLOC_ZERO;
    int const has_dropped = !lookup->drop_rights || lookup->drop_rights(lookup->ctx);
    if (has_dropped && dup2(to, 1) >= 0) process_exec_own(arguments, &no_changes);
    dprintf(to, "%s cannot be executed: %s\n", arguments[0], strerror(errno));
    _exit(1);
}

static int refuse(char *answer, char const *what)
{
    snprintf(answer, DIAL_MAX_ANSWER, "%s: %s", what, strerror(errno));
    return 0;
}

/* As long as it is not waited for, no other process gets its id. */
static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

static int ask(char *answer, char const *const *arguments, struct dial_lookup const *lookup)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) return refuse(answer, "pipe");
    pid_t const pid = fork();
    if (!pid) become_resolver(arguments, lookup, pair[1]);
    close(pair[1]);
    size_t const len = pid < 0 ? 0 : process_read_until(pair[0], answer, DIAL_MAX_ANSWER, lookup->deadline);
    close(pair[0]);
    if (pid < 0) return refuse(answer, "fork");
    end(pid);
    answer[len] = 0;
    if (process_ms_until(lookup->deadline)) return 1;
    strcpy(answer, "timed out resolving the name");
    return 0;
}

int dial_ask_resolver(char answer[DIAL_MAX_ANSWER + 1], char const *const *arguments, struct dial_lookup const *lookup)
{
    void (*const before)(int) = signal(SIGCHLD, SIG_DFL);
    if (before == SIG_ERR) return refuse(answer, "SIGCHLD");
    int const asked = ask(answer, arguments, lookup);
    signal(SIGCHLD, before);
    return asked;
}

/* One address in each line, or the reason why there are none. */
static int read_addresses(struct dial *dial, uint16_t port, char *answer)
{
    for (char *line = answer, *line_end; (line_end = strchr(line, '\n')); line = line_end + 1) {
        *line_end = 0;
        if (dial_add(dial, line, port)) continue;
        memmove(answer, line, strlen(line) + 1);
        return 0;
    }
    strcpy(answer, "ktls-resolve gave neither an address nor a reason");
    return dial->count != 0;
}

int dial_look_up(struct dial *dial, struct dial_lookup const *lookup, char why[DIAL_MAX_ANSWER + 1])
{
    char const *const arguments[] = { "ktls-resolve", lookup->name, NULL };
    return dial_ask_resolver(why, arguments, lookup) && read_addresses(dial, lookup->port, why);
}
