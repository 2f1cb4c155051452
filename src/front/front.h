/* ISC license. */

/*
 * The one-word front ends: their options are rows of a table that say which
 * step of a command line they belong to; the command line is put together and
 * executed.
 */

#ifndef KTLS_FRONT_H
#define KTLS_FRONT_H

#include <skalibs/genalloc.h>

#include "chain/chain.h"

/* ---- options.c ---- */

enum front_kind { FRONT_FLAG, FRONT_NUMBER, FRONT_TEXT };

/* Whose option it is. */
enum front_step { FRONT_TCP, FRONT_ACCESS, FRONT_TLS, FRONT_APPLY, FRONT_STEPS, FRONT_OURS = FRONT_STEPS };

/* What ucspi-tcp's program is told where s6-networking's is told the option as it is. */
enum front_ucspi { UCSPI_SAME, UCSPI_NOTHING, UCSPI_REFUSED };

enum front_effect {
    FRONT_QUIET = 1,
    FRONT_USUAL = 2,
    FRONT_VERBOSE = 4,
    FRONT_NEEDS_ACCESS = 8,    /* control, and what it looks up */
    FRONT_RULES = 16,
    FRONT_VARIABLES_ONLY = 32,
    FRONT_NO_LOOKUPS = 64,
    FRONT_LOCAL_NAME = 128,
    FRONT_PROXY = 256,
    FRONT_SERVERNAME = 512,
    FRONT_SUPERSERVER = 1024,  /* chooses it */
};

struct front_option {
    char letter;                /* 0: long form only */
    char const *name;
    char const *argument;       /* its name; NULL: none */
    enum front_kind kind;
    enum front_step step;
    enum front_ucspi ucspi;
    unsigned int effects;       /* enum front_effect */
    char const *meaning;        /* for people; of a refused one also why */
};

/* An option as it was given. */
struct front_given {
    struct front_option const *option;
    char const *argument;
};

struct front_syntax {
    struct front_option const *options;
    size_t count;
    char const *operands;       /* as in the usage line */
    size_t operand_count;       /* least */
};

/* Fills given with struct front_given; gives argv from the first operand on. */
extern char const *const *front_scan(genalloc *given, struct front_syntax const *syntax, int argc,
                                     char const *const *argv);

/* ---- superserver.c ---- */

enum front_family { FAMILY_S6, FAMILY_UCSPI };

struct front_superserver {
    enum front_family family;
    char const *program;
    char const *access;         /* s6-tcpserver-access where program is */
};

/* names: s6-networking's and ucspi-tcp's program. wanted: s6, ucspi, a path, or
   NULL for what was configured. */
extern void front_choose(struct front_superserver *server, char const *const *names, char const *wanted);
extern int front_is_in_path(char const *program);

/* ---- line.c ---- */

struct front_end {
    struct front_option const *options; /* those of the TLS step come in addition */
    size_t count;
    char const *operands;
    char const *superservers[2];        /* enum front_family */
    enum chain_program tls;
    char const *tls_name;
    unsigned int effects;               /* without any option */
};

/* The whole of a front end. */
extern _Noreturn void front_run(struct front_end const *end, int argc, char const *const *argv);

#endif
