/* ISC license. */

/*
 * The pump between a program and a TLS connection whose handshake is done: what
 * the program writes goes out in protected records, what the peer sends comes
 * in as plain bytes, and the end of either stream is the end of the other's.
 */

#ifndef KTLS_RELAY_H
#define KTLS_RELAY_H

#include <stdint.h>

#include "ktls/ktls.h"

#define RELAY_KEYS_MAGIC 0x32534c54u
#define RELAY_MAX_SECRET 48

/* What the handshake leaves for the relay; how it travels through a memory
   file. Secret: wipe after use. */
struct relay_keys {
    uint32_t magic;
    uint16_t suite;     /* IANA TLS Cipher Suites registry; 0: unknown, and there are no secrets */
    uint8_t role;       /* enum ktls_role: ours */
    uint8_t in_kernel;  /* the socket has the keys; of tx and rx only version and cipher count */
    struct ktls_traffic_keys tx, rx;
    unsigned char tx_secret[RELAY_MAX_SECRET], rx_secret[RELAY_MAX_SECRET]; /* TLS 1.3 */
};

/* RFC 8446, 5.5: AES-GCM is good for 2^24.5 records under one key. */
#define RELAY_MAX_RECORDS (UINT64_C(1) << 24)
#define RELAY_LINGER_MS 30000
#define RELAY_SILENCE_MS 1000

/* When the peer is sent close_notify, besides in answer to its own. */
enum relay_farewell {
    RELAY_FAREWELL_SAFE,   /* where it cannot cost a reply: at the end of prog's output, with TLS 1.2
                              only when prog has stopped reading, too, or the peer has ended or is silent */
    RELAY_FAREWELL_ALWAYS, /* at the end of prog's output */
    RELAY_FAREWELL_NEVER,
};

/* Descriptors are the relay's from now on: it closes them. Those of prog do
   not block; those of the network may, and keep their flags unless the kernel
   has the keys. net_read and net_write may be the same number, to_prog and
   from_prog may be the same socket but not the same number. */
struct relay_config {
    int net_read, net_write;
    int to_prog, from_prog;
    unsigned char farewell;             /* enum relay_farewell */
    unsigned char enforce_close_notify; /* the peer's FIN without it is an error */
    unsigned int idle_ms;               /* without data either way that end the connection; 0: any */
    unsigned int silence_ms;            /* of a peer that probably waits for our end; 0: RELAY_SILENCE_MS */
    unsigned int linger_ms;             /* for a peer when prog is gone; 0: RELAY_LINGER_MS */
    uint64_t max_records;               /* TLS 1.3: under one key of ours; 0: RELAY_MAX_RECORDS */
};

/* How it ended. Of interest to few is what happened when prog was done or the
   peer had ended its stream; a text with code 0 always is. */
struct relay_report {
    int code;            /* 0, 98: TLS error or broken connection, 111: system call failed */
    unsigned char minor; /* of interest to few */
    char text[160];      /* "": nothing to tell */
};

struct tls_session;

/* The keys of a session whose handshake is done, for a relay in user space. */
extern void relay_keys_of_session(struct relay_keys *keys, struct tls_session const *session, enum ktls_role role);

/* 1 when the relay can work with the suite, version and role. */
extern int relay_keys_are_usable(struct relay_keys const *keys);

/* key_file.c: a sealed memory file that is inherited through exec; -1 with errno. */
extern int relay_save_keys(struct relay_keys const *keys);
/* Closes it. NULL, or why these are no keys. */
extern char const *relay_load_keys(struct relay_keys *keys, int fd);
/* What can be known of a socket that has its keys already; 0: the kernel does not do its TLS. */
extern int relay_find_keys(struct relay_keys *keys, int fd);

/* Takes the connection; one at a time in a process. Keys and report are used
   until relay_run returns. No descriptor is opened afterwards. */
extern void relay_start(struct relay_config const *config, struct relay_keys *keys,
                        struct relay_report *report);
/* Returns when the connection is over. The keys are wiped. */
extern void relay_run(void);

#endif
