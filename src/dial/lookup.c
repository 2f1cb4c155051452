/* ISC license. */

/* ktls-resolve in a process of its own, which reads what comes from the network. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial/dial.h"
#include "process/process.h"

struct question {
    char const *const *arguments;
    struct dial_lookup const *lookup;
};

/* What fails is the answer. */
static void become_resolver(void const *ctx)
{
    static stralloc const no_changes = STRALLOC_ZERO;
    struct question const *question = ctx;
    struct dial_lookup const *lookup = question->lookup;
    if (!lookup->drop_rights || lookup->drop_rights(lookup->ctx)) process_exec_own(question->arguments, &no_changes);
    dprintf(STDOUT_FILENO, "%s cannot be executed: %s\n", question->arguments[0], strerror(errno));
}

int dial_ask_resolver(char answer[DIAL_MAX_ANSWER + 1], char const *const *arguments, struct dial_lookup const *lookup)
{
    struct question const question = { arguments, lookup };
    struct process_program const resolver = { .fd = STDOUT_FILENO, .become = &become_resolver, .ctx = &question };
    ssize_t const len = process_read_output(answer, DIAL_MAX_ANSWER, &resolver, lookup->deadline);
    if (len < 0) snprintf(answer, DIAL_MAX_ANSWER, "starting %s: %s", arguments[0], strerror(errno));
    if (len < 0) return 0;
    answer[len] = 0;
    if (process_ms_until(lookup->deadline)) return 1;
    strcpy(answer, "timed out resolving the name");
    return 0;
}

/* The resolver prints one address in each line, or one line with the reason of its failure. */
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
