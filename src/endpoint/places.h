/* ISC license. */

/* Where a server's certificates lie, and opening them. */

#ifndef KTLS_PLACES_H
#define KTLS_PLACES_H

#include <limits.h>

#include "endpoint/endpoint.h"

#define MAX_PLACE_NAME (X509_MAX_NAME + 3)

/* In the order in which they are looked at. */
enum place {
    PLACE_VARIABLE,           /* CERTFILE:name */
    PLACE_FOLDER,             /* CERTDIR/name.pem */
    PLACE_WILDCARD,           /* CERTFILE:*.parent */
    PLACE_WILDCARD_IN_FOLDER, /* CERTDIR/_.parent.pem */
    PLACE_DEFAULT,            /* CERTFILE */
    PLACE_DEFAULT_IN_FOLDER,  /* CERTDIR/default.pem */
    PLACES
};

struct places {
    struct endpoint_files fallback[2]; /* CERTFILE and KEYFILE, CERTFILE2 and KEYFILE2 */
    char const *folder;                /* CERTDIR; NULL: not set */
    unsigned char has_variables;       /* with names */
    unsigned char strict;              /* no certificate but the name's own */
    char certfile[PATH_MAX], keyfile[PATH_MAX]; /* in the folder, the last that was looked for */
};

struct opened_file {
    int fd; /* -1: not open */
    size_t size;
};

/* A certificate's file and its key's. The paths are for messages. */
struct opened_pair {
    struct opened_file cert, key; /* key.fd -1: both are in one file */
    char const *certfile, *keyfile;
};

extern void places_init(struct places *places, struct endpoint_settings const *settings);
/* 0: there is surely nothing at that place. */
extern int places_may_have(struct places const *places, enum place place, char const *server_name);
/* server_name is a DNS name, or "". 1: it is open. 0: there is nothing at that
   place. -1: what is there cannot be opened. The paths live until the next call.
   second: of two, the one with the other type of key. */
extern int places_open(struct places *places, enum place place, char const *server_name, int second,
                       struct opened_pair *pair, struct program_error *error);
extern void places_close(struct opened_pair *pair);

/* ---- privsep_files.c: the same for a process in jail, by the one that is not ---- */

/* What goes through a SOCK_SEQPACKET socket. */
struct files_request {
    unsigned char place, second;
    char server_name[X509_MAX_NAME + 1];
};

/* places_open in the process that has no files: fd is its end of the socket.
   spare: descriptors that may be closed, since it may have no more than it has. */
extern int privsep_ask_files(int fd, int spare[2], enum place place, char const *server_name, int second,
                             struct opened_pair *pair, struct program_error *error);

/* One server name is answered for; the first that is asked for. */
struct files_server {
    struct places *places;
    char server_name[X509_MAX_NAME + 1];
    unsigned int requests;
};

/* Answers a request of a process that may have been taken over by the peer. 0:
   the request is not a proper one. */
extern int privsep_answer_files(struct files_server *server, int fd, struct files_request const *request);

#endif
