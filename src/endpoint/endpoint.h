/* ISC license. */

/*
 * One end of a TLS connection: what it is to be, the connection itself, its
 * credentials, the handshake here or in a jailed process, and what the session
 * says of the peer.
 *
 * Functions that can fail give 1, or 0 when they have set the error. None ends
 * the program.
 */

#ifndef KTLS_ENDPOINT_H
#define KTLS_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "program/program.h"
#include "tls/tls.h"

/* ---- settings.c ---- */

/* A certificate's files. */
struct endpoint_files {
    char const *certfile, *keyfile; /* NULL: not set */
};

struct endpoint_settings {
    enum ktls_role role;

    /* options of a command line */
    char const *alpn, *ciphers, *servername; /* NULL: not given */
    uint16_t only_version;    /* 0: any */
    unsigned int client_auth; /* of a server: enum tls_client_auth */
    unsigned int sni_level;   /* of a server: 1 looks for certificates by server name, 2 nowhere else */
    unsigned int client_cert, no_verify_cert; /* of a client */

    /* variables; NULL: not set */
    char const *cadir, *cafile, *crldir, *crlfile, *peerpin;
    struct endpoint_files files[2]; /* CERTFILE and KEYFILE, CERTFILE2 and KEYFILE2 */
    char const *certdir, *ticketkeyfile;
    uid_t uid; /* TLS_UID and TLS_GID where we are root; 0: not to be changed */
    gid_t gid;
};

/* The names of the variables, but for hosts.c's; the last is NULL. */
extern char const *const endpoint_variables[];
extern int endpoint_read_variables(struct endpoint_settings *settings, struct program_error *error);
/* What the settings say, but for credentials. */
extern int endpoint_configure(struct tls_config *config, struct endpoint_settings const *settings,
                              struct program_error *error);
/* 1: the client's hello decides about the server's certificate. */
extern int endpoint_chooses_by_hello(struct endpoint_settings const *settings);

/* ---- hosts.c: certificates by server name, in variables CERTFILE:name and so on ---- */

/* Every such variable has its other half and an ASCII name. *count: how many there are. */
extern int hosts_check(size_t *count, struct program_error *error);
/* 1: the files for that name; files[1] are those of CERTFILE2:name. 0: there are
   none. -1: the variables of that name do not fit together. */
extern int hosts_find(char const *name, struct endpoint_files files[2], struct program_error *error);
/* Calls f once for each name that has variables, until it gives 0; gives what f did. */
extern int hosts_each(int (*f)(void *ctx, char const *name, struct program_error *error), void *ctx,
                      struct program_error *error);
/* Both files are set, or neither is. second: they are CERTFILE2 and KEYFILE2. */
extern int hosts_check_pair(struct endpoint_files const *files, int second, struct program_error *error);
/* Takes all such variables out of the environment. */
extern void hosts_remove_variables(void);

/* ---- endpoint_connection.c ---- */

struct endpoint_connection {
    int fdr, fdw;
    int unattached;   /* 0: a TCP socket that is ready for keys; else errno says why not */
    int nodelay;      /* as it was; -1: not TCP */
    int64_t deadline; /* of the handshake and of tickets, in ms of CLOCK_MONOTONIC; 0: none */

    /* After a failed handshake, for endpoint_linger. */
    unsigned char has_sent_alert;
    struct endpoint_child {
        pid_t pid; /* 0: none */
        int fd;    /* our end of its socket */
    } child;       /* it lingers */
};

/* Makes it ready for the handshake, and, unless for_user_space, for keys in the kernel. */
extern void endpoint_open(struct endpoint_connection *connection, int fdr, int fdw, int for_user_space);
/* Its options as they were before. */
extern void endpoint_settle(struct endpoint_connection const *connection);
/* 1: both directions are protected by the kernel. 0: neither is, -1: only one
   is, errno says why. */
extern int endpoint_install_keys(struct endpoint_connection const *connection, struct tls_session const *session);
/* Whoever else has the socket: no byte passes any more. */
extern void endpoint_cut(struct endpoint_connection const *connection);

/* ---- endpoint.c ---- */

/* tls_server_handshake or tls_client_handshake. */
typedef int endpoint_handshake(struct tls_config const *config, struct tls_transport const *transport,
                               struct tls_session *session, struct tls_error *error);

/* Loads the credentials, shakes hands and forgets them: in this process, or where
   TLS_UID or TLS_GID asks for it in a jailed one. */
extern int endpoint_shake_hands(struct endpoint_settings const *settings, struct tls_config *config,
                                struct endpoint_connection *connection, endpoint_handshake *handshake,
                                struct tls_session *session, struct program_error *error);
/* To be called after a failed handshake, when the failure has been told: gives the
   peer time to receive our alert. */
extern void endpoint_linger(struct endpoint_connection *connection);

/* ---- drain.c ---- */

/* Takes a TLS 1.3 server's tickets off a socket that has its keys, so that the
   first thing prog reads is data. A server that is still sending them at the
   connection's deadline has failed. 0: the connection is cut. */
extern int endpoint_drain_tickets(struct endpoint_connection const *connection, unsigned int rtt_ms,
                                  struct program_error *error);
/* The same, where the handshake was: here or in a jailed process. */
extern int endpoint_drain(struct endpoint_settings const *settings, struct endpoint_connection const *connection,
                          unsigned int rtt_ms, struct program_error *error);

/* ---- session_facts.c ---- */

#define ENDPOINT_PEER_HASH (7 + 2 * 32 + 1) /* SHA256:hex */

/* What the session says of itself and of the peer. The pointers lead into the
   session and into hash. */
extern void endpoint_describe(struct program_session *facts, struct tls_session const *session, char const *path,
                              char hash[ENDPOINT_PEER_HASH]);

#endif
