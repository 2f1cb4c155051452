/* ISC license. */

/*
 * The TLS handshake, client and server, versions 1.3 (RFC 8446) and 1.2
 * (RFC 5246, with 5746, 7627, 7905 and 8422).
 *
 * A handshake reads exactly the records it needs from its transport, writes
 * each flight with one call, and yields a tls_session: the keys and sequence
 * numbers of both directions, ready for the kernel or for user space. It
 * allocates one block for its duration and wipes it on every path.
 */

#ifndef KTLS_TLS_H
#define KTLS_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/crypto.h"
#include "x509/x509.h"

#pragma GCC visibility push(default)

/* The registry's name, or "unknown alert". */
extern char const *tls_alert_name(unsigned int description);

/* How bytes reach the peer. read gives at least one byte, 0 at the end of the
   stream, or -1 with errno; it never takes more than it is asked for. write
   takes everything or gives -1 with errno. ETIMEDOUT is a passed deadline. */
struct tls_transport {
    ssize_t (*read)(void *ctx, void *buf, size_t len);
    ssize_t (*write)(void *ctx, void const *buf, size_t len);
    void *ctx;
};

/* A transport on descriptors (the same one twice for a socket), blocking or
   not, that leaves their flags alone. deadline in ms of CLOCK_MONOTONIC, 0 for
   none: it bounds the whole handshake, not each read. */
struct tls_fd_transport {
    int fdr, fdw;
    int64_t deadline;
    int may_have_more; /* private: of what the peer sent, more may be there to be read */
};

extern int64_t tls_deadline_after(unsigned int ms); /* 0 gives 0: none */
extern struct tls_transport tls_transport_on_fds(struct tls_fd_transport *fds);
/* After a fatal alert: no more writing, and what the peer still sends is
   dropped (within a second and 256 KiB), so that a reset does not overtake the alert. */
extern void tls_transport_linger(struct tls_fd_transport const *fds);

/* What a server knows when it chooses its certificate. Valid during the call. */
struct tls_hello {
    char const *server_name;   /* in lower case; "" when the client names none */
    unsigned char const *alpn; /* ProtocolNameList bytes that the client offers; NULL: none */
    size_t alpn_len;
    unsigned int key_types;    /* mask of 1 << enum crypto_key_type: those that the client can use */
    struct tls_offer const *offer;
};

/* 1 when the client can use a credential: its key, and the signatures of its
   chain (RFC 8446, 4.4.2.2). */
extern int tls_hello_suits(struct tls_hello const *hello, struct x509_credential const *credential);

/* Chooses a server's credentials by the hello, once per handshake. credential
   holds the configured ones. 1: go on with what it holds now, which must stay
   until the handshake ends. 0: the alert unrecognized_name. -1: internal_error.
   It may take its time: that counts against the deadline. */
struct tls_choose {
    int (*function)(void *ctx, struct tls_hello const *hello, struct x509_credential const *credential[2]);
    void *ctx;
};

#define TLS_TICKET_KEY 32
#define TLS_MAX_TICKET_KEYS 8

/* What a server seals its session tickets with (RFC 8446, 4.6.1; RFC 5077): new
   ones with the first key. Secret: with a key and a ticket on the wire, a
   session of TLS 1.2 that was recorded can be read. */
struct tls_ticket_keys {
    size_t count;
    unsigned char key[TLS_MAX_TICKET_KEYS][TLS_TICKET_KEY];
};

/* Looks at the peer's certificates once all else about them is right. 0: go on;
   else the alert (enum tls_alert) that refuses them, a fatal one. */
struct tls_verify {
    int (*function)(void *ctx, struct x509_chain const *chain);
    void *ctx;
};

#define TLS_MAX_GROUPS 8

struct tls_config {
    uint16_t min_version, max_version;     /* TLS_1_2 or TLS_1_3; one without a suite is not enabled */
    uint16_t suites[CRYPTO_SUITES];        /* ids in our order of preference */
    size_t suite_count;
    unsigned char const *alpn;             /* ProtocolNameList bytes (RFC 7301) without the outer length; our order */
    size_t alpn_len;
    struct x509_credential const *credential[2]; /* of different key types; NULL: none */
    uint16_t groups[TLS_MAX_GROUPS];       /* enum crypto_group, in our order of preference; at least one */
    size_t group_count;
    uint16_t schemes[CRYPTO_SCHEMES];      /* for signatures of the handshake, ours and the peer's */
    size_t scheme_count;
    struct x509_trust const *trust;        /* with it, or with pins, the peer's certificate is verified */
    struct x509_pins const *pins;          /* one of them must be the peer's key; without trust that is enough */
    struct x509_crls const *crls;          /* NULL: nothing is looked at for revocation */
    int64_t now;                           /* when certificates are to be valid, s since 1970; 0: the clock tells */
    struct tls_verify verify;              /* function NULL: none */
    struct crypto_random random;

    /* client */
    char const *server_name; /* DNS name or IP literal to verify; a DNS name is sent as SNI. NULL: none */
    unsigned char ask_tickets; /* offer psk_dhe_ke, so that servers send their tickets at once */

    /* server */
    enum tls_client_auth { TLS_NO_CLIENT_CERT, TLS_REQUEST_CLIENT_CERT, TLS_REQUIRE_CLIENT_CERT } client_auth;
    struct tls_choose choose; /* function NULL: the credentials above for every client */
    /* NULL: no session is resumed. With client_auth none is, either: who it was
       would have to be believed. */
    struct tls_ticket_keys const *ticket_keys;
};

/* Both versions, all suites (AES first where the CPU is fast at it), all groups
   and schemes, no ALPN, no credential, no trust, the system's randomness. */
extern void tls_config_init(struct tls_config *config);

/* 1 when the version is within the limits and has a suite; with none that is,
   every handshake fails. */
extern int tls_config_enables(struct tls_config const *config, uint16_t version);

/* Comma- or colon-separated lists from a command line; 0 when one is malformed
   or unknown. tls_parse_alpn writes ProtocolNameList bytes, at most max. */
extern int tls_parse_suites(struct tls_config *config, char const *list);
extern size_t tls_parse_alpn(unsigned char *out, size_t max, char const *list);

#define TLS_MAX_SECRET 48
#define TLS_MAX_SUBJECT 512
#define TLS_MAX_ALT_NAMES 4096
#define TLS_MAX_PEER_CHAIN 16384

struct tls_session {
    uint16_t version;
    struct crypto_suite const *suite;
    struct ktls_traffic_keys tx, rx;
    /* TLS 1.3: what the next KeyUpdate derives from (RFC 8446, 7.2). */
    unsigned char tx_secret[TLS_MAX_SECRET], rx_secret[TLS_MAX_SECRET];
    char server_name[X509_MAX_NAME + 1]; /* that the client sent, in lower case; "" when none */
    char alpn[256];                      /* "" when none */
    unsigned char resumed;               /* by a ticket: no certificate was sent */
    unsigned char peer_present;          /* a certificate was sent and its key proven */
    unsigned char peer_verified;         /* and its chain verified */
    unsigned char peer_hash[32];         /* SHA-256 of the end-entity certificate */
    char peer_subject[TLS_MAX_SUBJECT];
    char peer_alt_names[TLS_MAX_ALT_NAMES]; /* as x509_alt_names gives them */
    /* The peer's certificates in DER, one after the other, the end entity's
       first: as many as the peer sent and there is room for. */
    unsigned char peer_chain[TLS_MAX_PEER_CHAIN];
    uint32_t peer_chain_len;
    uint16_t group;                      /* of the key exchange; 0 for a resumed session of TLS 1.2 */
    uint16_t server_scheme, client_scheme; /* that each signed with; 0: it did not sign */
    unsigned char retried;               /* there was a HelloRetryRequest */
    struct x509_credential const *credential; /* that we presented; NULL: none, or not in this process */
    uint32_t rtt_ms;                     /* the longest wait for a flight of the peer */
    uint64_t bytes_sent;                 /* by the handshake */
    /* What tls_export derives from. */
    unsigned char exporter_secret[TLS_MAX_SECRET]; /* 1.3: exporter_master_secret, 1.2: the master secret */
    unsigned char client_random[32], server_random[32];
    unsigned char extended_master_secret;
};

struct tls_error {
    enum tls_error_kind {
        TLS_ERROR_NONE,
        TLS_ERROR_SYSTEM,  /* errno in number; the transport or memory */
        TLS_ERROR_TIMEOUT,
        TLS_ERROR_EOF,     /* the peer closed in the middle */
        TLS_ERROR_SENT,    /* we ended it: number is the alert that we sent */
        TLS_ERROR_RECEIVED /* the peer ended it: number is its alert */
    } kind;
    int number;
    char const *reason; /* static text */
    char certificate[X509_MAX_CULPRIT]; /* that the reason is about, as x509_verify tells it; "" for none */
    /* Server: the peer sent nothing, or its first bytes are no handshake record.
       Health checks and scanners do that. */
    unsigned char no_hello;
    /* The handshake went on after this failure: an error of ours. It has failed all the
       same; the unit tests look for it. */
    unsigned char went_on;
};

/* 1: done, *session is filled and must be wiped by the caller. 0: *error says
   why, and the fatal alert has been sent where the protocol wants one. */
extern int tls_client_handshake(struct tls_config const *config, struct tls_transport const *transport,
                                struct tls_session *session, struct tls_error *error);
extern int tls_server_handshake(struct tls_config const *config, struct tls_transport const *transport,
                                struct tls_session *session, struct tls_error *error);

/* One line for people: "received alert handshake_failure", "sent alert ...: why". */
extern void tls_error_text(struct tls_error const *error, char *out, size_t max);

#define TLS_MAX_EXPORT_CONTEXT 1024
#define TLS_MAX_EXPORT (255 * 32)

/* Keying material for the application (RFC 8446, 7.5; RFC 5705). context NULL
   is none, which in TLS 1.2 is not the same as an empty one. 0 when the label is
   the protocol's own or too long, context or out too long, or the session is one
   of TLS 1.2 without extended master secret (RFC 7627, 5.4). */
extern int tls_export(struct tls_session const *session, char const *label, void const *context,
                      size_t context_len, unsigned char *out, size_t len);

#pragma GCC visibility pop

#endif
