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

/* Moves bytes to and from the peer. read returns the number of bytes read, 0 at the end
   of the stream, or -1 with errno; it never reads more than len bytes. write writes
   everything or returns -1 with errno. ETIMEDOUT: the deadline has passed. */
struct tls_transport {
    ssize_t (*read)(void *ctx, void *buf, size_t len);
    ssize_t (*write)(void *ctx, void const *buf, size_t len);
    void *ctx;
};

/* A transport on descriptors (the same one twice for a socket), blocking or
   not; it does not change their flags. deadline in ms of CLOCK_MONOTONIC, 0 for
   none: it limits the whole handshake, not each read. */
struct tls_fd_transport {
    int fdr, fdw;
    int64_t deadline;
    int may_have_more; /* private: more bytes may be readable without waiting */
};

extern int64_t tls_deadline_after(unsigned int ms); /* 0 returns 0: no deadline */
extern struct tls_transport tls_transport_on_fds(struct tls_fd_transport *fds);
/* For use after a fatal alert: ends writing, and discards bytes from the peer (for at most
   a second and 256 KiB), so that a reset does not overtake the alert. */
extern void tls_transport_linger(struct tls_fd_transport const *fds);

/* The parts of a ClientHello by which a server can choose its certificate. Valid during the call. */
struct tls_hello {
    char const *server_name;   /* in lower case; "" when the client sent none */
    unsigned char const *alpn; /* ProtocolNameList bytes that the client offers; NULL: none */
    size_t alpn_len;
    unsigned int key_types;    /* mask of 1 << enum crypto_key_type, for each type that the client supports */
    struct tls_offer const *offer;
};

/* 1 when the client can use a credential: its key, and the signatures of its
   chain (RFC 8446, 4.4.2.2). */
extern int tls_hello_suits(struct tls_hello const *hello, struct x509_credential const *credential);

/* Chooses a server's credentials by the hello, once per handshake. credential
   contains the configured ones, which the function may replace; they must stay valid
   until the handshake ends. Returns 1 to continue, 0 to send the alert unrecognized_name,
   -1 to send internal_error. The time it needs counts against the deadline. */
struct tls_choose {
    int (*function)(void *ctx, struct tls_hello const *hello, struct x509_credential const *credential[2]);
    void *ctx;
};

#define TLS_TICKET_KEY 32
#define TLS_MAX_TICKET_KEYS 8

/* The keys that seal a server's session tickets (RFC 8446, 4.6.1; RFC 5077); the first
   one seals new tickets. Secret: whoever has a key and has recorded a session of
   TLS 1.2 with its ticket can decrypt that session. */
struct tls_ticket_keys {
    size_t count;
    unsigned char key[TLS_MAX_TICKET_KEYS][TLS_TICKET_KEY];
};

/* Called with the peer's certificates after they were verified. Returns 0 to accept them,
   or the fatal alert (enum tls_alert) that refuses them. */
struct tls_verify {
    int (*function)(void *ctx, struct x509_chain const *chain);
    void *ctx;
};

#define TLS_MAX_GROUPS 8

struct tls_config {
    uint16_t min_version, max_version;     /* TLS_1_2 or TLS_1_3; a version without a suite is disabled */
    uint16_t suites[CRYPTO_SUITES];        /* ids in our order of preference */
    size_t suite_count;
    unsigned char const *alpn;             /* ProtocolNameList bytes (RFC 7301) without the outer length; our order */
    size_t alpn_len;
    struct x509_credential const *credential[2]; /* of different key types; NULL: none */
    uint16_t groups[TLS_MAX_GROUPS];       /* enum crypto_group, in our order of preference; at least one */
    size_t group_count;
    uint16_t schemes[CRYPTO_SCHEMES];      /* for signatures of the handshake, ours and the peer's */
    size_t scheme_count;
    struct x509_trust const *trust;        /* with trust or pins the peer's certificate is verified */
    struct x509_pins const *pins;          /* one must match the peer's key; without trust that is sufficient */
    struct x509_crls const *crls;          /* NULL: revocation is not checked */
    int64_t now;                           /* time for validity checks, s since 1970; 0: the current time */
    struct tls_verify verify;              /* function NULL: none */
    struct crypto_random random;

    /* client */
    char const *server_name; /* DNS name or IP literal to verify; a DNS name is sent as SNI. NULL: none */
    unsigned char ask_tickets; /* offer psk_dhe_ke, so that servers send their tickets immediately */

    /* server */
    enum tls_client_auth { TLS_NO_CLIENT_CERT, TLS_REQUEST_CLIENT_CERT, TLS_REQUIRE_CLIENT_CERT } client_auth;
    struct tls_choose choose; /* function NULL: every client gets the credentials above */
    /* NULL: no session is resumed. With client_auth no session is resumed, either,
       because the client's certificate would not be verified again. */
    struct tls_ticket_keys const *ticket_keys;
};

/* Sets the defaults: both versions, all suites (AES first where the CPU has AES instructions),
   all groups and schemes, no ALPN, no credential, no trust, the system's random numbers. */
extern void tls_config_init(struct tls_config *config);

/* 1 when the version is within the limits and has a suite. When this is true of no
   version, every handshake fails. */
extern int tls_config_enables(struct tls_config const *config, uint16_t version);

/* Parse comma- or colon-separated lists from a command line; return 0 when the list is
   malformed or an item is unknown. tls_parse_alpn writes at most max ProtocolNameList bytes. */
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
    /* TLS 1.3: the secrets from which the next KeyUpdate derives keys (RFC 8446, 7.2). */
    unsigned char tx_secret[TLS_MAX_SECRET], rx_secret[TLS_MAX_SECRET];
    char server_name[X509_MAX_NAME + 1]; /* sent by the client, in lower case; "" when none */
    char alpn[256];                      /* "" when none */
    unsigned char resumed;               /* by a ticket: no certificate was sent */
    unsigned char peer_present;          /* a certificate was sent and possession of its key proven */
    unsigned char peer_verified;         /* the chain was verified, too */
    unsigned char peer_hash[32];         /* SHA-256 of the end-entity certificate */
    char peer_subject[TLS_MAX_SUBJECT];
    char peer_alt_names[TLS_MAX_ALT_NAMES]; /* in the format of x509_alt_names */
    /* The peer's certificates in DER, one after the other, the end-entity
       certificate first; those that do not fit are left out. */
    unsigned char peer_chain[TLS_MAX_PEER_CHAIN];
    uint32_t peer_chain_len;
    uint16_t group;                      /* of the key exchange; 0 for a resumed session of TLS 1.2 */
    uint16_t server_scheme, client_scheme; /* of each peer's signature; 0: it did not sign */
    unsigned char retried;               /* there was a HelloRetryRequest */
    struct x509_credential const *credential; /* the one we presented; NULL: none, or not in this process */
    uint32_t rtt_ms;                     /* the longest wait for a flight of the peer */
    uint64_t bytes_sent;                 /* by the handshake */
    /* The input of tls_export. */
    unsigned char exporter_secret[TLS_MAX_SECRET]; /* 1.3: exporter_master_secret, 1.2: the master secret */
    unsigned char client_random[32], server_random[32];
    unsigned char extended_master_secret;
};

struct tls_error {
    enum tls_error_kind {
        TLS_ERROR_NONE,
        TLS_ERROR_SYSTEM,  /* the transport failed, or memory is exhausted; number is errno */
        TLS_ERROR_TIMEOUT,
        TLS_ERROR_EOF,     /* the peer closed the connection during the handshake */
        TLS_ERROR_SENT,    /* we aborted the handshake; number is the alert that we sent */
        TLS_ERROR_RECEIVED /* the peer aborted the handshake; number is its alert */
    } kind;
    int number;
    char const *reason; /* static text */
    char certificate[X509_MAX_CULPRIT]; /* the certificate that caused the error, as x509_verify names it; or "" */
    /* Server: the peer sent nothing, or its first bytes are not a handshake record.
       Health checks and scanners do that. */
    unsigned char no_hello;
    /* The handshake continued after this failure, which is a bug. The result is a failure
       nevertheless; the unit tests check this flag. */
    unsigned char went_on;
};

/* 1: done; *session is filled and must be wiped by the caller. 0: failed; *error contains
   the reason, and the fatal alert has been sent where the protocol requires one. */
extern int tls_client_handshake(struct tls_config const *config, struct tls_transport const *transport,
                                struct tls_session *session, struct tls_error *error);
extern int tls_server_handshake(struct tls_config const *config, struct tls_transport const *transport,
                                struct tls_session *session, struct tls_error *error);

/* Writes one line of text: "received alert handshake_failure", "REASON (sent alert ...)". */
extern void tls_error_text(struct tls_error const *error, char *out, size_t max);

#define TLS_MAX_EXPORT_CONTEXT 1024
#define TLS_MAX_EXPORT (255 * 32)

/* Exports keying material for the application (RFC 8446, 7.5; RFC 5705). context NULL
   means no context, which in TLS 1.2 differs from an empty one. Returns 0 when the label
   is reserved or too long, context or out is too long, or the session is one of TLS 1.2
   without extended master secret (RFC 7627, 5.4). */
extern int tls_export(struct tls_session const *session, char const *label, void const *context,
                      size_t context_len, unsigned char *out, size_t len);

#pragma GCC visibility pop

#endif
