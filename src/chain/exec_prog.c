/* ISC license. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain/chain.h"
#include "eof/eof.h"

#define SECRETS_FD 500 /* and above */

/* ---- a command line of our own in front of prog ---- */

enum { OWN_WORDS = 28, OWN_NUMBERS = 9 };

/* The words of a command line, and the numbers in it. */
struct command {
    char const **word;
    size_t count;
    char numbers[OWN_NUMBERS][UINT_FMT];
    size_t number_count;
};

static void add_argument(struct command *command, char const *word)
{
    command->word[command->count++] = word;
}

static void add_number(struct command *command, char const *option, unsigned int number)
{
    char *text = command->numbers[command->number_count++];
    text[uint_fmt(text, number)] = 0;
    add_argument(command, option);
    add_argument(command, text);
}

static void begin_command(struct command *command, char const *program, char const *const *prog)
{
    size_t count = 0;
    while (prog[count]) count++;
    *command = (struct command){ .word = calloc(OWN_WORDS + count + 1, sizeof *command->word) };
    if (!command->word) strerr_diefsys(EXIT_SYSTEM, "memory");
    add_argument(command, program);
}

static _Noreturn void exec_command(struct command *command, char const *const *prog, stralloc const *changes)
{
    add_argument(command, "--");
    for (; *prog; prog++) add_argument(command, *prog);
    program_exec_own(command->word, changes);
}

/* ---- prog on the socket, under ktls-eof or not ---- */

static int is_eof_step(char const *prog)
{
    char const *const slash = strrchr(prog, '/');
    return !strcmp(slash ? slash + 1 : prog, EOF_PROGRAM);
}

void chain_choose_mode(struct chain *chain)
{
    enum chain_mode *mode = &chain->options.mode;
    char library[PATH_MAX];
    if (is_eof_step(*chain->prog)) {
        if (*mode == MODE_AUTO) *mode = MODE_EOF;
        return;
    }
    if (*mode == MODE_EOF && eof_refusal(*chain->prog, library)) *mode = MODE_RELAY;
}

/* Passes the secrets for KeyUpdate under a number that no program uses. */
static void give_secrets(stralloc *changes, int fd)
{
    int const given = fcntl(fd, F_DUPFD, SECRETS_FD);
    if (given >= 0) close(fd);
    program_change_number(changes, EOF_KEYS_FD, (unsigned int)(given < 0 ? fd : given));
}

static _Noreturn void exec_on_socket(struct chain const *chain, stralloc *changes)
{
    struct command command;
    if (chain->keys_fd >= 0) give_secrets(changes, chain->keys_fd);
    if (chain->options.mode != MODE_EOF || is_eof_step(*chain->prog)) program_exec(chain->prog, changes);
    begin_command(&command, EOF_PROGRAM, chain->prog);
    exec_command(&command, chain->prog, changes);
}

/* ---- prog with ktls-relay ---- */

static void begin_relay(struct command *command, struct chain const *chain, char const *const *prog)
{
    struct chain_options const *options = &chain->options;
    begin_command(command, "ktls-relay", prog);
    if (options->farewell == RELAY_FAREWELL_ALWAYS) add_argument(command, "-S");
    if (options->farewell == RELAY_FAREWELL_NEVER) add_argument(command, "-s");
    add_argument(command, options->enforce_close_notify ? "-J" : "-j");
    add_number(command, "-v", options->verbosity);
    add_number(command, "-6", options->read_fd);
    add_number(command, "-7", options->write_fd);
    add_number(command, "-k", (unsigned int)chain->keys_fd);
    if (options->idle_timeout) add_number(command, "-K", options->idle_timeout);
    if (options->one_socket) add_argument(command, "--socket");
    if (options->settings.uid) add_number(command, "--uid", options->settings.uid);
    if (options->settings.gid) add_number(command, "--gid", options->settings.gid);
}

void chain_exec_prog(struct chain *chain, stralloc *changes)
{
    struct command command;
    program_change(changes, EOF_KEYS_FD, "");
    if (chain->path == PATH_KERNEL) exec_on_socket(chain, changes);
    begin_relay(&command, chain, chain->prog);
    exec_command(&command, chain->prog, changes);
}

void chain_become_relay(struct chain const *chain, int to_prog, int from_prog)
{
    static stralloc const no_changes = STRALLOC_ZERO;
    char const *const no_prog = NULL;
    struct command command;
    if (uncoe(to_prog) < 0 || uncoe(from_prog) < 0) strerr_diefsys(EXIT_SYSTEM, "fcntl");
    begin_relay(&command, chain, &no_prog);
    add_number(&command, "--to-prog", (unsigned int)to_prog);
    add_number(&command, "--from-prog", (unsigned int)from_prog);
    exec_command(&command, &no_prog, &no_changes);
}
