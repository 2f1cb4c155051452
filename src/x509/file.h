/* ISC license. */

#ifndef KTLS_X509_FILE_H
#define KTLS_X509_FILE_H

#include <stddef.h>

#include "x509/x509.h"

struct file {
    unsigned char *bytes;
    size_t len;
};

/* Adds the whole of a regular file, read at once, to what file has; both together may be max bytes. dir is a descriptor
   as for openat(2). The error is X509_SYSTEM, with errno, X509_NOT_A_FILE, or X509_TOO_BIG. */
extern enum x509_error file_read(struct file *file, int dir, char const *path, size_t max);
/* The same of a file that is open, with its size. */
extern enum x509_error file_read_open(struct file *file, int fd, size_t size);
/* A regular file, and its size; -1 with errno. */
extern int x509_file_open(char const *path, size_t *size);
/* Wipes, as a file of certificates may hold a key, too; leaves errno alone. */
extern void file_free(struct file *file);

#endif
