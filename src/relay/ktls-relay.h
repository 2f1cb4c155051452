/* ISC license. */

/* Private to ktls-relay. */

#ifndef KTLS_RELAY_PROGRAM_H
#define KTLS_RELAY_PROGRAM_H

#include "process/process.h"
#include "relay/relay.h"

/* ---- relay_options.c ---- */

#define NO_FD (~0u)

struct relay_options {
    unsigned int farewell; /* enum relay_farewell */
    unsigned int enforce_close_notify;
    unsigned int verbosity;
    unsigned int read_fd, write_fd;
    unsigned int keys_fd;            /* NO_FD: the kernel has the keys */
    unsigned int to_prog, from_prog; /* NO_FD: prog is executed here */
    unsigned int one_socket;
    unsigned int idle_timeout; /* ms */
    unsigned int uid, gid;     /* of the engine; 0: not to be changed */
};

/* Gives argv from prog on. */
extern char const *const *relay_parse_options(struct relay_options *options, int argc, char const *const *argv);

/* ---- hide_copies.c ---- */

/* From 3 on, prog inherits no descriptor of these two streams. */
extern int relay_hide_copies(struct process_stream const connection[2]);

/* ---- relay_process.c: the process of the engine ---- */

/* What prog has of the two streams, and what the engine has. */
struct relay_ends {
    int prog_read, prog_write; /* -1: somebody else's */
    int to_prog, from_prog;
};

/* Gives up every right that it does not need, writes a byte to ready unless that
   is negative, and works to the connection's end. */
extern _Noreturn void relay_run_engine(struct relay_options const *options, struct relay_ends const *ends,
                                       struct relay_keys *keys, int ready);
/* Returns when the engine has written the byte; else it has said why, and this
   process exits as it did. */
extern void relay_await_engine(pid_t engine, int ready);

#endif
