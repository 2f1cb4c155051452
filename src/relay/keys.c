/* ISC license. */

#include <string.h>

#include "relay/relay.h"
#include "tls/tls.h"

/* Padding is cleared too: the structure travels to another process as it is. */
void relay_keys_of_session(struct relay_keys *keys, struct tls_session const *session, enum ktls_role role)
{
    memset(keys, 0, sizeof *keys);
    keys->magic = RELAY_KEYS_MAGIC;
    keys->suite = session->suite->id;
    keys->role = (uint8_t)role;
    keys->tx = session->tx;
    keys->rx = session->rx;
    memcpy(keys->tx_secret, session->tx_secret, sizeof keys->tx_secret);
    memcpy(keys->rx_secret, session->rx_secret, sizeof keys->rx_secret);
}
