/* ISC license. */

/* Not installed: the kernel's interface, of which libc's headers may
   not know all, and its messages. */

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

/* 1: keys are installed; info tells the version and the cipher. */
extern int ktls_installed_cipher(int fd, enum ktls_direction direction, struct tls_crypto_info *info);

/* The key that is installed in a direction, filled up with zeros. Secret: wipe
   after use. */
extern int ktls_installed_key(int fd, enum ktls_direction direction, unsigned char key[32]);

/* A socket that has refused a record fails to send, too, until its error has been read. */
extern void ktls_clear_error(int fd);

/* ktls_send_record with more flags for sendmsg(2). */
extern ssize_t ktls_send_record_flags(int fd, unsigned char type, void const *buf, size_t len, int flags);

#endif
