/* ISC license. */

/* Private to the worker: one connection, in a process of its own. */

#ifndef KTLS_WORKER_H
#define KTLS_WORKER_H

#include "worker/order.h"
#include "dial/dial.h"
#include "protocol/address.h"
#include "tls/tls.h"

struct worker {
    struct master_options const *options;
    struct order const *order;
    struct url url;
    int channel;
    int fd; /* the connection, or what came with the order; -1: none yet */

    int is_client;
    struct tls_config config;
    struct x509_trust trust;
    struct x509_pins pins;
    struct x509_crls crls;
    struct x509_credential credential;
    int has_credential;
    int deposit;       /* where the certificate for ask=sni comes from; -1: nowhere */
    char const *failure; /* why ask=sni failed */
};

/* ---- answer.c ---- */

struct facts {
    char text[ANSWER_MAX - 7]; /* after a word it is an answer */
    size_t len;
};

/* " name=value", the value escaped; left out when there is no room for it. */
extern void facts_add(struct facts *facts, char const *name, char const *value);
extern void facts_add_session(struct facts *facts, struct tls_session const *session, char const *path);
/* remote=, where the other end has an address. */
extern void facts_add_remote(struct facts *facts, int fd);

/* Says "WORD facts", with fd unless it is -1. 0: nobody hears it. */
extern int worker_answer(struct worker const *worker, char const *word, struct facts const *facts, int fd);

/* Says "ERR what: why"; why may be NULL. */
extern void worker_report(struct worker const *worker, char const *what, char const *why);
/* The same, and ends. */
extern _Noreturn void worker_refuse(struct worker const *worker, char const *what, char const *why);
/* The same with errno's text. */
extern _Noreturn void worker_refuse_system(struct worker const *worker, char const *what);

/* ---- deadline.c ---- */

/* The process ends at the deadline, or when the service gives up the channel (-1:
   it is not watched). */
extern void deadline_begin(int64_t deadline, int channel);
/* The deadline does not count any more. */
extern void deadline_end(void);

/* ---- rights.c ---- */

/* The worker has the client's rights until rights_resume. Ends the worker when it may
   not assume them. */
extern void rights_assume(struct worker const *worker);
extern void rights_resume(struct worker const *worker);

/* ---- named_files.c ---- */

/* Loads the files that the URL names, with the client's rights unless there is a
   folder for keys; and with our own those that only our environment names. */
extern void files_load(struct worker *worker);
/* The files of LOAD, as they are, into the socket that came with the order. */
extern _Noreturn void files_deposit(struct worker *worker);

/* ---- ask.c ---- */

/* A certificate and its key on their way into a jail. */
#define ASK_MAX_FILE (128u << 10)

struct ask_deposit {
    uint32_t cert_len, key_len; /* cert_len 0: none; then key_len bytes say why */
    char bytes[2 * ASK_MAX_FILE];
};

/* Lets the client of the service choose the certificate (ask=sni). Before the jail. */
extern void ask_prepare(struct worker *worker);

/* ---- connect.c ---- */

/* The URL's addresses, found by name or read. */
extern void worker_find_addresses(struct worker const *worker, struct dial *dial);
/* A connection that does not block. */
extern int worker_connect(struct worker const *worker, struct dial const *dial);

/* ---- listen.c ---- */

extern int listen_at(struct worker const *worker, struct dial const *dial);

/* ---- worker_handshake.c ---- */

extern _Noreturn void handshake_run(struct worker *worker);

#endif
