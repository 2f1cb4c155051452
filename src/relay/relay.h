/* ISC license. */

/*
 * The relay between a program and a TLS connection after the handshake: it sends the
 * program's output in protected records, gives the peer's data to the program as plain
 * bytes, and passes the end of each stream on.
 */

#ifndef KTLS_RELAY_H
#define KTLS_RELAY_H

#include <stdint.h>

#include "ktls/ktls.h"

#define RELAY_KEYS_MAGIC 0x32534c54u
#define RELAY_MAX_SECRET 48

/* The keys that a handshake hands over to the relay, also in a memory file. Secret: wipe
   after use. */
struct relay_keys {
    uint32_t magic;
    uint16_t suite;     /* IANA TLS Cipher Suites registry; 0: unknown, and there are no secrets */
    uint8_t role;       /* enum ktls_role: ours */
    uint8_t in_kernel;  /* the socket has the keys; only version and cipher of tx and rx are valid */
    struct ktls_traffic_keys tx, rx;
    unsigned char tx_secret[RELAY_MAX_SECRET], rx_secret[RELAY_MAX_SECRET]; /* TLS 1.3 */
};

/* RFC 8446, 5.5: AES-GCM is safe for 2^24.5 records under one key. */
#define RELAY_MAX_RECORDS (UINT64_C(1) << 24)
#define RELAY_LINGER_MS 30000
#define RELAY_SILENCE_MS 1000

/* When to send close_notify, apart from the answer to the peer's. */
enum relay_farewell {
    RELAY_FAREWELL_SAFE,   /* when it cannot cost a reply: at the end of prog's output; with TLS 1.2
                              only if also prog has stopped reading, or the peer has ended or is silent */
    RELAY_FAREWELL_ALWAYS, /* at the end of prog's output */
    RELAY_FAREWELL_NEVER,
};

/* The relay owns these descriptors and closes them. Those of prog must be non-blocking; those
   of the network may block, and keep their flags unless the kernel has the keys. net_read and
   net_write may be the same number; to_prog and from_prog may be the same socket but not
   the same number. */
struct relay_config {
    int net_read, net_write;
    int to_prog, from_prog;
    unsigned char farewell;             /* enum relay_farewell */
    unsigned char enforce_close_notify; /* the peer's FIN without it is an error */
    unsigned int idle_ms;               /* ends the connection after this time without data; 0: never */
    unsigned int silence_ms;            /* after which a peer probably waits for our end; 0: RELAY_SILENCE_MS */
    unsigned int linger_ms;             /* wait for the peer after prog's end; 0: RELAY_LINGER_MS */
    uint64_t max_records;               /* TLS 1.3: sent under one key; 0: RELAY_MAX_RECORDS */
};

/* How the connection ended. Minor is what happened after prog was done or the peer had ended
   its stream, and every text with code 0. */
struct relay_report {
    int code;            /* 0, 98: TLS error or broken connection, 111: system call failed */
    unsigned char minor; /* report only if verbose */
    char text[160];      /* "": nothing to report */
};

struct tls_session;

/* Takes the keys from a session, for a relay in user space. */
extern void relay_keys_of_session(struct relay_keys *keys, struct tls_session const *session, enum ktls_role role);

/* 1 when the relay supports the suite, version and role. */
extern int relay_keys_are_usable(struct relay_keys const *keys);

/* key_file.c: returns a sealed memory file without close-on-exec; -1 with errno. */
extern int relay_save_keys(struct relay_keys const *keys);
/* Closes fd. Returns NULL, or the reason why it does not contain keys. */
extern char const *relay_load_keys(struct relay_keys *keys, int fd);
/* Fills in version and cipher of a socket that has keys already. 0: it is not a kernel TLS socket. */
extern int relay_find_keys(struct relay_keys *keys, int fd);

/* Starts a relay, one at a time in a process. Keys and report are used until relay_run
   returns. No descriptor is opened afterwards. */
extern void relay_start(struct relay_config const *config, struct relay_keys *keys,
                        struct relay_report *report);
/* Returns when the connection is over. The keys are wiped. */
extern void relay_run(void);

#endif
