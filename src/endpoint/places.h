/* ISC license. */

/* Where a server's certificates lie, and opening them. */

#ifndef KTLS_PLACES_H
#define KTLS_PLACES_H

#include <limits.h>
#include <stddef.h>

#include "chain/chain.h"

#define MAX_PLACE_NAME (X509_MAX_NAME + 3)

/* In the order in which they are looked at. */
enum chain_place {
    PLACE_VARIABLE,           /* CERTFILE:name */
    PLACE_FOLDER,             /* CERTDIR/name.pem */
    PLACE_WILDCARD,           /* CERTFILE:*.parent */
    PLACE_WILDCARD_IN_FOLDER, /* CERTDIR/_.parent.pem */
    PLACE_DEFAULT,            /* CERTFILE */
    PLACE_DEFAULT_IN_FOLDER,  /* CERTDIR/default.pem */
    PLACES
};

struct opened_file {
    int fd; /* -1: not open */
    size_t size;
};

/* A certificate's file and its key's. The paths are for messages. */
struct opened_pair {
    struct opened_file cert, key; /* key.fd -1: both are in one file */
    char const *certfile, *keyfile, *culprit;
};

/* 0: there is surely nothing at that place. */
extern int places_may_have(struct chain_places const *places, enum chain_place place, char const *server_name);
/* server_name is a DNS name, or "". 1: it is open. 0: there is nothing at that
   place. -1 with errno: what is there cannot be opened; culprit is its path. The
   paths live until the next call. second: of two, the one with the other type of
   key. */
extern int places_open(struct chain_places *places, enum chain_place place, char const *server_name, int second,
                       struct opened_pair *pair);
extern void places_close(struct opened_pair *pair);

/* ---- apart_files.c: the same for a process in jail, by the one that is not ---- */

/* What goes through a SOCK_SEQPACKET socket. */
struct files_request {
    unsigned char place, second;
    char server_name[X509_MAX_NAME + 1];
};

/* places_open in the process that has no files: fd is its end of the socket.
   spare: descriptors that may be closed, since it may have no more than it has. */
extern int apart_files_ask(int fd, int spare[2], enum chain_place place, char const *server_name, int second,
                           struct opened_pair *pair);

/* One server name is answered for; the first that is asked for. */
struct files_server {
    struct chain_places *places;
    char server_name[X509_MAX_NAME + 1];
    unsigned int requests;
};

/* Answers a request of a process that may have been taken over by the peer. 0:
   the request is not a proper one. */
extern int apart_files_answer(struct files_server *server, int fd, struct files_request const *request);

#endif
