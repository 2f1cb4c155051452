/* ISC license. */

#include "ktls/key_update.h"

#include <errno.h>
#include <string.h>

#include "ktls/kernel.h"

int ktls_install_next(int fd, enum ktls_direction direction, struct ktls_secrets *secrets)
{
    struct ktls_traffic_keys keys;

    memset(&keys, 0, sizeof keys);
    int error = secrets->next(secrets->ctx, direction, &keys) < 0 ? errno : 0;
    if (!error && ktls_install(fd, direction, &keys) < 0) error = EKEYREJECTED;
    explicit_bzero(&keys, sizeof keys);
    return error;
}

int ktls_send_key_update(int fd, struct ktls_secrets *secrets, unsigned char request, int flags)
{
    unsigned char const message[5] = {TLS_KEY_UPDATE, 0, 0, 1, request};

    if (ktls_send_record_flags(fd, KTLS_HANDSHAKE, message, sizeof message, flags) < 0) return errno;
    int const error = ktls_install_next(fd, KTLS_TX, secrets);
    if (error) shutdown(fd, SHUT_WR); /* the peer expects the next keys: the old ones must not be used again */
    return error;
}

static int can_update(int fd, struct ktls_secrets const *secrets)
{
    struct ktls_state state;

    return secrets->next && ktls_is(fd, &state) && state.version == KTLS_TLS_1_3;
}

int ktls_update_keys(int fd, struct ktls_secrets *secrets, int request)
{
    int error = secrets->error;

    if (!error && !can_update(fd, secrets)) {
        errno = EINVAL;
        return -1;
    }
    if (!error) error = ktls_send_key_update(fd, secrets, request != 0, 0);
    if (!error) {
        secrets->answer_due = 0;
        return 0;
    }
    if (error != EAGAIN && error != EINTR) secrets->error = error;
    errno = error;
    return -1;
}
