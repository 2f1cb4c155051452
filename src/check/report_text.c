/* ISC license. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "crypto/crypto.h"

static void print_text_result(char const *name, int error, unsigned int verbosity)
{
    printf("    %-20s%s", name, error ? "no" : "yes");
    if (error && verbosity >= 2) printf(" (%s)", strerror(error));
    putchar('\n');
}

static void print_text_version(struct check_report const *report, size_t i, unsigned int verbosity)
{
    struct check_version const *found = &report->version[i];
    printf("TLS %s\n", check_version_name[i]);
    for (size_t j = 0; j < CHECK_SUITES; j++) print_text_result(check_suite_name[j], found->suite[j], verbosity);
    print_text_result("zero-copy sendfile", found->zerocopy, verbosity);
    if (check_version_number[i] != KTLS_TLS_1_3) return;
    print_text_result("replacing keys", found->rekey, verbosity);
    print_text_result("no padding", found->no_pad, verbosity);
}

static void print_text_counters(struct check_report const *report)
{
    if (report->counters) puts("Counters, before this check");
    for (size_t i = 0; i < report->counters; i++) {
        struct check_counter const *counter = &report->counter[i];
        char const *meaning = check_counter_meaning(counter->name);
        printf("    %-20s%8" PRIu64 "%s%s\n", counter->name, counter->value, meaning ? "  " : "",
               meaning ? meaning : "");
    }
}

static void print_text_cryptography(void)
{
    struct crypto_implementation found[CRYPTO_IMPLEMENTATIONS];
    crypto_implementations(found);
    puts("Cryptography in user space");
    for (size_t i = 0; i < CRYPTO_IMPLEMENTATIONS; i++) printf("    %-20s%s\n", found[i].what, found[i].name);
}

void check_print_text(struct check_report const *report, unsigned int verbosity)
{
    if (!verbosity) return;
    printf("%s %s: %s\n", report->system.sysname, report->system.release,
           report->tls ? "no TLS on sockets" : "TLS on sockets");
    if (report->tls && verbosity >= 2) printf("    attaching: %s\n", strerror(report->tls));
    for (size_t i = 0; !report->tls && i < CHECK_VERSIONS; i++)
        print_text_version(report, i, verbosity);
    print_text_counters(report);
    print_text_cryptography();
    printf("-m kernel %s\n", check_is_complete(report) ? "works" : "does not work");
    for (size_t i = 0; i < report->advices; i++) printf("* %s\n", report->advice[i]);
}
