/* ISC license. */

/*
 * URLs of ktls-init-protocol(7): what is to be connected, and how.
 *
 *     tls://host:port/?parameters   tcp://host:port   unix:/path
 *     tls:client?parameters         tls:server?parameters
 *     tls:fd:name?parameters        tcp:fd:name
 */

#ifndef KTLS_PROTOCOL_URL_H
#define KTLS_PROTOCOL_URL_H

#include <stddef.h>
#include <stdint.h>

#define URL_MAX 2040 /* so that a reply has room for it and for what was negotiated */
#define URL_MAX_EXPORT 128

enum url_scheme { URL_TLS, URL_TCP, URL_UNIX };

enum url_target {
    URL_HOST,   /* where is a name or an address, with its zone if it has one */
    URL_PATH,   /* where is a path */
    URL_PASSED, /* where is the name of a listening socket that we were started with */
    URL_CLIENT, /* of the connection that comes with the request */
    URL_SERVER,
};

enum url_data_path { URL_ANY_PATH, URL_KERNEL, URL_RELAY };

/* Texts are NULL when they are not given. */
struct url_parameters {
    char const *ciphers, *alpn, *sni, *ca, *pin, *crl, *cert, *key, *exporter, *id;
    unsigned int version;     /* 0: any; TLS_1_2, TLS_1_3 */
    unsigned int verify;      /* 1 unless it is turned off */
    unsigned int client_auth; /* enum tls_client_auth */
    unsigned int ask_sni;
    unsigned int path; /* enum url_data_path */
    unsigned int backlog, timeout_ms;
    unsigned int exporter_len; /* exporter is its label alone */
};

struct url {
    enum url_scheme scheme;
    enum url_target target;
    char const *where;
    uint16_t port;
    struct url_parameters parameters;
    char text[URL_MAX + 1]; /* that the others point into */
};

/* NULL, or a static text: why it is not a URL of the protocol. */
extern char const *url_parse(struct url *url, char const *text);
/* The same for parameters alone, without the question mark. */
extern char const *url_parse_parameters(struct url *url, char const *text);

#endif
