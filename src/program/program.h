/* ISC license. */

/*
 * What every program has: exit codes, options, and the execution of prog.
 *
 * These are parts of programs: what cannot go on says why in one line on
 * stderr and exits with the documented code.
 */

#ifndef KTLS_PROGRAM_H
#define KTLS_PROGRAM_H

#include <limits.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "process/process.h"

extern char const *PROG; /* skalibs */

enum program_exit {
    EXIT_CREDENTIAL = 96,  /* configuration, key or certificate */
    EXIT_ENGINE = 97,      /* no protected connection for prog */
    EXIT_TLS = 98,
    EXIT_USAGE = 100,      /* or a variable that is not set or invalid */
    EXIT_ENVIRONMENT = 101, /* too big */
    EXIT_SYSTEM = 111,
    EXIT_CANNOT_EXECUTE = 126,
    EXIT_NOT_FOUND = 127,
};

/* ---- program_error.c: why something failed, for whoever tells it ---- */

/* Nothing, or something else than TLS, is what health checks, scanners and browsers
   that connect in advance send. */
enum program_first_bytes { PEER_SENT_TLS, PEER_SENT_NOTHING, PEER_SENT_OTHER };

struct program_error {
    int code;                    /* with what to exit */
    unsigned char is_about_peer; /* the message names whose connection it is */
    unsigned char first_bytes;   /* enum program_first_bytes */
    char text[PATH_MAX + 256]; /* what: why */
};

/* These two give 0; other functions with such an argument 1, or 0 when they have set it. */
extern int program_fail(struct program_error *error, int code, char const *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "what: " and errno's text. */
extern int program_fail_system(struct program_error *error, int code, char const *what);
extern void program_tell(struct program_error const *error);
/* Tells it, and exits. */
extern _Noreturn void program_die(struct program_error const *error);

/* ---- options.c: options as a table ---- */

enum option_kind {
    OPTION_FLAG,    /* field is an unsigned int, which becomes value */
    OPTION_COUNT,   /* an unsigned int, one more each time */
    OPTION_NUMBER,  /* an unsigned int */
    OPTION_TEXT,    /* a char const * */
    OPTION_TEXTS,   /* a struct option_texts: the option may be given again */
    OPTION_MARK,    /* an unsigned char[256], of which the number's becomes 1 */
    OPTION_HELP,    /* a letter for --help, which there is anyway */
};

#define OPTION_TEXTS_MAX 64

struct option_texts {
    char const *text[OPTION_TEXTS_MAX];
    size_t count;
};

struct option_row {
    char letter; /* 0: long form only */
    char const *name;
    unsigned int programs; /* that have it: a set of bits */
    enum option_kind kind;
    size_t field;          /* its offset in what is filled in */
    unsigned int value;    /* of a FLAG */
    char const *argument;  /* its name; NULL: none */
    char const *meaning;
};

#define OPTION_ROWS_MAX 96

struct option_table {
    struct option_row const *rows; /* neighbours that are flags of one field are alternatives */
    size_t count;                  /* at most OPTION_ROWS_MAX */
    unsigned int program;          /* one bit: whose rows count */
    char const *operands;          /* what comes behind the options, "": nothing; NULL: prog... */
    /* Is told each option, in their order, instead of fields being filled in; NULL: none. */
    void (*take)(void *fields, struct option_row const *row, char const *argument);
};

/* Fills in fields; gives argv behind the options, which end at the first word
   that is none. --help and --version are answered here. */
extern char const *const *program_scan_options(struct option_table const *table, void *fields, int argc,
                                               char const *const *argv);
extern _Noreturn void program_die_usage(struct option_table const *table);

/* ---- environment.c: changes to it, as skalibs' mexec takes them ---- */

/* "" removes the variable, however often it is there. */
extern void program_change(stralloc *changes, char const *variable, char const *value);

extern void program_change_number(stralloc *changes, char const *variable, unsigned int number);

/* TLS_UID and TLS_GID where we are root; 0: not to be changed. */
extern int program_read_ids(uid_t *uid, gid_t *gid, struct program_error *error);

/* What prog is told of a TLS session; "": nothing. */
struct program_session {
    char const *protocol, *cipher, *path, *server_name, *alpn;
    char const *peer_hash, *peer_subject, *peer_alt_names; /* of a peer that was verified */
};

/* Sets the session's variables, and removes those of which there is nothing to say. */
extern void program_change_session(stralloc *changes, struct program_session const *session);
/* The same as UCSPI-TLS has it: VAR=value, or VAR alone where there is nothing to
   say, each with a final null byte. */
extern void program_describe_session(stralloc *variables, struct program_session const *session);

/* ---- standard_fds.c ---- */

/* For a connection on fdr and fdw, which are open; and so are 0, 1 and 2 until
   exec, lest a descriptor of ours be taken for one of them. One of these three that
   is the connection without being named as such becomes /dev/null. */
extern void program_check_descriptors(int fdr, int fdw);

/* ---- exec.c: changes are to the environment, as skalibs' mexec takes them ---- */

extern _Noreturn void program_exec(char const *const *prog, stralloc const *changes);
/* The same of a program of this project, which is searched beside this one before PATH. */
extern _Noreturn void program_exec_own(char const *const *argv, stralloc const *changes);
/* What process.h has of the same name. */
extern void program_harden(struct process_hardening *before);
extern void program_unharden(struct process_hardening const *before);

/* A message into a file that may not grow (RLIMIT_FSIZE) is lost, but does not
   kill. What is executed finds the signal (SIGXFSZ) as it was. */
extern void program_outlive_file_limit(void);
/* Says why prog could not be executed, by errno, and exits. */
extern _Noreturn void program_die_exec(char const *prog);

/* ---- version.c ---- */

extern char const program_version[];

/* ---- peer.c: whose connection it is ---- */

/* To be called before anything of program_peer: by TCPREMOTEIP and TCPREMOTEPORT,
   or else by getpeername(2), which does not know a peer that has gone. */
extern void program_name_peer(int fd);
/* In front of what is said of the connection: "192.0.2.1:443: ", "[2001:db8::1]:443: ",
   or "" where there is no IP address. */
extern char const *program_peer(void);
/* One line for what ends the connection. */

#endif
