/* ISC license. */

/*
 * Kernel TLS sockets (linux/tls.h, Documentation/networking/tls.rst), for
 * programs that use one and for programs that set one up. libktls(3) is the manual.
 *
 * Every function that can fail returns -1 and sets errno; no function prints,
 * allocates memory, keeps state, or closes a descriptor of the caller.
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

/* Attaches the "tls" ULP to a connected TCP socket; bytes are still sent and received
   unchanged until keys are installed. Call it before the handshake: after the peer's FIN
   the kernel refuses it. Succeeds when the ULP is attached already.
   ENOENT: this kernel has no TLS. ENOTCONN: not connected, or FIN received.
   ENOTSOCK, EOPNOTSUPP, ENOPROTOOPT: not a TCP socket. */
extern int ktls_attach(int fd);

/* 1 when keys are installed in a direction. */
extern int ktls_has_keys(int fd, enum ktls_direction direction);

/* The kernel's TLS state of a socket; a cipher is 0 when its direction has no keys. */
struct ktls_state {
    uint16_t version; /* of either direction */
    uint16_t tx_cipher, rx_cipher;
};

/* 1 when keys are installed in both directions, else 0, whatever fd is. Fills in *state
   unless it is NULL. */
extern int ktls_is(int fd, struct ktls_state *state);

/* Installs the keys of a direction. When it has keys already, they are replaced, as
   after a KeyUpdate (TLS 1.3, Linux 6.14 and later; EBUSY before).
   EINVAL: version or cipher unknown. ENOENT: the kernel lacks the cipher. */
extern int ktls_install(int fd, enum ktls_direction direction, struct ktls_traffic_keys const *keys);

/* The sequence number of the next record, as the kernel counts them.
   ENOPROTOOPT, EBUSY: no keys in that direction. */
extern int ktls_sequence(int fd, enum ktls_direction direction, uint64_t *seq);

/* Installs the current keys again. The kernel recognizes a KeyUpdate by the first byte of
   a handshake record alone. So it waits for keys (EKEYEXPIRED) also after a fragment of
   another message that begins with this byte, and after a fragment of a KeyUpdate. */
extern int ktls_reinstall(int fd, enum ktls_direction direction);

/* Receives at most len bytes of one record and its content type; flags as for
   recvmsg(2). Consecutive data records may be returned together, records of other
   types are returned one by one. Returns 0 for an empty record, or with *type 0 for the
   peer's FIN.
   EBADMSG: forged or corrupt record.
   EKEYEXPIRED: the peer's KeyUpdate was received, and its next key is not installed. */
extern ssize_t ktls_recv_record(int fd, unsigned char *type, void *buf, size_t len, int flags);

/* Sends 1 to 16384 bytes as one record of the given type; EINVAL for any other length.
   Install the TX keys first: without them the bytes are sent as plaintext. */
extern ssize_t ktls_send_record(int fd, unsigned char type, void const *buf, size_t len);

/* Sends an alert (RFC 8446, 6): close_notify, user_canceled and no_renegotiation
   as warnings, every other as fatal. EINVAL: no keys. Reads SO_ERROR first, because
   after EBADMSG or EOVERFLOW sending would fail. */
extern int ktls_send_alert(int fd, unsigned char description);

/* Sends the alert close_notify (RFC 8446, 6.1). The kernel never sends it. */
extern int ktls_close_notify(int fd);

/* The state of a connection between calls, and the source of its next keys. Initialize
   everything except next, ctx and role with zero. */
struct ktls_secrets {
    /* Derives the next generation of one direction's keys (RFC 8446, 7.2), with seq
       0. Returns 0, or -1 with errno. NULL: KeyUpdate is an error. */
    int (*next)(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys);
    void *ctx;
    unsigned char role; /* enum ktls_role: ours */
    /* After EBADMSG, EOVERFLOW, EPROTO, EKEYEXPIRED, EKEYREJECTED: the alert to send to the peer. */
    unsigned char alert;
    /* Private to the library. */
    unsigned char answer_due;  /* the peer has requested a KeyUpdate */
    int error;                 /* errno that ended the connection */
    unsigned char message[96]; /* state of an incomplete handshake message */
};

/* Receives application data only: returns 1 to len bytes, or 0, also for each further
   call, when the peer has sent close_notify. Session tickets are discarded; a KeyUpdate is
   followed, and answered when the peer requests that; renegotiation (TLS 1.2) is declined
   with no_renegotiation. flags: MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL. secrets may be NULL.
   Waits for data only, never until something can be sent.
   EAGAIN: no data. EINTR: a signal, or 64 consecutive records without data; call
   again. Every other error ends the connection, and further calls return it again:
   ENODATA: FIN without close_notify; the stream may be truncated.
   ECONNABORTED: a fatal alert; ktls_alert() returns it.
   EBADMSG: a record that is forged or corrupt, or bytes that are not a record.
   EOVERFLOW: a record longer than TLS allows.
   EPROTO: a record or message that is malformed or not allowed here.
   EKEYEXPIRED: a KeyUpdate, but secrets->next is missing.
   EKEYREJECTED: the kernel could not replace the keys.
   EMSGSIZE: a message in more than one record, but secrets is NULL. */
extern ssize_t ktls_recv(int fd, void *buf, size_t len, int flags, struct ktls_secrets *secrets);

/* ktls_recv without flags and secrets. */
extern ssize_t ktls_read(int fd, void *buf, size_t len);

/* Returns the alert that ktls_recv found (RFC 8446, 6); ENOMSG: it found no alert. */
extern int ktls_alert(int fd);

/* Sends KeyUpdate and installs the next keys. With request set it asks the peer for a
   KeyUpdate, too. EAGAIN (a full non-blocking socket), EINTR and EINVAL (no connection of
   TLS 1.3, or no secrets->next) have no effect. Any other failure ends sending, because
   the old keys must not be used any more. EKEYREJECTED: the kernel could not replace the
   keys (see ktls_probe). */
extern int ktls_update_keys(int fd, struct ktls_secrets *secrets, int request);

/* The capabilities of this kernel, as found on a loopback connection. */
struct ktls_capabilities {
    unsigned int aes_128_gcm : 1;
    unsigned int aes_256_gcm : 1;
    unsigned int chacha20_poly1305 : 1;
    unsigned int rekey : 1; /* TLS 1.3 keys can be replaced after a KeyUpdate */
    unsigned int zerocopy_sendfile : 1; /* TLS_TX_ZEROCOPY_RO */
    unsigned int expect_no_pad : 1; /* TLS_RX_EXPECT_NO_PAD */
};

/* Tries each capability for one protocol version on a temporary connection on
   127.0.0.1. ENOENT: this kernel has no TLS. Other errors are those of sockets. */
extern int ktls_probe(uint16_t version, struct ktls_capabilities *found);

/* 1 when TLS 1.3 keys can be replaced, judged by the names in /proc/net/tls_stat.
   When that file cannot be read, keys of this cipher are tried as by ktls_probe. */
extern int ktls_can_rekey(uint16_t cipher);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
