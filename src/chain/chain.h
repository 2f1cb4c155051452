/* ISC license. */

/*
 * What the chain-loading programs share: options, environment, credentials,
 * the step itself, and how the connection gets into the hands of prog.
 *
 * These are parts of programs: see program.h for how they fail.
 */

#ifndef KTLS_CHAIN_H
#define KTLS_CHAIN_H

#include <limits.h>

#include <skalibs/stralloc.h>

#include "process/process.h"
#include "program/program.h"
#include "relay/relay.h"
#include "tls/tls.h"

enum chain_program {
    CHAIN_TLSD = 1,
    CHAIN_TLSC = 2,
    CHAIN_UCSPITLSD = 8, /* for options only: otherwise TLSD */
    CHAIN_UCSPITLSC = 16,
};

/* ---- options.c ---- */

enum chain_mode { MODE_AUTO, MODE_KERNEL, MODE_RELAY, MODE_USER, MODE_EOF };

struct chain_options {
    unsigned int farewell; /* enum relay_farewell */
    unsigned int enforce_close_notify;
    unsigned int verbosity;
    unsigned int read_fd, write_fd;

    enum chain_mode mode;
    unsigned int keep;
    unsigned int handshake_timeout; /* ms */
    char const *alpn, *ciphers;
    uint16_t only_version;          /* 0: any */

    unsigned int client_auth;       /* enum tls_client_auth */
    unsigned int sni_level;

    unsigned int client_cert;
    unsigned int no_verify_cert;
    char const *servername;

    unsigned int idle_timeout;       /* ms */
    unsigned int one_socket;
    unsigned int is_upgrade;         /* the peer has asked for TLS on a connection in the clear */

    /* as written on the command line */
    char const *mode_name, *version_name;
};

/* Gives argv from prog on. */
extern char const *const *chain_parse_options(struct chain_options *options, enum chain_program program,
                                              int argc, char const *const *argv);

/* For who passes options on. */
struct chain_option {
    char letter;          /* 0: long form only */
    char const *name;
    char const *argument; /* its name; NULL: none */
    char const *meaning;
};

/* Fills list; gives how many options the program has, at most max. */
extern size_t chain_list_options(struct chain_option *list, size_t max, enum chain_program program);

/* ---- environment.c ---- */

/* A certificate's files. */
struct chain_files {
    char const *certfile, *keyfile; /* NULL: not set */
};

struct chain_input {
    char const *cadir, *cafile, *crldir, *crlfile, *peerpin;
    struct chain_files files[2]; /* CERTFILE and KEYFILE, CERTFILE2 and KEYFILE2 */
    char const *certdir, *ticketkeyfile;
    uid_t uid; /* TLS_UID and TLS_GID where we are root; 0: not to be changed */
    gid_t gid;
};

extern void chain_read_environment(struct chain_input *input);

/* Changes to the environment, for program_exec: what the session has to say, and
   without keep the removal of the variables that were read. */
extern void chain_write_environment(stralloc *changes, struct tls_session const *session, char const *path,
                                    int keep);
/* The same before there is a session: nothing that we inherited speaks of one. */
extern void chain_clear_environment(stralloc *changes, int keep);
/* What the session has to say as UCSPI-TLS has it: VAR=value, or VAR alone where
   there is nothing to say, each with a final null byte. */
extern void chain_describe_session(stralloc *variables, struct tls_session const *session, char const *path);

/* ---- hosts.c: certificates by server name, in variables ---- */

/* Ends the program when one of the variables CERTFILE:name and so on has no other
   half, or its name is not ASCII; gives how many there are. */
extern size_t chain_check_hosts(void);
/* The files for that name; files[1] are those of CERTFILE2:name. 0: there are
   none. Ends the program when the variables of that name do not fit. */
extern int chain_find_host(char const *name, struct chain_files files[2]);
/* Calls f once for each name that has variables. */
extern void chain_each_host(void (*f)(void *ctx, char const *name), void *ctx);
/* Ends the program when only one of the two is set: CERTFILE and KEYFILE, or of
   the second certificate CERTFILE2 and KEYFILE2. */
extern void chain_check_pair(struct chain_files const *files, int second);
/* 1 when an entry of the environment is such a variable. */
extern int chain_is_host_variable(char const *entry);

/* ---- credentials.c ---- */

/* places.h says which there are. */
struct chain_places {
    struct chain_files fallback[2]; /* CERTFILE and KEYFILE, CERTFILE2 and KEYFILE2 */
    char const *folder;             /* CERTDIR; NULL: not set */
    unsigned char has_variables;    /* with names */
    unsigned char strict;           /* no certificate but the name's own */
    char certfile[PATH_MAX], keyfile[PATH_MAX]; /* in the folder, the last that was looked for */
};

struct chain_credentials {
    struct x509_trust trust;
    struct x509_pins pins;
    struct x509_crls crls;
    struct chain_places places;
    struct x509_credential own[2];
    unsigned char is_loaded[2];
    struct tls_ticket_keys ticket_keys;
    int files_fd;                 /* who opens files for us, in jail; -1: we do */
    int spare[2];                 /* descriptors to be closed before */
    char const *culprit, *reason; /* of the last file that could not be used; NULL: none */
};

/* Loads what the options ask for and points config at it. Where the hello
   decides about certificates, config->choose loads them when it is known. */
extern void chain_load_credentials(struct chain_credentials *credentials, struct tls_config *config,
                                   enum chain_program program, struct chain_options const *options,
                                   struct chain_input const *input);
/* Where the server's certificates lie: also for who only opens them for another process. */
extern void chain_find_places(struct chain_places *places, struct chain_options const *options,
                              struct chain_input const *input);
/* 1: the client's hello decides about the server's certificate. */
extern int chain_chooses_by_hello(struct chain_options const *options, struct chain_input const *input);
/* Leaves culprit and reason. */
extern void chain_free_credentials(struct chain_credentials *credentials);

/* ---- connection.c ---- */

struct chain_connection {
    int fdr, fdw;
    unsigned char attached; /* a TCP socket that is ready for keys */
    int nodelay;            /* as it was; -1: not TCP */
    int64_t deadline;       /* of the handshake and of tickets, in ms of CLOCK_MONOTONIC; 0: none */
};

/* Makes the connection ready for the handshake. */
extern void chain_open_connection(struct chain_connection *connection, struct chain_options const *options);
extern void chain_settle_connection(struct chain_connection const *connection);
/* 1: both directions are protected by the kernel. 0: neither is, -1: only one
   is, errno says why. */
extern int chain_install_keys(struct chain_connection const *connection, struct tls_session const *session);
/* Whoever else has the socket: no byte passes any more. */
extern void chain_cut_connection(struct chain_connection const *connection);

/* ---- drain.c ---- */

#define CHAIN_DRAIN_WHY 128

/* Takes a TLS 1.3 server's tickets off a socket that has its keys, so that the
   first thing prog reads is data. A server that is still sending them at the
   connection's deadline has failed. 0: the connection is cut, and why says why. */
extern int chain_drain_tickets(struct chain_connection const *connection, unsigned int rtt_ms,
                               char why[CHAIN_DRAIN_WHY]);
/* The same, where the handshake was: here or in a process of its own. What is
   wrong ends the program. */
extern void chain_drain_or_die(struct chain_input const *input, struct chain_connection const *connection,
                               unsigned int rtt_ms);

/* ---- handover.c ---- */

/* What stands between prog and the network. */
enum chain_path {
    PATH_KERNEL, /* the kTLS socket itself */
    PATH_RELAY,  /* pipes, and ktls-relay with the keys in the kernel */
    PATH_USER,   /* pipes, and ktls-relay with the keys */
};
/* As SSL_PATH has it. */
extern char const *chain_path_name(enum chain_path path);

/* Puts the keys where the options and the kernel want them; *keys_fd is the
   relay's memory file, -1 on the path that has none. What cannot be protected
   ends the program. */
extern enum chain_path chain_place_keys(enum chain_program program, struct chain_options const *options,
                                        struct chain_connection const *connection,
                                        struct tls_session *session, int *keys_fd);
/* With verbosity 2: what was negotiated. */
extern void chain_announce(struct chain_options const *options, struct tls_session const *session,
                           enum chain_path path);
/* Of the pipes of a prog that others execute; the engine's. */
struct chain_prog_ends {
    int to_prog, from_prog;
};

/* With ends prog is empty: this process becomes the engine. ends is NULL where the
   relay executes prog. */
extern _Noreturn void chain_exec_relay(struct chain_options const *options, struct chain_input const *input,
                                       struct chain_prog_ends const *ends, int keys_fd,
                                       char const *const *prog, stralloc const *changes);
/* Gives the session to the kernel or to the relay, wipes it, and executes prog
   with the protected connection. */
extern _Noreturn void chain_hand_over(enum chain_program program, struct chain_options const *options,
                                      struct chain_input const *input,
                                      struct chain_connection const *connection,
                                      struct process_hardening const *before, struct tls_session *session,
                                      char const *const *prog);

/* ---- step.c ---- */

typedef int chain_handshake(struct tls_config const *config, struct tls_transport const *transport,
                            struct tls_session *session, struct tls_error *error);

/* What the options say, but for credentials. */
extern void chain_configure(struct tls_config *config, struct chain_options const *options);
/* Loads the credentials, shakes hands and forgets them: here, or where TLS_UID
   or TLS_GID asks for it in a process of its own. What fails ends the program. */
extern void chain_shake_hands(enum chain_program program, chain_handshake *handshake,
                              struct chain_options const *options, struct chain_input const *input,
                              struct tls_config *config, struct chain_connection *connection,
                              struct tls_session *session);
/* The whole of ktls-tlsd and ktls-tlsc but for the handshake. */
extern _Noreturn void chain_step(enum chain_program program, chain_handshake *handshake, int argc,
                                 char const *const *argv);

/* ---- apart.c: the handshake in a process of its own ---- */

struct chain_task {
    enum chain_program program;
    chain_handshake *handshake;
    struct chain_options const *options;
    struct chain_input const *input;
    struct tls_config *config;
    struct chain_connection const *connection;
};

static inline int chain_is_apart(struct chain_input const *input)
{
    return input->uid || input->gid;
}

/* By chain_shake_hands. */
extern void chain_shake_hands_apart(struct chain_task const *task, struct tls_session *session);
/* By chain_drain_or_die. */
extern void chain_drain_apart(struct chain_input const *input, struct chain_connection const *connection,
                              unsigned int rtt_ms);
/* 0: the peer does what health checks and scanners do, and verbosity is not 2. */
extern int chain_is_worth_a_line(struct chain_options const *options, struct tls_error const *error);
/* What to say of it, and with what to exit. */
extern int chain_explain(struct tls_error const *error, struct chain_credentials const *credentials, char *text,
                         size_t max);

/* ---- ucspitls.c ---- */

/* The whole of ktls-ucspitlsd and ktls-ucspitlsc but for the handshake. */
extern _Noreturn void chain_ucspitls(enum chain_program program, chain_handshake *handshake, int argc,
                                     char const *const *argv);

#endif
