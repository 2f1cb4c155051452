/* ISC license. */

#include "ktls/ktls.h"

#include <errno.h>

#include "ktls/kernel.h"

static enum tls_alert_level level_of(unsigned char description)
{
    switch (description) {
    case TLS_CLOSE_NOTIFY:
    case TLS_USER_CANCELED:
    case TLS_NO_RENEGOTIATION: return TLS_WARNING;
    default: return TLS_FATAL;
    }
}

void ktls_clear_error(int fd)
{
    int error;
    socklen_t len = sizeof error;

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

int ktls_send_alert(int fd, unsigned char description)
{
    unsigned char const alert[2] = {(unsigned char)level_of(description), description};

    if (!ktls_has_keys(fd, KTLS_TX)) { /* the record would be sent as plaintext */
        errno = EINVAL;
        return -1;
    }
    ktls_clear_error(fd);
    return ktls_send_record(fd, KTLS_ALERT, alert, sizeof alert) == sizeof alert ? 0 : -1;
}

int ktls_close_notify(int fd)
{
    return ktls_send_alert(fd, TLS_CLOSE_NOTIFY);
}

int ktls_alert(int fd)
{
    unsigned char type, alert[2 + 1]; /* anything longer is not an alert */

    if (ktls_recv_record(fd, &type, alert, sizeof alert, MSG_PEEK | MSG_DONTWAIT) == 2 && type == KTLS_ALERT)
        return alert[1];
    errno = ENOMSG;
    return -1;
}
