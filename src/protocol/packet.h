/* ISC license. */

/* Packets on Unix sockets of type SOCK_SEQPACKET, with descriptors. Nothing here
   waits. Names with ktls_ are in libktls-service too (PARTS_control). */

#ifndef KTLS_PROTOCOL_PACKET_H
#define KTLS_PROTOCOL_PACKET_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#define PACKET_MAX 4096 /* bytes of the protocol's packets */
#define PACKET_FDS 2

/* fd_count descriptors are the receiver's, close-on-exec. */
struct packet {
    char bytes[PACKET_MAX];
    size_t len;
    int fd[PACKET_FDS];
    size_t fd_count;
    unsigned char truncated; /* it was longer, or brought more descriptors */
    struct ucred sender;     /* as the kernel says; uid -1: not known */
};

/* A pair of such sockets, close-on-exec. 0: failed, errno says why. */
extern int ktls_packet_pair(int pair[2]);
/* From now on the kernel tells who sends each packet to this socket. 0: failed,
   errno says why. */
extern int ktls_packet_ask_sender(int socket);
/* At most PACKET_FDS descriptors, which stay the sender's. 0: failed, errno says why. */
extern int ktls_packet_send(int socket, void const *bytes, size_t len, int const *fds, size_t fd_count);
/* 1: a packet has been received. 0: no more will come. -1: errno says why. */
extern int packet_receive(int socket, struct packet *packet);
/* The first len bytes are visible ASCII and spaces. */
extern int packet_is_text(struct packet const *packet, size_t len);
/* The packet's descriptor i belongs to the caller now; -1 when it brought none. */
extern int packet_take(struct packet *packet, size_t i);
/* Closes the descriptors that were not taken. */
extern void packet_drop(struct packet *packet);
/* Closes a descriptor that came in a packet, without waiting: its sender may have
   made close(2) wait. SIGCHLD has to be ignored. */
extern void packet_close(int fd);

#endif
