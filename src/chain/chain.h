/* ISC license. */

/*
 * The steps of ktls-tlsd, ktls-tlsc, ktls-ucspitlsd and ktls-ucspitlsc, in the
 * order in which their mains take them.
 *
 * These are parts of programs: a step that fails says why in one line on stderr
 * and exits with the documented code.
 */

#ifndef KTLS_CHAIN_H
#define KTLS_CHAIN_H

#include "endpoint/endpoint.h"
#include "relay/relay.h"

/* ---- tls_options.c ---- */

enum chain_program {
    CHAIN_TLSD = 1,
    CHAIN_TLSC = 2,
    CHAIN_UCSPITLSD = 4,
    CHAIN_UCSPITLSC = 8,
};

enum chain_mode { MODE_AUTO, MODE_KERNEL, MODE_RELAY, MODE_USER, MODE_EOF };

struct chain_options {
    struct endpoint_settings settings; /* its variables are not options */
    enum chain_mode mode;
    unsigned int verbosity;
    unsigned int read_fd, write_fd;
    unsigned int keep;
    unsigned int handshake_timeout; /* ms */
    unsigned char is_upgrade;       /* the peer has asked for TLS on a connection in the clear */

    /* for the relay */
    unsigned int farewell; /* enum relay_farewell */
    unsigned int enforce_close_notify;
    unsigned int idle_timeout; /* ms */
    unsigned int one_socket;

    /* as written on the command line */
    char const *mode_name, *version_name;
};

/* The options of all programs: a row's `programs` is a set of enum chain_program. */
extern struct option_row const chain_option_rows[];
extern size_t const chain_option_count;
/* Gives argv from prog on. */
extern char const *const *chain_parse_options(struct chain_options *options, enum chain_program program,
                                              int argc, char const *const *argv);

/* ---- steps.c ---- */

/* What stands between prog and the network. */
enum chain_path {
    PATH_KERNEL, /* the kTLS socket itself */
    PATH_RELAY,  /* pipes, and ktls-relay with the keys in the kernel */
    PATH_USER,   /* pipes, and ktls-relay with the keys */
};

/* One connection, from the command line to prog. */
struct chain {
    struct chain_options options;
    char const *const *prog;
    struct tls_config config;
    struct endpoint_connection connection;
    struct tls_session session; /* secret */
    unsigned char has_tickets;  /* a TLS 1.3 server may send some before prog can have the socket */
    unsigned int rtt_ms;
    enum chain_path path;
    int keys_fd; /* a memory file for ktls-relay or ktls-eof; -1: none */
};

/* The command line and the environment. */
extern void chain_configure(struct chain *chain, enum chain_program program, int argc, char const *const *argv);
/* Makes the connection ready for the handshake. */
extern void chain_open_connection(struct chain *chain);
/* With the peer: here, or where TLS_UID or TLS_GID asks for it in a jailed process. */
extern void chain_shake_hands(struct chain *chain, endpoint_handshake *handshake);
/* Puts the keys where the mode and the kernel want them: the path is known. */
extern void chain_place_keys(struct chain *chain);
/* With verbosity 2: what was negotiated. */
extern void chain_announce(struct chain const *chain);
/* Nothing secret is left of the session, and the socket's options are as they were. */
extern void chain_forget_session(struct chain *chain);
/* Of a TLS 1.3 server, when prog is to have the socket. */
extern void chain_drain_tickets(struct chain const *chain);
/* As SSL_PATH has it. */
extern char const *chain_path_name(enum chain_path path);

/* ---- prog_environment.c ---- */

/* Changes to the environment, for prog: what the session has to say (NULL: there
   is none yet), and without --keep the removal of the variables that were read. */
extern void chain_change_environment(stralloc *changes, struct chain const *chain,
                                     struct tls_session const *session);
/* What the session has to say as UCSPI-TLS has it. */
extern void chain_describe_session(stralloc *variables, struct chain const *chain);

/* ---- exec_prog.c ---- */

/* MODE_EOF where prog will run under ktls-eof; where it cannot, MODE_RELAY. */
extern void chain_choose_mode(struct chain *chain);
/* prog with the protected connection. */
extern _Noreturn void chain_exec_prog(struct chain *chain, stralloc *changes);
/* This process becomes the engine of a prog that others execute; the descriptors
   are those of its two streams. */
extern _Noreturn void chain_become_relay(struct chain const *chain, int to_prog, int from_prog);

#endif
