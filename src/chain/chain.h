/* ISC license. */

/*
 * The steps of ktls-tlsd, ktls-tlsc, ktls-ucspitlsd and ktls-ucspitlsc, in the
 * order in which their main functions call them.
 *
 * A step that fails reports the reason in one line on stderr and exits with the
 * documented code.
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
    unsigned char is_upgrade;       /* TLS starts on a connection that was plaintext before */

    /* for the relay */
    unsigned int farewell; /* enum relay_farewell */
    unsigned int enforce_close_notify;
    unsigned int idle_timeout; /* ms */
    unsigned int one_socket;

    /* as written on the command line */
    char const *mode_name, *version_name;
};

/* The options of all programs; `programs` of a row is a set of enum chain_program. */
extern struct option_row const chain_option_rows[];
extern size_t const chain_option_count;
/* Returns argv from prog on. */
extern char const *const *chain_parse_options(struct chain_options *options, enum chain_program program,
                                              int argc, char const *const *argv);

/* ---- steps.c ---- */

/* How prog is connected to the network. */
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
    unsigned char has_tickets;  /* session tickets have to be drained before prog gets the socket */
    unsigned int rtt_ms;
    enum chain_path path;
    int keys_fd; /* a memory file for ktls-relay or ktls-eof; -1: none */
};

/* Reads the command line and the environment. */
extern void chain_configure(struct chain *chain, enum chain_program program, int argc, char const *const *argv);
/* Makes the connection ready for the handshake. */
extern void chain_open_connection(struct chain *chain);
/* Performs the handshake in this process or, with TLS_UID or TLS_GID, in a jailed one. */
extern void chain_shake_hands(struct chain *chain, endpoint_handshake *handshake);
/* Installs the keys in the kernel or saves them for the relay, by mode and kernel; sets path. */
extern void chain_place_keys(struct chain *chain);
/* With verbosity 2: reports what was negotiated. */
extern void chain_announce(struct chain const *chain);
/* Wipes the secrets of the session, and restores the socket's options. */
extern void chain_forget_session(struct chain *chain);
/* Drains the tickets of a TLS 1.3 server when prog will get the socket. */
extern void chain_drain_tickets(struct chain const *chain);
/* The value of SSL_PATH. */
extern char const *chain_path_name(enum chain_path path);

/* ---- prog_environment.c ---- */

/* Adds the changes to prog's environment: the session's variables (NULL: there is no session
   yet) and, without --keep, the removal of the variables that were read. */
extern void chain_change_environment(stralloc *changes, struct chain const *chain,
                                     struct tls_session const *session);
/* Adds the session's variables in the format of UCSPI-TLS. */
extern void chain_describe_session(stralloc *variables, struct chain const *chain);

/* ---- exec_prog.c ---- */

/* Replaces MODE_EOF by MODE_RELAY when prog cannot run under ktls-eof. */
extern void chain_choose_mode(struct chain *chain);
/* Executes prog with the protected connection. */
extern _Noreturn void chain_exec_prog(struct chain *chain, stralloc *changes);
/* This process becomes the relay of a prog that another process executes; the descriptors
   are those of the two streams to and from it. */
extern _Noreturn void chain_become_relay(struct chain const *chain, int to_prog, int from_prog);

#endif
