/* ISC license. */

#include "eof/preload/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eof/eof.h"
#include "ktls/kernel.h"
#include "relay/relay.h"
#include "tls/tls.h"

/* A peer could have updated its keys so often before another process of ours
   reads: 2^24 records of 16 KiB for each. */
#define MAX_GENERATIONS 65536

static int keys_fd = -1, socket_fd = -1;

int generation_available(void)
{
    char const *text = getenv(EOF_KEYS_FD);
    if (!text || keys_fd >= 0) return keys_fd >= 0;
    char *end;
    long const fd = strtol(text, &end, 10);
    if (!*text || *end || fd < 0 || fd > 1 << 20) return 0;
    struct relay_keys keys;
    int const usable = pread((int)fd, &keys, sizeof keys, 0) == sizeof keys && keys.magic == RELAY_KEYS_MAGIC;
    explicit_bzero(&keys, sizeof keys);
    if (usable) keys_fd = (int)fd;
    return usable;
}

void generation_use(int fd)
{
    if (socket_fd < 0) socket_fd = fd;
}

/* secret becomes the one of the keys that the kernel has. */
static int find_generation(enum ktls_direction direction, struct crypto_suite const *suite,
                           unsigned char secret[TLS_MAX_SECRET])
{
    struct ktls_traffic_keys keys;
    unsigned char now[sizeof keys.key];
    int found = 0;
    if (ktls_installed_key(socket_fd, direction, now) < 0) return 0;
    crypto_traffic_keys(suite, secret, &keys);
    for (int i = 0; !found && i < MAX_GENERATIONS; i++) {
        found = !memcmp(now, keys.key, sizeof now);
        if (!found) crypto_next_keys(suite, secret, &keys);
    }
    explicit_bzero(now, sizeof now);
    explicit_bzero(&keys, sizeof keys);
    return found;
}

int generation_next(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    struct relay_keys saved;
    (void)ctx;
    if (pread(keys_fd, &saved, sizeof saved, 0) != sizeof saved) return -1;
    unsigned char *secret = direction == KTLS_TX ? saved.tx_secret : saved.rx_secret;
    struct crypto_suite const *suite = crypto_suite_by_id(saved.suite);
    int const found = suite && find_generation(direction, suite, secret);
    if (found) crypto_next_keys(suite, secret, keys);
    else errno = EKEYREJECTED;
    explicit_bzero(&saved, sizeof saved);
    return found ? 0 : -1;
}
