/* ISC license. */

/*
 * Client of the TLS socket service that ktls-init(1) gives to the processes of
 * its container (ktls-init-protocol(7)): connections are asked for by URL and
 * come back as descriptors that are protected already.
 *
 * Every function that can fail returns -1 and sets errno; nothing here prints,
 * allocates, or keeps state. Channels do not block but where it is said, and
 * can be polled: readable means that ktls_receive has something.
 */

#ifndef KTLS_CONTROL_SERVICE_H
#define KTLS_CONTROL_SERVICE_H

#include <stddef.h>

#pragma GCC visibility push(default)

#define KTLS_MAX_PACKET 4096

enum ktls_reply_kind { KTLS_REPLY_OK, KTLS_REPLY_ERR, KTLS_REPLY_ASK };

/* One packet of the service. The words point into packet and are "" where
   there is nothing to say; what is escaped in the packet is not here. */
struct ktls_reply {
    enum ktls_reply_kind kind;
    int fd;              /* of OK, when it brings one: close-on-exec, the caller's to close; else -1 */
    char const *command; /* of OK and ERR: CONNECT, ACCEPT, CLOSE, UPGRADE */
    char const *url;     /* as it was asked */
    char const *reason;  /* of ERR */
    char const *question; /* of ASK: its id */
    /* What was negotiated, by the protocol's names; peer is SHA256:hex. */
    char const *protocol, *cipher, *sni, *alpn, *peer, *subject, *san, *path, *exporter, *remote, *id;
    char packet[KTLS_MAX_PACKET + 1];
};

/* A channel of the caller's own, close-on-exec: to the service at a path
   (ktls-init -l), or with NULL to the one that KTLS_PATH names, or KTLS_FD where
   the former cannot be connected to. KTLS_FD itself is shared by all processes
   that inherit it, so that each might get another's replies: this asks the
   service to answer on a new pair of sockets.
   ENOENT: KTLS_FD is not set. EINVAL: it is not a number. EBADF, ENOTSOCK: it
   is no such socket. Otherwise as connect(2). */
extern int ktls_channel(char const *path);

/* Sends COMMAND URL, with a descriptor if fd is not -1 (it stays the caller's).
   EINVAL: a word is empty or has a byte that the protocol does not allow.
   EMSGSIZE: longer than KTLS_MAX_PACKET. EAGAIN: the service is behind; poll.
   EPIPE: it is gone. */
extern int ktls_request(int channel, char const *command, char const *url, int fd);

/* The next packet; it waits for one unless flags has MSG_DONTWAIT (EAGAIN).
   EPIPE: the service is gone. EPROTO: a packet that the protocol does not know. */
extern int ktls_receive(int channel, struct ktls_reply *reply, int flags);

/* Answers a question (ask=sni): no refuses the hello; params is "" or like
   cert=PATH&key=PATH. */
extern int ktls_answer(int channel, struct ktls_reply const *question, int yes, char const *params);

/* These wait for the reply, on a channel with one request at a time. They give
   the descriptor; EREMOTEIO: the service refused, reply->reason says why. */
extern int ktls_connect(int channel, char const *url, struct ktls_reply *reply);
extern int ktls_upgrade(int channel, int fd, char const *url, struct ktls_reply *reply);

/* Asks for a listener; the next ktls_accept tells whether there is one. */
extern int ktls_listen(int channel, char const *url);
/* The next connection. EREMOTEIO: one failed (reply->reason), or when
   reply->remote is "" the listener did, and none will come. With ask=sni in the
   URL use ktls_receive instead: a question is EPROTO here. */
extern int ktls_accept(int channel, struct ktls_reply *reply);

#pragma GCC visibility pop

#endif
