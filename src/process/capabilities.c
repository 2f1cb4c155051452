/* ISC license. */

#include "process/capabilities.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int read_capabilities(struct capabilities *capabilities)
{
    *capabilities = (struct capabilities){ 0 };
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    return syscall(SYS_capget, &header, capabilities->word) == 0;
}

static int write_capabilities(struct capabilities const *capabilities)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    return syscall(SYS_capset, &header, capabilities->word) == 0;
}

static int has_effective(struct capabilities const *capabilities)
{
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (capabilities->word[i].effective) return 1;
    return 0;
}

/* Does not rely on the success of the call: asks the kernel for the result. */
static int check_none_effective(void)
{
    struct capabilities now;
    if (!read_capabilities(&now)) return 0;
    errno = EPERM;
    return !has_effective(&now);
}

int capabilities_save(struct capabilities *saved)
{
    return read_capabilities(saved);
}

int capabilities_suspend(void)
{
    struct capabilities none;
    if (!read_capabilities(&none)) return 0;
    if (!has_effective(&none)) return 1;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) none.word[i].effective = 0;
    return write_capabilities(&none) && check_none_effective();
}

int capabilities_restore(struct capabilities const *saved)
{
    struct capabilities now;
    return (read_capabilities(&now) && !memcmp(&now, saved, sizeof now)) || write_capabilities(saved);
}

/* Linux before 4.3 has no ambient capabilities. */
int capabilities_drop(void)
{
    struct capabilities none;
    memset(&none, 0, sizeof none);
    if (prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0 && errno != EINVAL) return 0;
    return write_capabilities(&none) && check_none_effective();
}
