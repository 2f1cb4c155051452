/* ISC license. */

/*
 * Common parts of all programs: exit codes, options, and the execution of prog.
 *
 * A function that fails here reports the reason in one line on stderr and exits with
 * the documented code, unless it has an argument for the error.
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
    EXIT_USAGE = 100,      /* also for a variable that is missing or invalid */
    EXIT_ENVIRONMENT = 101, /* too big */
    EXIT_SYSTEM = 111,
    EXIT_CANNOT_EXECUTE = 126,
    EXIT_NOT_FOUND = 127,
};

/* ---- program_error.c: the reason of a failure, for the caller that reports it ---- */

/* Health checks, scanners and browsers that connect in advance send nothing, or something
   other than TLS. */
enum program_first_bytes { PEER_SENT_TLS, PEER_SENT_NOTHING, PEER_SENT_OTHER };

struct program_error {
    int code;                    /* exit code */
    unsigned char is_about_peer; /* the message begins with the peer's address */
    unsigned char first_bytes;   /* enum program_first_bytes */
    char text[PATH_MAX + 256]; /* what: why */
};

/* These two set *error and return 0. Other functions with such an argument return 1, or 0 when
   they have set it. */
extern int program_fail(struct program_error *error, int code, char const *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The text is "what: " and the text of errno. */
extern int program_fail_system(struct program_error *error, int code, char const *what);
extern void program_tell(struct program_error const *error);
/* Reports the error and exits. */
extern _Noreturn void program_die(struct program_error const *error);

/* ---- options.c: options as a table ---- */

enum option_kind {
    OPTION_FLAG,    /* field is an unsigned int, which becomes value */
    OPTION_COUNT,   /* an unsigned int, incremented each time */
    OPTION_NUMBER,  /* an unsigned int */
    OPTION_TEXT,    /* a char const * */
    OPTION_TEXTS,   /* a struct option_texts: the option may be given several times */
    OPTION_MARK,    /* an unsigned char[256]; the element with the given number becomes 1 */
    OPTION_HELP,    /* a letter for --help, which exists without it, too */
};

#define OPTION_TEXTS_MAX 64

struct option_texts {
    char const *text[OPTION_TEXTS_MAX];
    size_t count;
};

struct option_row {
    char letter; /* 0: long form only */
    char const *name;
    unsigned int programs; /* the programs that have it: a set of bits */
    enum option_kind kind;
    size_t field;          /* offset in the structure to fill in */
    unsigned int value;    /* the value that an OPTION_FLAG sets */
    char const *argument;  /* the argument's name; NULL: no argument */
    char const *meaning;
};

#define OPTION_ROWS_MAX 96

struct option_table {
    struct option_row const *rows; /* adjacent flags of the same field are alternatives */
    size_t count;                  /* at most OPTION_ROWS_MAX */
    unsigned int program;          /* one bit: only rows of this program are used */
    char const *operands;          /* the words after the options, "": none; NULL: prog... */
    /* Called with each option in order, instead of filling in fields; NULL: not called. */
    void (*take)(void *fields, struct option_row const *row, char const *argument);
};

/* Fills in fields and returns argv after the options, which end at the first word
   that is not an option. --help and --version are answered here. */
extern char const *const *program_scan_options(struct option_table const *table, void *fields, int argc,
                                               char const *const *argv);
extern _Noreturn void program_die_usage(struct option_table const *table);

/* ---- environment.c: changes to the environment, in the format of skalibs' mexec ---- */

/* The value "" removes the variable, and all duplicates of it. */
extern void program_change(stralloc *changes, char const *variable, char const *value);

extern void program_change_number(stralloc *changes, char const *variable, unsigned int number);

/* Reads TLS_UID and TLS_GID when the program runs as root; 0: do not change. */
extern int program_read_ids(uid_t *uid, gid_t *gid, struct program_error *error);

/* The facts of a TLS session for prog; "": unknown or absent. */
struct program_session {
    char const *protocol, *cipher, *path, *server_name, *alpn;
    char const *peer_hash, *peer_subject, *peer_alt_names; /* of a peer that was verified */
};

/* Sets the session's variables, and removes those whose fact is "". */
extern void program_change_session(stralloc *changes, struct program_session const *session);
/* The same in the format of UCSPI-TLS: VAR=value, or VAR alone for "", each with a final
   null byte. */
extern void program_describe_session(stralloc *variables, struct program_session const *session);

/* ---- standard_fds.c ---- */

/* Checks that fdr and fdw, the connection, are open. Opens 0, 1 and 2 until exec when they
   are closed, so that no later descriptor gets one of these numbers. One of the three that
   is the connection, but is neither fdr nor fdw, becomes /dev/null. */
extern void program_check_descriptors(int fdr, int fdw);

/* ---- exec.c: changes are those to the environment, in the format of skalibs' mexec ---- */

extern _Noreturn void program_exec(char const *const *prog, stralloc const *changes);
/* The same for a program of this project: searches this program's folder before PATH. */
extern _Noreturn void program_exec_own(char const *const *argv, stralloc const *changes);
/* As process_harden and process_unharden. */
extern void program_harden(struct process_hardening *before);
extern void program_unharden(struct process_hardening const *before);

/* Ignores SIGXFSZ until exec, so that a message to a log file which has reached RLIMIT_FSIZE
   is lost but does not kill the process. */
extern void program_outlive_file_limit(void);
/* Reports by errno why prog could not be executed, and exits. */
extern _Noreturn void program_die_exec(char const *prog);

/* ---- version.c ---- */

extern char const program_version[];

/* ---- peer.c: the peer's address in messages ---- */

/* Call it before program_peer. Uses TCPREMOTEIP and TCPREMOTEPORT, or else getpeername(2),
   which fails when the peer has reset the connection. */
extern void program_name_peer(int fd);
/* The prefix of messages about the connection: "192.0.2.1:443: ", "[2001:db8::1]:443: ",
   or "" without an IP address. */
extern char const *program_peer(void);
#endif
