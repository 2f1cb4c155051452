/* ISC license. */

#include <stddef.h>

#include <skalibs/strerr.h>

#include "relay/ktls-relay.h"
#include "program/program.h"

#define FIELD(name) offsetof(struct relay_options, name)

static struct option_row const rows[] = {
    { 's', "no-close-notify", 1, OPTION_FLAG, FIELD(farewell), RELAY_FAREWELL_NEVER, NULL,
      "send close_notify only as an answer to the peer's" },
    { 'S', "close-notify", 1, OPTION_FLAG, FIELD(farewell), RELAY_FAREWELL_ALWAYS, NULL,
      "send close_notify at the end of prog's output (default: when it cannot cost a reply)" },
    { 'j', "no-enforce-close-notify", 1, OPTION_FLAG, FIELD(enforce_close_notify), 0, NULL,
      "accept FIN without close_notify (default)" },
    { 'J', "enforce-close-notify", 1, OPTION_FLAG, FIELD(enforce_close_notify), 1, NULL,
      "treat FIN without close_notify as an error" },
    { 'v', "verbosity", 1, OPTION_NUMBER, FIELD(verbosity), 0, "verbosity", "0, 1 (default), 2" },
    { '6', "read-fd", 1, OPTION_NUMBER, FIELD(read_fd), 0, "fdr", "descriptor to read from" },
    { '7', "write-fd", 1, OPTION_NUMBER, FIELD(write_fd), 0, "fdw", "descriptor to write to" },
    { 0, "socket", 1, OPTION_FLAG, FIELD(one_socket), 1, NULL,
      "connect prog by one socket, not two pipes" },
    { 'K', "idle-timeout", 1, OPTION_NUMBER, FIELD(idle_timeout), 0, "ms",
      "end a connection after this time without data, 0: never (default)" },
    { 0, "uid", 1, OPTION_NUMBER, FIELD(uid), 0, "uid", "user of the engine (default: TLS_UID)" },
    { 0, "gid", 1, OPTION_NUMBER, FIELD(gid), 0, "gid", "group of the engine (default: TLS_GID)" },
    { 'k', "keys-fd", 1, OPTION_NUMBER, FIELD(keys_fd), 0, "keysfd", "sealed memory file with the keys" },
    { 0, "to-prog", 1, OPTION_NUMBER, FIELD(to_prog), 0, "fd", "execute no prog: write what the peer sends to fd" },
    { 0, "from-prog", 1, OPTION_NUMBER, FIELD(from_prog), 0, "fd",
      "and send to the peer what is read from fd" },
};

static struct option_table const table = { .rows = rows, .count = sizeof rows / sizeof *rows, .program = 1 };

/* Either descriptors or prog must be given. */
static void check_prog(struct relay_options const *options, char const *const *prog)
{
    int const has_ends = options->to_prog != NO_FD;
    if (has_ends != (options->from_prog != NO_FD))
        strerr_dief(EXIT_USAGE, "--to-prog and --from-prog must be given together");
    if (has_ends == (*prog != NULL)) program_die_usage(&table);
    if (has_ends && options->one_socket)
        strerr_dief(EXIT_USAGE, "--socket cannot be combined with --to-prog and --from-prog");
}

/* The program that executed us has read the variables, and may have removed them. */
static void find_ids(struct relay_options *options)
{
    struct program_error error;
    uid_t uid;
    gid_t gid;
    if (options->uid || options->gid) return;
    if (!program_read_ids(&uid, &gid, &error)) program_die(&error);
    options->uid = uid;
    options->gid = gid;
}

char const *const *relay_parse_options(struct relay_options *options, int argc, char const *const *argv)
{
    *options = (struct relay_options){
        .verbosity = 1, .read_fd = 0, .write_fd = 1, .keys_fd = NO_FD, .to_prog = NO_FD, .from_prog = NO_FD
    };
    char const *const *prog = program_scan_options(&table, options, argc, argv);
    check_prog(options, prog);
    find_ids(options);
    return prog;
}
