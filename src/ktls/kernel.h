/* ISC license. */

/* Private to this layer: the kernel's interface, where libc's headers may be
   older than the kernel. */

#ifndef KTLS_KERNEL_H
#define KTLS_KERNEL_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <linux/tls.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#endif
