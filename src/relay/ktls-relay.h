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
    unsigned int uid, gid;     /* of the engine; 0: do not change */
};

/* Returns argv from prog on. */
extern char const *const *relay_parse_options(struct relay_options *options, int argc, char const *const *argv);

/* ---- hide_copies.c ---- */

/* Sets close-on-exec on all descriptors of these two streams from 3 on. */
extern int relay_hide_copies(struct process_stream const connection[2]);

/* ---- relay_process.c: the process of the engine ---- */

/* The ends of the two streams that prog and the engine have. */
struct relay_ends {
    int prog_read, prog_write; /* -1: another program has them */
    int to_prog, from_prog;
};

/* Enters the jail, writes a byte to ready unless that is negative, and relays until the
   connection ends. */
extern _Noreturn void relay_run_engine(struct relay_options const *options, struct relay_ends const *ends,
                                       struct relay_keys *keys, int ready);
/* Returns when the engine has written the byte. When the engine has failed and reported why,
   this process exits with its code. */
extern void relay_await_engine(pid_t engine, int ready);

#endif
