/* ISC license. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"

enum config { CONFIG_UNKNOWN, CONFIG_NO, CONFIG_MODULE, CONFIG_BUILT_IN };

static void say(struct check_report *report, char const *advice)
{
    if (report->advices < CHECK_MAX_ADVICE) report->advice[report->advices++] = advice;
}

/* CONFIG_TLS, where distributions keep their kernels' configuration. */
static enum config read_config(char const *release)
{
    enum config found = CONFIG_UNKNOWN;
    char path[sizeof "/boot/config-" + sizeof ((struct utsname *)0)->release], line[256];
    snprintf(path, sizeof path, "/boot/config-%s", release);
    FILE *file = fopen(path, "re");
    if (!file) return CONFIG_UNKNOWN;
    found = CONFIG_NO;
    while (fgets(line, sizeof line, file)) {
        if (!strcmp(line, "CONFIG_TLS=m\n")) found = CONFIG_MODULE;
        if (!strcmp(line, "CONFIG_TLS=y\n")) found = CONFIG_BUILT_IN;
    }
    fclose(file);
    return found;
}

static int has_module(char const *release)
{
    static char const *const suffixes[] = { "", ".xz", ".zst", ".gz" };
    char path[sizeof "/lib/modules//kernel/net/tls/tls.ko.zst" + sizeof ((struct utsname *)0)->release];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "/lib/modules/%s/kernel/net/tls/tls.ko%s", release, suffixes[i]);
        if (access(path, F_OK) == 0) return 1;
    }
    return 0;
}

static int is_container(void)
{
    return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
           access("/run/systemd/container", F_OK) == 0;
}

static void advise_module(struct check_report *report)
{
    enum config const config = read_config(report->system.release);
    if (config == CONFIG_NO) {
        say(report, "This kernel was built without CONFIG_TLS: it takes another kernel.");
        return;
    }
    if (config == CONFIG_MODULE || has_module(report->system.release))
        say(report, "Load the kernel's module, as root: modprobe tls");
    else
        say(report, "Load the kernel's module, as root: modprobe tls; a kernel without it was built without "
                    "CONFIG_TLS.");
    say(report, "To have it at every start: echo tls >/etc/modules-load.d/tls.conf");
    say(report, is_container()
                    ? "This is a container: its kernel is the host's, and the module is loaded there."
                    : "In a container the kernel is the host's: the module is loaded there.");
}

static void advise_no_tls(struct check_report *report)
{
    if (report->tls == ENOENT)
        advise_module(report);
    else
        say(report, "Something other than the kernel's build keeps TLS from sockets: a sandbox, a security "
                    "module, or a kernel that only looks like Linux.");
    say(report, "Until then leave -m kernel: with -m auto, relay or user ktls-relay protects the records.");
}

static int lacks(struct check_report const *report, size_t suite)
{
    return report->version[0].suite[suite] || report->version[1].suite[suite];
}

static void advise_suites(struct check_report *report)
{
    if (lacks(report, 0) || lacks(report, 1))
        say(report, "AES-GCM needs the kernel's modules gcm, ctr and ghash-generic (CONFIG_CRYPTO_GCM).");
    if (lacks(report, 2))
        say(report, "ChaCha20-Poly1305 needs the kernel's module chacha20poly1305 "
                    "(CONFIG_CRYPTO_CHACHA20POLY1305).");
    say(report, "Until then -m kernel works with those suites alone that do, given by -c.");
}

void check_advise(struct check_report *report)
{
    if (report->tls)
        advise_no_tls(report);
    else if (!check_is_complete(report))
        advise_suites(report);
    else if (report->version[1].rekey)
        say(report, "A TLS 1.3 peer that changes its keys ends a connection that the kernel protects; "
                    "Linux 6.14 can replace them. Where connections live for long: -m relay.");
}
