/* ISC license. */

#ifndef KTLS_X509_FILE_H
#define KTLS_X509_FILE_H

#include <stddef.h>

#include "x509/x509.h"

struct file {
    unsigned char *bytes;
    size_t len;
};

/* Appends the content of a regular file to file, which may then have max bytes. dir is a descriptor as for
   openat(2). The error is X509_SYSTEM, with errno, X509_NOT_A_FILE, or X509_TOO_BIG. */
extern enum x509_error x509_file_read(struct file *file, int dir, char const *path, size_t max);
/* The same for an open file of that size. */
extern enum x509_error x509_file_read_open(struct file *file, int fd, size_t size);
/* Opens a regular file and gives its size; -1 with errno. */
extern int x509_file_open(char const *path, size_t *size);
/* Wipes the bytes, because a file of certificates may also contain a key. Leaves errno as it is. */
extern void x509_file_free(struct file *file);

#endif
