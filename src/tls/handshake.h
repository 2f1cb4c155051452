/* ISC license. */

/* Private to this layer: the state of one handshake, and the functions that work on it. */

#ifndef KTLS_TLS_HANDSHAKE_H
#define KTLS_TLS_HANDSHAKE_H

#include "tls/tls.h"
#include "tls/wire.h"

#define MAX_CLIENT_HELLO 131400     /* the longest that RFC 8446, 4.1.2 can express, header counted */
#define MAX_HELLO 65792             /* limit for the other hello messages */
#define MAX_CERTIFICATE_MESSAGE 131072
#define MAX_MESSAGE 16384           /* any other handshake message */
#define MAX_NUISANCE 32             /* dummy CCS, warnings and HelloRequests together */
#define MAX_SKIPPED_EARLY_DATA 65536

/* The longest case: a second ClientHello after the first. */
#define IN_SIZE (2 * MAX_CLIENT_HELLO + TLS_RECORD_HEADER + TLS_MAX_FRAGMENT + TLS_MAX_EXPANSION_1_2)
#define STAGE_SIZE (X509_MAX_CHAIN + 16384)
#define OUT_SIZE (STAGE_SIZE + 4096)
#define HELLO_SIZE MAX_HELLO

/* A received handshake message; valid until the next one is read. */
struct message {
    enum tls_handshake_type type;
    struct span body;
    struct span bytes; /* with its four-byte header */
};

struct handshake {
    struct tls_config const *config;
    struct tls_transport transport;
    struct tls_session *session;
    struct tls_error *error;

    /* what is negotiated; version is 0 until then */
    uint16_t version;
    struct crypto_suite const *suite;
    struct crypto_scheme const *scheme;        /* of our signature */
    struct x509_credential const *own[2];      /* server: the candidates for credential */
    struct x509_credential const *credential;  /* the one we present; NULL: none */
    struct crypto_transcript transcript;
    struct crypto_transcript at_binders; /* server: the transcript that a PSK's binder covers */
    unsigned char client_random[32], server_random[32];
    unsigned char session_id[32];
    size_t session_id_len;

    /* secrets */
    struct crypto_share share;
    uint16_t retry_group; /* client: selected by a HelloRetryRequest; its share replaces all others */
    struct {
        unsigned char psk[CRYPTO_MAX_HASH];     /* 1.3: of the session that is resumed; zero: none */
        unsigned char current[CRYPTO_MAX_HASH]; /* 1.3: early, handshake, then master secret */
        unsigned char client[CRYPTO_MAX_HASH];  /* 1.3: the current epoch's traffic secrets */
        unsigned char server[CRYPTO_MAX_HASH];
        unsigned char next_client[CRYPTO_MAX_HASH]; /* 1.3: application traffic secrets */
        unsigned char next_server[CRYPTO_MAX_HASH];
        unsigned char exporter[CRYPTO_MAX_HASH];    /* 1.3: exporter_master_secret */
        unsigned char master[48];               /* 1.2 */
    } secret;
    struct ktls_traffic_keys tx, rx;
    struct ktls_traffic_keys next_tx, next_rx; /* 1.2: for after the ChangeCipherSpec */

    /* record layer */
    unsigned char is_server;
    unsigned char enables12, enables13;
    unsigned char tx_protected, rx_protected;
    unsigned char dummy_ccs_allowed; /* TLS 1.3's middlebox compatibility (RFC 8446, 5) */
    unsigned char dummy_ccs_seen;
    unsigned char dummy_ccs_sent;
    unsigned char extended_master_secret;
    unsigned char resumes;
    unsigned char gives_ticket; /* server: decided while the ClientHello is available */
    unsigned int psk_identity; /* 1.3: index of the accepted identity */
    uint64_t since;            /* the full handshake that is resumed, in s of CLOCK_REALTIME */
    uint64_t bytes_sent;
    unsigned char hello_sent;
    unsigned char hello_begun; /* server: the peer's first record is a handshake record */
    unsigned int nuisances;
    size_t early_data_left; /* bytes of undecryptable records that may still be skipped */
    int64_t flushed_at;     /* ms; 0: the peer has answered since then */

    struct crypto_public_key peer_key;

    /* handshake messages received: in[start..end); nothing below keep is reused */
    size_t in_keep, in_start, in_end, in_used;
    struct writer stage; /* handshake messages not yet in records */
    size_t message_mark; /* start of the message being written */
    size_t out_len;
    size_t hello_len; /* client: the ClientHello as sent */

    unsigned char in[IN_SIZE];
    unsigned char stage_bytes[STAGE_SIZE];
    unsigned char out[OUT_SIZE];
    unsigned char hello[HELLO_SIZE];
};

/* ---- failure.c ---- */

/* Records the first failure and the alert for it; always returns 0. */
extern int tls_fail(struct handshake *hs, enum tls_alert alert, char const *reason);
extern int tls_fail_system(struct handshake *hs);
extern int tls_fail_with(struct handshake *hs, enum tls_error_kind kind, int number, char const *reason);

/* ---- transport.c ---- */

extern int64_t tls_now_ms(void); /* of CLOCK_MONOTONIC */

/* ---- record_in.c: records in ---- */

struct record {
    unsigned char type;
    unsigned char *fragment;
    size_t len;
};

/* Reads and opens the next record that has to be judged by the caller; alerts and dummy
   ChangeCipherSpecs are handled here. The fragment is stored at in + in_end. */
extern int tls_next_record(struct handshake *hs, struct record *record);
/* Fails when bytes of a message are left: keys may change only without any. */
extern int tls_at_record_boundary(struct handshake *hs);

/* ---- message_in.c: handshake messages in ---- */

extern int tls_next_message(struct handshake *hs, struct message *m);
extern int tls_expect_message(struct handshake *hs, enum tls_handshake_type type, struct message *m);
extern int tls_expect_change_cipher_spec(struct handshake *hs);
/* Expects a Finished with this verify_data. */
extern int tls_read_finished(struct handshake *hs, unsigned char const *expected, size_t len);
extern void tls_add_to_transcript(struct handshake *hs, struct message const *m);
/* Replaces ClientHello1 by its message_hash (RFC 8446, 4.4.1). */
extern void tls_restart_transcript(struct handshake *hs);

/* ---- flight_out.c: messages and records out ---- */

extern struct writer *tls_begin_message(struct handshake *hs, enum tls_handshake_type type);
extern int tls_end_message(struct handshake *hs);     /* adds it to the transcript */
extern int tls_seal_staged(struct handshake *hs);     /* seals staged messages under the current keys */
extern int tls_put_change_cipher_spec(struct handshake *hs);
extern int tls_flush_flight(struct handshake *hs);    /* one write */
extern void tls_send_alert(struct handshake *hs, unsigned int level, unsigned int description);

/* ---- extension.c ---- */

/* The extensions that we support; the order is the index below. */
enum extension {
    EXT_SERVER_NAME,
    EXT_SUPPORTED_GROUPS,
    EXT_EC_POINT_FORMATS,
    EXT_SIGNATURE_ALGORITHMS,
    EXT_ALPN,
    EXT_PADDING,
    EXT_EXTENDED_MASTER_SECRET,
    EXT_SESSION_TICKET,
    EXT_PRE_SHARED_KEY,
    EXT_EARLY_DATA,
    EXT_SUPPORTED_VERSIONS,
    EXT_COOKIE,
    EXT_PSK_KEY_EXCHANGE_MODES,
    EXT_SIGNATURE_ALGORITHMS_CERT,
    EXT_KEY_SHARE,
    EXT_RENEGOTIATION_INFO,
    EXTENSIONS
};

extern uint16_t const tls_extension_type[EXTENSIONS];

/* A parsed extension block; body[e].p is NULL when e is absent. */
struct extensions {
    struct span body[EXTENSIONS];
    uint16_t last; /* the type of the last one */
};

#define HAS(x, e) ((x)->body[e].p != NULL)

extern int tls_parse_extensions(struct handshake *hs, struct span block, struct extensions *x);
/* Parses an answer: each extension must be in our ClientHello (else unsupported_extension)
   and in the mask of those allowed here (else illegal_parameter). An unknown extension
   that was offered is ignored. */
#define BIT(e) (1u << (e))
extern int tls_parse_answer(struct handshake *hs, struct span block, unsigned int allowed, struct extensions *x);
extern size_t tls_open_extension(struct writer *w, enum extension e);
extern void tls_close_extension(struct writer *w, size_t mark);
/* Writes an extension that is one vector with a length prefix of `prefix` bytes; 0: the bytes alone. */
extern void tls_put_extension(struct writer *w, enum extension e, size_t prefix, void const *bytes, size_t len);
extern void tls_put_empty_extension(struct writer *w, enum extension e);
extern void tls_put_list16(struct writer *w, enum extension e, size_t prefix, uint16_t const *list, size_t count);
/* Writes a vector with a length prefix of `prefix` bytes. */
extern void tls_write_list16(struct writer *w, size_t prefix, uint16_t const *list, size_t count);
/* Writes signature_algorithms, and signature_algorithms_cert when it differs (RFC 8446, 4.2.3). */
extern void tls_put_scheme_extensions(struct handshake const *hs, struct writer *w);

/* ---- client_hello.c ---- */

struct client_hello {
    unsigned int legacy_version;
    struct span random, session_id, cipher_suites, compression, extension_block;
    struct extensions x;
    /* derived */
    struct span server_name, versions, groups, signature_algorithms, alpn, shares;
    struct span psk_identities, psk_binders;
    struct span certificate_schemes; /* signature_algorithms_cert, or else signature_algorithms */
};

/* The name for the server_name extension; p NULL: none. */
extern struct span tls_offered_server_name(struct tls_config const *config);
/* Includes the key share hs->share. cookie.p NULL: no cookie. */
extern int tls_write_client_hello(struct handshake *hs, struct span cookie);
extern int tls_parse_client_hello(struct handshake *hs, struct message const *m, struct client_hello *hello);
/* Also saves the transcript that PSK binders cover (RFC 8446, 4.2.11.2). */
extern void tls_add_hello_to_transcript(struct handshake *hs, struct message const *m,
                                    struct client_hello const *hello);
extern void tls_note_server_name(struct handshake *hs, struct span name); /* in lower case */
/* 1 when the second hello differs from the first only where RFC 8446, 4.1.2 allows. */
extern int tls_is_same_hello(struct client_hello const *first, struct client_hello const *second);

/* ---- server_hello.c ---- */

extern unsigned char const tls_hello_retry_random[32];

struct server_hello {
    unsigned int legacy_version, cipher_suite, compression;
    struct span random, session_id, extension_block;
    int is_retry;
};

extern int tls_parse_server_hello(struct handshake *hs, struct message const *m, struct server_hello *hello);
extern struct writer *tls_begin_server_hello(struct handshake *hs, unsigned char const *random);
/* Check and adopt the server's choice, in both versions. */
extern int tls_take_suite(struct handshake *hs, struct server_hello const *hello);
extern int tls_take_alpn(struct handshake *hs, struct extensions const *x);
extern int tls_take_empty_server_name(struct handshake *hs, struct extensions const *x);

/* ---- key_share.c ---- */

/* Generates our key share of the group. */
extern int tls_make_share(struct handshake *hs, uint16_t group);
/* 1 when the last ClientHello contains a share of this group. */
extern int tls_sent_share(struct handshake const *hs, unsigned int group);

/* ---- common.c: parameters that both peers support ---- */

/* 1 when the configuration enables the group or scheme. */
extern int tls_has_group(struct handshake const *hs, unsigned int group);
extern int tls_has_scheme(struct handshake const *hs, unsigned int scheme);
/* 1 when both the client and the configuration enable the suite. */
extern int tls_is_common_suite(struct handshake const *hs, struct client_hello const *hello,
                           struct crypto_suite const *suite);
/* The first scheme in the peer's list that our key can use; NULL: none. */
extern struct crypto_scheme const *tls_choose_scheme(struct handshake const *hs,
                                                 struct x509_credential const *credential, struct span offered);

/* Selects this application protocol for the session if the list contains it. */
extern int tls_use_alpn(struct handshake *hs, struct span offered, struct span name);

/* ---- negotiate.c: the server's choices ---- */

extern int tls_choose_version(struct handshake *hs, struct client_hello const *hello);
extern int tls_choose_suite_and_credential(struct handshake *hs, struct client_hello const *hello);
extern int tls_choose_alpn(struct handshake *hs, struct client_hello const *hello);
extern void tls_put_chosen_alpn(struct handshake const *hs, struct writer *w);

/* ---- own_certificate.c: which of our certificates the peer can use ---- */

/* The source of a struct tls_hello. */
struct tls_offer {
    struct handshake const *hs;
    struct client_hello const *hello;
};

extern int tls_find_credentials(struct handshake *hs, struct client_hello const *hello); /* to hs->own */
/* The scheme with which a credential can sign for this client; NULL: none. */
extern struct crypto_scheme const *tls_scheme_for(struct handshake const *hs, struct client_hello const *hello,
                                              struct x509_credential const *credential);

/* The content of a CertificateRequest. */
struct request {
    unsigned int key_types; /* mask of 1 << enum crypto_key_type */
    struct span schemes, certificate_schemes;
};

extern int tls_choose_client_credential(struct handshake *hs, struct request const *request);

/* ---- certificate_message.c ---- */

extern int tls_write_certificate(struct handshake *hs);
/* Verifies the peer's certificates; sets *empty when it sent none. */
extern int tls_take_certificate(struct handshake *hs, struct message const *m, int *empty);
extern int tls_write_certificate_verify(struct handshake *hs);
extern int tls_take_certificate_verify(struct handshake *hs, struct message const *m);
extern int tls_read_certificate_verify(struct handshake *hs);
/* The signed part of a message: a scheme and a signature (RFC 5246, 4.7). */
extern int tls_read_signature(struct handshake *hs, struct reader *r, struct crypto_scheme const **scheme,
                          struct span *signature);
extern int tls_check_signature(struct handshake *hs, struct crypto_scheme const *scheme,
                           unsigned char const *digest, struct span signature);
extern int tls_write_signature(struct handshake *hs, struct writer *w, unsigned char const *digest);

/* ---- ticket.c ---- */

#define TICKET_MAX 113

/* A session that can be resumed. Secret: wipe after use. */
struct ticket {
    struct crypto_suite const *suite;
    uint64_t since; /* the full handshake, in s of CLOCK_REALTIME */
    unsigned char secret[TLS_MAX_SECRET]; /* 1.3: the PSK, 1.2: the master secret */
};

extern size_t tls_ticket_secret_size(struct crypto_suite const *suite);
/* The lifetime of a ticket of this session in s; 0: no ticket may be sent. */
extern unsigned int tls_ticket_lifetime(struct handshake const *hs);
/* Seals a session with the suite, server name and credential of this handshake. */
extern size_t tls_ticket_seal(struct handshake const *hs, unsigned char const *secret,
                              unsigned char ticket[TICKET_MAX]);
/* Returns 0 when the ticket is not ours, is for another server name or certificate, or is too old. */
extern int tls_ticket_open(struct handshake const *hs, struct span sealed, struct ticket *ticket);
/* 1 when sessions can be resumed. */
extern int tls_has_tickets(struct handshake const *hs);
extern void tls_note_session(struct handshake *hs, struct ticket const *ticket);
extern void tls_put_lifetime(struct handshake const *hs, struct writer *w);
extern void tls_put_ticket(struct handshake *hs, struct writer *w, unsigned char const *secret);

#endif
