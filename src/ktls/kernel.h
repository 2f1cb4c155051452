/* ISC license. */

/* Not installed: constants of the kernel's interface that libc's headers may lack,
   and functions on kernel TLS sockets. */

#ifndef KTLS_KERNEL_H
#define KTLS_KERNEL_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <linux/tls.h>

#include "ktls/ktls.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef TLS_TX_ZEROCOPY_RO
#define TLS_TX_ZEROCOPY_RO 3
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif

/* ktls_attach that tells whether there was TLS on the socket before. */
extern int ktls_attach_once(int fd, int *was_attached);

/* 1: keys are installed; info contains the version and the cipher. */
extern int ktls_installed_cipher(int fd, enum ktls_direction direction, struct tls_crypto_info *info);

/* Reads the installed key of a direction, padded with zeros. Secret: wipe after use. */
extern int ktls_installed_key(int fd, enum ktls_direction direction, unsigned char key[32]);

/* After a socket has refused a record, sending fails, too, until SO_ERROR has been read. */
extern void ktls_clear_error(int fd);

/* ktls_send_record with flags for sendmsg(2). */
extern ssize_t ktls_send_record_flags(int fd, unsigned char type, void const *buf, size_t len, int flags);

#endif
