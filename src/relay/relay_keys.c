/* ISC license. */

#include <string.h>

#include "relay/relay.h"
#include "tls/tls.h"

/* Clears the padding, too, because the structure is passed to another process as bytes. */
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

static int fits(struct ktls_traffic_keys const *keys, uint16_t version, enum ktls_cipher cipher)
{
    return keys->version == version && keys->cipher == cipher;
}

int relay_keys_are_usable(struct relay_keys const *keys)
{
    struct crypto_suite const *suite = crypto_suite_by_id(keys->suite);
    if (keys->magic != RELAY_KEYS_MAGIC || keys->role > KTLS_CLIENT || keys->in_kernel > 1) return 0;
    if (!suite) return !keys->suite && keys->in_kernel;
    return fits(&keys->tx, suite->version, suite->cipher) && fits(&keys->rx, suite->version, suite->cipher);
}
