/* ISC license. */

/*
 * The TLS connection that a process was started with, for the calls of
 * preload.c. Which descriptors are its socket is remembered; everything else is
 * read from the kernel.
 */

#ifndef KTLS_EOF_CONNECTION_H
#define KTLS_EOF_CONNECTION_H

#include <stddef.h>
#include <sys/types.h>

/* Looks which kernel TLS sockets the process was given. */
extern void connection_find(void);

/* 1 when fd is such a socket. Costs no system call for a descriptor that was
   asked for before. errno stays as it was. */
extern int connection_is(int fd);

/* What fd is has to be found out again. */
extern void connection_forget(int fd);

/* recv(2) on such a socket: application data, 0 at close_notify and at FIN.
   Flags that do not concern a stream of data are ignored. */
extern ssize_t connection_recv(int fd, void *buf, size_t len, int flags);

/* Sends close_notify, once, if this is the process that may. */
extern void connection_end(int fd);
/* The same at the end of the process. */
extern void connection_end_all(void);
/* The same before fd is closed, if no other descriptor of this process is that
   socket. */
extern void connection_end_if_last(int fd);

#endif
