/* ISC license. */

#include "ktls/ktls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ktls/kernel.h"

static void close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

/* A listener on a port that the kernel chooses; *address contains it afterwards. */
static int listen_on_loopback(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) return -1;
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, 4) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &len) == 0)
        return fd;
    close_keeping_errno(fd);
    return -1;
}

/* A connection is established even when nobody accepts it, and the probe needs only one end. */
static int connect_and_attach(struct sockaddr_in const *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr const *)address, sizeof *address) == 0 && ktls_attach(fd) == 0)
        return fd;
    close_keeping_errno(fd);
    return -1;
}

static int set_option(int fd, int option)
{
    int const on = 1;

    return setsockopt(fd, SOL_TLS, option, &on, sizeof on) == 0;
}

/* Returns -1 without a connection, else whether the cipher can be installed in both
   directions; then *found contains the further capabilities. */
static int try_cipher(struct sockaddr_in const *address, uint16_t version, uint16_t cipher,
                      struct ktls_capabilities *found)
{
    struct ktls_traffic_keys const keys = {.version = version, .cipher = cipher};
    int fd = connect_and_attach(address);

    if (fd < 0) return -1;
    int works = ktls_install(fd, KTLS_TX, &keys) == 0 && ktls_install(fd, KTLS_RX, &keys) == 0;
    if (works) {
        if (set_option(fd, TLS_TX_ZEROCOPY_RO)) found->zerocopy_sendfile = 1;
        if (set_option(fd, TLS_RX_EXPECT_NO_PAD)) found->expect_no_pad = 1;
        if (ktls_install(fd, KTLS_TX, &keys) == 0 && ktls_install(fd, KTLS_RX, &keys) == 0) found->rekey = 1;
    }
    close(fd);
    return works;
}

static int try_all(struct sockaddr_in const *address, uint16_t version, struct ktls_capabilities *found)
{
    static uint16_t const ciphers[3] = {KTLS_AES_128_GCM, KTLS_AES_256_GCM, KTLS_CHACHA20_POLY1305};
    int works[3];

    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < 3; i++) {
        works[i] = try_cipher(address, version, ciphers[i], found);
        if (works[i] < 0) return -1;
    }
    found->aes_128_gcm = works[0] != 0;
    found->aes_256_gcm = works[1] != 0;
    found->chacha20_poly1305 = works[2] != 0;
    return 0;
}

int ktls_probe(uint16_t version, struct ktls_capabilities *found)
{
    struct sockaddr_in address;

    if (version != KTLS_TLS_1_2 && version != KTLS_TLS_1_3) {
        errno = EINVAL;
        return -1;
    }
    int listener = listen_on_loopback(&address);
    if (listener < 0) return -1;
    int result = try_all(&address, version, found);
    close_keeping_errno(listener);
    return result;
}

/* Linux 6.14 introduced replacing of keys together with counters for it.
   -1: there is no such file, because the module is not loaded or /proc is not mounted. */
static int counters_name_rekey(void)
{
    char text[4096];
    int const fd = open("/proc/net/tls_stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t const len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len < 0) return -1;
    text[len] = 0;
    return strstr(text, "TlsTxRekeyOk") != NULL;
}

int ktls_can_rekey(uint16_t cipher)
{
    struct ktls_capabilities found = {.rekey = 0};
    struct sockaddr_in address;
    int const named = counters_name_rekey();
    if (named >= 0) return named;
    int const listener = listen_on_loopback(&address);
    if (listener < 0) return 0;
    try_cipher(&address, KTLS_TLS_1_3, cipher, &found);
    close(listener);
    return found.rekey;
}
