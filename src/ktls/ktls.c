/* ISC license. */

#include "ktls/ktls.h"

#include <errno.h>
#include <string.h>

#include "ktls/kernel.h"

static char const ulp_name[] = "tls";

static int is_attached(int fd)
{
    char name[16] = "";
    socklen_t len = sizeof name - 1;

    return getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &len) == 0 && !strcmp(name, ulp_name);
}

int ktls_attach_once(int fd, int *was_attached)
{
    *was_attached = 0;
    if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp_name, sizeof ulp_name) == 0) return 0;
    if (errno != EEXIST) return -1;
    *was_attached = is_attached(fd);
    errno = EEXIST;
    return *was_attached ? 0 : -1;
}

int ktls_attach(int fd)
{
    int was_attached;

    return ktls_attach_once(fd, &was_attached);
}

int ktls_has_keys(int fd, enum ktls_direction direction)
{
    struct tls_crypto_info info;

    return ktls_installed_cipher(fd, direction, &info);
}

int ktls_is(int fd, struct ktls_state *state)
{
    struct tls_crypto_info tx, rx;
    int const has_tx = ktls_installed_cipher(fd, KTLS_TX, &tx), has_rx = ktls_installed_cipher(fd, KTLS_RX, &rx);

    if (state) {
        state->tx_cipher = has_tx ? tx.cipher_type : 0;
        state->rx_cipher = has_rx ? rx.cipher_type : 0;
        state->version = has_tx ? tx.version : has_rx ? rx.version : 0;
    }
    return has_tx && has_rx;
}
