/* ISC license. */

/*
 * The one-word front ends: their options are rows of a table that say which
 * step of a command line they belong to; the command line is put together and
 * executed.
 */

#ifndef KTLS_FRONT_H
#define KTLS_FRONT_H

#include "chain/chain.h"
#include "dial/dial.h"
#include "process/process.h"
#include "program/program.h"

/* Whose option it is. */
enum front_step { FRONT_TCP, FRONT_ACCESS, FRONT_TLS, FRONT_APPLY, FRONT_STEPS, FRONT_OURS = FRONT_STEPS };

/* Whose super-server and client. */
enum front_family { FRONT_S6, FRONT_UCSPI, FRONT_OWN, FRONT_FAMILIES };

enum front_effect {
    FRONT_QUIET = 1,
    FRONT_USUAL = 2,
    FRONT_VERBOSE = 4,
    FRONT_NEEDS_ACCESS = 8,     /* the step of access control */
    FRONT_RULES = 16,
    FRONT_VARIABLES_ONLY = 32,
    FRONT_NO_LOOKUPS = 64,
    FRONT_LOCAL_NAME = 128,
    FRONT_PROXY = 256,
    FRONT_APPLIES = 512,        /* uid, gid or groups */
    FRONT_CLIENT = 1024,
    FRONT_SERVERNAME = 2048,    /* was decided about */
    FRONT_SUPERSERVER = 4096,   /* was chosen */
    FRONT_TRUST = 8192,         /* the proxy has to be one of these */
    FRONT_LOOKUPS = 16384,      /* takes FRONT_NO_LOOKUPS back */
    FRONT_HOSTS = 32768,
    FRONT_NO_HOSTS = 65536,     /* takes FRONT_HOSTS back */
};

struct front_option {
    char letter;                /* 0: long form only */
    char const *name;
    char const *argument;       /* its name; NULL: none */
    enum option_kind kind;
    enum front_step step;
    char const *word[FRONT_OWN];         /* that the step is told, ours as s6's; NULL: nothing */
    unsigned int effects;       /* enum front_effect */
    char const *meaning;
    char const *refusal[FRONT_FAMILIES]; /* why this family cannot do it; NULL: it can */
};

#define FRONT_CAN { NULL }
#define FRONT_UCSPI_CANNOT(why) { NULL, why }

/* ---- superserver.c ---- */

struct front_superserver {
    enum front_family family;
    char const *program;
    char const *access;         /* s6-tcpserver-access where program is */
};

/* names: s6-networking's and ucspi-tcp's program. wanted: s6, ucspi, a path, or
   NULL for what was configured. is_client: without s6-networking it is our own TCP
   client, unless there is a path. */
extern void front_choose(struct front_superserver *server, char const *const *names, char const *wanted,
                         int is_client);
extern int front_is_in_path(char const *program);

/* ---- host_lookup.c ---- */

/* By ktls-resolve, as TLS_UID and TLS_GID where we are root. */
extern struct dial_lookup front_lookup(char const *name, int64_t deadline);

/* ---- listen_address.c ---- */

/* The address for ucspi-tcp's program that host is or has: of IPv4 rather than IPv6
   unless it is told otherwise. What it cannot do ends the program. */
extern char const *front_listen_address(char const *program, char const *host, int only_v4, int only_v6);

/* ---- own_client.c ---- */

/* words: a name and the options of the TCP step. Connects, as descriptors 6 and 7, and says
   so in the changes to the environment. What fails ends the program. */
extern void front_connect(stralloc *changes, char const *const *words, size_t count, char const *host,
                          char const *port);

/* ---- line.c ---- */

struct front_end {
    struct front_option const *options; /* those of the TLS step come in addition */
    size_t count;
    char const *operands;
    char const *superservers[FRONT_OWN];
    enum chain_program tls;
    char const *tls_name;
    unsigned int effects;               /* without any option */
};

/* The whole of a front end. */
extern _Noreturn void front_run(struct front_end const *end, int argc, char const *const *argv);

#endif
