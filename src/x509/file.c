/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "x509/file.h"

/* O_NONBLOCK, so that opening a fifo without a writer does not wait. */
static int open_regular(int dir, char const *path, size_t *size)
{
    struct stat st;
    int const fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return -1;
    int const error = fstat(fd, &st) < 0    ? errno
                      : S_ISDIR(st.st_mode) ? EISDIR
                      : S_ISREG(st.st_mode) ? 0
                                            : EINVAL;
    if (error) {
        close(fd);
        errno = error;
        return -1;
    }
    *size = (size_t)st.st_size;
    return fd;
}

int x509_file_open(char const *path, size_t *size)
{
    return open_regular(AT_FDCWD, path, size);
}

/* The file may have become shorter since its size was read. */
enum x509_error x509_file_read_open(struct file *file, int fd, size_t size)
{
    unsigned char *const bytes = realloc(file->bytes, file->len + size + 1);
    if (!bytes) return X509_SYSTEM;
    file->bytes = bytes;
    for (size_t const end = file->len + size; file->len < end;) {
        ssize_t const got = read(fd, bytes + file->len, end - file->len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return X509_SYSTEM;
        if (!got) break;
        file->len += (size_t)got;
    }
    return X509_OK;
}

enum x509_error x509_file_read(struct file *file, int dir, char const *path, size_t max)
{
    size_t size;
    int const fd = open_regular(dir, path, &size);
    if (fd < 0) return errno == EINVAL ? X509_NOT_A_FILE : X509_SYSTEM;
    enum x509_error const error = size > max - file->len ? X509_TOO_BIG : x509_file_read_open(file, fd, size);
    int const saved = errno;
    close(fd);
    errno = saved;
    return error;
}

void x509_file_free(struct file *file)
{
    int const saved = errno;
    if (file->bytes) crypto_wipe(file->bytes, file->len);
    free(file->bytes);
    errno = saved;
    *file = (struct file){.bytes = NULL};
}
