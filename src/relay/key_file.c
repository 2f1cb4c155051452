/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relay/relay.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 8U
#endif

/* The kernel may require MFD_NOEXEC_SEAL (vm.memfd_noexec), or be too old to know it. */
static int create(void)
{
    int const fd = memfd_create("tls-keys", MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    return fd < 0 && errno == EINVAL ? memfd_create("tls-keys", MFD_ALLOW_SEALING) : fd;
}

int relay_save_keys(struct relay_keys const *keys)
{
    int const fd = create();
    if (fd < 0) return -1;
    if (write(fd, keys, sizeof *keys) == sizeof *keys && fcntl(fd, F_ADD_SEALS, SEALS) == 0) return fd;
    close(fd);
    return -1;
}

char const *relay_load_keys(struct relay_keys *keys, int fd)
{
    int const seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0) return strerror(errno);
    if ((seals & SEALS) != SEALS) return "not a sealed memory file";
    if (lseek(fd, 0, SEEK_END) != sizeof *keys || pread(fd, keys, sizeof *keys, 0) != sizeof *keys
        || !relay_keys_are_usable(keys))
        return "not keys of this version of the program";
    close(fd);
    return NULL;
}

int relay_find_keys(struct relay_keys *keys, int fd)
{
    struct ktls_state state;
    if (!ktls_is(fd, &state)) return 0;
    memset(keys, 0, sizeof *keys);
    keys->magic = RELAY_KEYS_MAGIC;
    keys->role = KTLS_EITHER;
    keys->in_kernel = 1;
    keys->tx.version = keys->rx.version = state.version;
    keys->tx.cipher = state.tx_cipher;
    keys->rx.cipher = state.rx_cipher;
    return 1;
}
