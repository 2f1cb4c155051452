/* ISC license. */

/* Private to ktls-check: what it finds out, and how it tells. */

#ifndef KTLS_CHECK_H
#define KTLS_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "ktls/ktls.h"
#include "program/program.h"

#define CHECK_VERSIONS 2
#define CHECK_SUITES 3
#define CHECK_MAX_COUNTERS 64
#define CHECK_MAX_COUNTER_NAME 47
#define CHECK_MAX_ADVICE 8

/* 0, or the errno of what did not work. */
struct check_version {
    int suite[CHECK_SUITES];
    int rekey, zerocopy, no_pad;
};

struct check_counter {
    char name[CHECK_MAX_COUNTER_NAME + 1];
    uint64_t value;
};

struct check_report {
    struct utsname system;
    int tls; /* 0, or why a socket cannot have TLS: then versions are not tried */
    struct check_version version[CHECK_VERSIONS];
    struct check_counter counter[CHECK_MAX_COUNTERS];
    size_t counters;
    char const *advice[CHECK_MAX_ADVICE];
    size_t advices;
};

/* ---- trial.c ---- */

extern uint16_t const check_version_number[CHECK_VERSIONS];
extern char const *const check_version_name[CHECK_VERSIONS];
extern char const *const check_suite_name[CHECK_SUITES];

/* Tries everything. 0: there is not even a connection on 127.0.0.1 to try it
   on, errno says why. */
extern int check_try(struct check_report *report);
/* 1 when ktls-tlsd -m kernel would work whatever suite is negotiated. */
extern int check_is_complete(struct check_report const *report);

/* ---- pair.c: two ends of a connection on 127.0.0.1 ---- */

struct check_pair {
    int end[2];
};

/* Waits never long. 0: errno says why. */
extern int check_open_pair(struct check_pair *pair);
extern void check_close_pair(struct check_pair const *pair);

/* ---- counters.c ---- */

/* Those of the kernel, by its own names; none where it has no TLS. */
extern void check_read_counters(struct check_report *report);
/* NULL for a name that is not known. */
extern char const *check_counter_meaning(char const *name);

/* ---- advice.c ---- */

extern void check_advise(struct check_report *report);

/* ---- print_pins.c ---- */

/* A line for each certificate of the file: its pin, as PEERPIN takes it, and its subject. Exits when it cannot. */
extern void check_print_pins(char const *path);

/* ---- configuration.c ---- */

struct check_configuration {
    unsigned int server, client, sni_level, client_auth; /* as ktls-tlsd and ktls-tlsc have them */
    unsigned int json, verbosity;
};

/* Prints what is found; 1 when nothing is wrong. */
extern int check_configuration(struct check_configuration const *wanted);

/* ---- report_text.c, report_json.c ---- */

extern void check_print_string(char const *text);

extern void check_print_text(struct check_report const *report, unsigned int verbosity);
extern void check_print_json(struct check_report const *report);

#endif
