/* ISC license. */

/*
 * Kernel TLS sockets (linux/tls.h, Documentation/networking/tls.rst), for
 * programs that hold one and for those that make one. libktls(3) is the manual.
 *
 * Every function that can fail returns -1 and sets errno; nothing here prints,
 * allocates, or keeps state. Descriptors stay the caller's.
 */

#ifndef KTLS_H
#define KTLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ktls/numbers.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define KTLS_TLS_1_2 TLS_1_2
#define KTLS_TLS_1_3 TLS_1_3

/* The values are those of TLS_CIPHER_* in linux/tls.h. */
enum ktls_cipher {
    KTLS_AES_128_GCM = 51,
    KTLS_AES_256_GCM = 52,
    KTLS_CHACHA20_POLY1305 = 54,
};

enum ktls_direction { KTLS_TX, KTLS_RX };

/* Our side of a connection; KTLS_EITHER where it is not known. */
enum ktls_role { KTLS_EITHER, KTLS_SERVER, KTLS_CLIENT };

/* One direction's record protection. iv is the 12-byte per-connection IV of
   RFC 8446, 5.3 and RFC 7905; for AES-GCM in TLS 1.2 its first four bytes are
   the salt (RFC 5288, 3) and the explicit nonce is seq. seq is the sequence
   number of the next record. Secret: wipe after use. */
struct ktls_traffic_keys {
    uint16_t version;
    uint16_t cipher;
    unsigned char key[32];
    unsigned char iv[12];
    uint64_t seq;
};

/* Attaches the "tls" ULP to a connected TCP socket; bytes still pass unchanged
   until keys are installed. Do it before the handshake: after the peer's FIN
   the kernel refuses. Success when it is attached already.
   ENOENT: this kernel has no TLS. ENOTCONN: not connected, or FIN received.
   ENOTSOCK, EOPNOTSUPP, ENOPROTOOPT: not a TCP socket. */
extern int ktls_attach(int fd);

/* 1 when keys are installed in a direction: whoever installed them uses the
   socket for a TLS connection. */
extern int ktls_has_keys(int fd, enum ktls_direction direction);

/* What the kernel does for a socket; 0: nothing in that direction. */
struct ktls_state {
    uint16_t version; /* of either direction */
    uint16_t tx_cipher, rx_cipher;
};

/* 1 when keys are installed in both directions: what is written is protected,
   what is read was. Else 0, whatever fd is. *state, unless it is NULL, tells more. */
extern int ktls_is(int fd, struct ktls_state *state);

/* Installs one direction's keys; again on the same direction, it is the rekey
   after a KeyUpdate (TLS 1.3, Linux 6.14 and later; EBUSY before).
   EINVAL: version or cipher unknown. ENOENT: the kernel lacks the cipher. */
extern int ktls_install(int fd, enum ktls_direction direction, struct ktls_traffic_keys const *keys);

/* The sequence number of the next record, as the kernel counts them.
   ENOPROTOOPT, EBUSY: no keys in that direction. */
extern int ktls_sequence(int fd, enum ktls_direction direction, uint64_t *seq);

/* Installs the keys that are there again. The kernel takes a handshake record
   for a KeyUpdate by its first byte alone, and waits for keys (EKEYEXPIRED) also
   when that was the middle of another message, or a KeyUpdate's beginning. */
extern int ktls_reinstall(int fd, enum ktls_direction direction);

/* Receives at most len bytes of one record and its content type; flags as for
   recvmsg(2); data records that follow one another may come together, any other
   type comes alone. 0 is an empty record, or with *type 0 the peer's FIN.
   EBADMSG: forged or corrupt record.
   EKEYEXPIRED: the peer's KeyUpdate was taken, the new key is not installed. */
extern ssize_t ktls_recv_record(int fd, unsigned char *type, void *buf, size_t len, int flags);

/* Sends 1 to 16384 bytes as one record of the given type; EINVAL otherwise.
   Before TX has keys this would be plaintext: install first. */
extern ssize_t ktls_send_record(int fd, unsigned char type, void const *buf, size_t len);

/* Sends an alert (RFC 8446, 6): close_notify, user_canceled and no_renegotiation
   as warnings, every other as fatal. EINVAL: no keys. Reads SO_ERROR first: after
   EBADMSG or EOVERFLOW nothing could be sent otherwise. */
extern int ktls_send_alert(int fd, unsigned char description);

/* Sends the alert close_notify (RFC 8446, 6.1). The kernel never does. */
extern int ktls_close_notify(int fd);

/* A connection's memory between calls, and where its next keys come from. All
   zero but for next and ctx at first. */
struct ktls_secrets {
    /* Makes the next generation of one direction's keys (RFC 8446, 7.2), with seq
       0. 0, or -1 with errno. NULL: KeyUpdate is an error. */
    int (*next)(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys);
    void *ctx;
    unsigned char role; /* enum ktls_role: ours */
    /* With EBADMSG, EOVERFLOW, EPROTO, EKEYEXPIRED, EKEYREJECTED: the alert that tells the peer why. */
    unsigned char alert;
    /* The library's own. */
    unsigned char answer_due;  /* a KeyUpdate, to the peer's request */
    int error;                 /* that ended the connection */
    unsigned char message[96]; /* of which only a part has come */
};

/* Receives application data, and nothing but that: 1 to len bytes, or 0 when the
   peer has sent close_notify, which stays so with every further call. Tickets are
   passed over; a KeyUpdate is followed, and answered when the peer asks for that;
   renegotiation (TLS 1.2) is declined with no_renegotiation. flags: MSG_DONTWAIT,
   MSG_PEEK, MSG_WAITALL. secrets may be NULL. Never waits for anything but data.
   EAGAIN: nothing there. EINTR: a signal, or 64 records in a row without data:
   call again. The rest ends the connection, and stays:
   ENODATA: FIN without close_notify; the stream may have been cut.
   ECONNABORTED: a fatal alert; ktls_alert() tells which.
   EBADMSG: a record that is forged or corrupt, or bytes that are no record.
   EOVERFLOW: a record longer than TLS allows.
   EPROTO: a record or message that is malformed, or not allowed here.
   EKEYEXPIRED: a KeyUpdate, and secrets->next is not there to follow it.
   EKEYREJECTED: the kernel could not replace the keys.
   EMSGSIZE: a message in more than one record, and secrets is NULL. */
extern ssize_t ktls_recv(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets);

/* ktls_recv without flags and secrets. */
extern ssize_t ktls_read(int fd, void *buf, size_t len);

/* The alert that ktls_recv found (RFC 8446, 6); ENOMSG: it found none. */
extern int ktls_alert(int fd);

/* Sends KeyUpdate, with request set one that asks the peer for its own, and goes
   on with the next keys. Fails harmlessly with EAGAIN on a full socket that does
   not block, EINTR and EINVAL; any other failure has ended sending: nothing goes out under the old
   keys. EKEYREJECTED: the kernel could not replace them (see ktls_probe).
   EINVAL: no connection of TLS 1.3, or no secrets->next; nothing was sent. */
extern int ktls_update_keys(int fd, struct ktls_secrets *secrets, int request);

/* What a loopback connection on this kernel accepted. */
struct ktls_capabilities {
    unsigned int aes_128_gcm : 1;
    unsigned int aes_256_gcm : 1;
    unsigned int chacha20_poly1305 : 1;
    unsigned int rekey : 1; /* TLS 1.3 keys can be replaced after a KeyUpdate */
    unsigned int zerocopy_sendfile : 1; /* TLS_TX_ZEROCOPY_RO */
    unsigned int expect_no_pad : 1; /* TLS_RX_EXPECT_NO_PAD */
};

/* Tries each capability of one protocol version on a throw-away connection on
   127.0.0.1. ENOENT: this kernel has no TLS. Socket errors otherwise. */
extern int ktls_probe(uint16_t version, struct ktls_capabilities *found);

/* 1 when TLS 1.3 keys can be replaced, as the names in /proc/net/tls_stat say.
   Where that file cannot be read, keys of this cipher are tried as above. */
extern int ktls_can_rekey(uint16_t cipher);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
