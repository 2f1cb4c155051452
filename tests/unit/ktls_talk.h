/* ISC license. */

/* What the tests of ktls_recv say to each other, and hear. */

#ifndef KTLS_TALK_H
#define KTLS_TALK_H

#include <fcntl.h>
#include <poll.h>

#include "tests/unit/ktls_pair.h"

#ifndef TLS_1_2
#define TLS_1_2 KTLS_TLS_1_2
#define TLS_1_3 KTLS_TLS_1_3
#endif

static inline struct pair open_pair(uint16_t version)
{
    return ktls_pair(version, KTLS_AES_128_GCM);
}

static inline char const *name_of(uint16_t version)
{
    return version == TLS_1_3 ? "TLS 1.3" : "TLS 1.2";
}

static inline void put(int fd, unsigned char type, void const *bytes, size_t len)
{
    if (ktls_send_record(fd, type, bytes, len) != (ssize_t)len) give_up("send");
}

static inline void say(int fd, char const *text)
{
    put(fd, KTLS_APPLICATION_DATA, text, strlen(text));
}

static inline void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* One call: exactly that text. */
static inline int hears(int fd, struct ktls_secrets *secrets, char const *text)
{
    char buf[64];
    ssize_t const got = ktls_recv(fd, buf, sizeof buf, 0, secrets);

    if (got < 0) diag("expected %s: %s", text, strerror(errno));
    return got == (ssize_t)strlen(text) && !memcmp(buf, text, strlen(text));
}

static inline int fails(int fd, struct ktls_secrets *secrets, int error)
{
    char buf[64];
    ssize_t const got = ktls_recv(fd, buf, sizeof buf, 0, secrets);

    if (got >= 0 || errno != error)
        diag("expected %s, got %zd, %s", strerror(error), got, got < 0 ? strerror(errno) : "no error");
    return got < 0 && errno == error;
}

/* Now, and again. */
static inline int stays(int fd, struct ktls_secrets *secrets, int error)
{
    return fails(fd, secrets, error) && fails(fd, secrets, error);
}

static inline int gets_record(int fd, unsigned char type, void const *bytes, size_t len)
{
    unsigned char got_type, buf[64];

    return ktls_recv_record(fd, &got_type, buf, sizeof buf, 0) == (ssize_t)len && got_type == type &&
           !memcmp(buf, bytes, len);
}

#endif
