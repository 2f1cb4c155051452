/* ISC license. */

#include "ktls/ktls.h"

#include <errno.h>

#include "ktls/kernel.h"

static int is_warning(unsigned char description)
{
    return description == CLOSE_NOTIFY || description == USER_CANCELED || description == NO_RENEGOTIATION;
}

int ktls_send_alert(int fd, unsigned char description)
{
    unsigned char const alert[2] = {is_warning(description) ? 1 : 2, description};

    if (!ktls_has_keys(fd, KTLS_TX)) { /* it would be plaintext in the stream */
        errno = EINVAL;
        return -1;
    }
    return ktls_send_record(fd, KTLS_ALERT, alert, sizeof alert) == sizeof alert ? 0 : -1;
}

int ktls_close_notify(int fd)
{
    return ktls_send_alert(fd, CLOSE_NOTIFY);
}

int ktls_alert(int fd)
{
    unsigned char type, alert[2 + 1]; /* what is longer is none */

    if (ktls_recv_record(fd, &type, alert, sizeof alert, MSG_PEEK | MSG_DONTWAIT) == 2 && type == KTLS_ALERT)
        return alert[1];
    errno = ENOMSG;
    return -1;
}
