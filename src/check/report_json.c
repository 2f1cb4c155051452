/* ISC license. */

#include <inttypes.h>
#include <stdio.h>

#include "check/check.h"
#include "crypto/crypto.h"

/* Everything but printable ASCII goes as an escape; what is no ASCII is nobody's text here. */
void check_print_string(char const *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char const c = (unsigned char)*text;
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_json_flag(char const *name, int error, char const *end)
{
    printf("\"%s\": %s%s", name, error ? "false" : "true", end);
}

static void print_json_version(struct check_version const *found, char const *name, char const *end)
{
    printf("    \"%s\": {\n      \"suites\": {", name);
    for (size_t i = 0; i < CHECK_SUITES; i++)
        print_json_flag(check_suite_name[i], found->suite[i], i + 1 < CHECK_SUITES ? ", " : "},\n      ");
    print_json_flag("rekey", found->rekey, ", ");
    print_json_flag("zerocopy_sendfile", found->zerocopy, ", ");
    print_json_flag("expect_no_pad", found->no_pad, "\n    }");
    puts(end);
}

static void print_versions(struct check_report const *report)
{
    puts("  \"versions\": {");
    for (size_t i = 0; !report->tls && i < CHECK_VERSIONS; i++)
        print_json_version(&report->version[i], check_version_name[i], i + 1 < CHECK_VERSIONS ? "," : "");
    puts("  },");
}

static void print_json_counters(struct check_report const *report)
{
    printf("  \"counters\": {");
    for (size_t i = 0; i < report->counters; i++) {
        printf("%s\n    ", i ? "," : "");
        check_print_string(report->counter[i].name);
        printf(": %" PRIu64, report->counter[i].value);
    }
    puts("\n  },");
}

static void print_json_cryptography(void)
{
    struct crypto_implementation found[CRYPTO_IMPLEMENTATIONS];
    crypto_implementations(found);
    printf("  \"cryptography\": {");
    for (size_t i = 0; i < CRYPTO_IMPLEMENTATIONS; i++)
        printf("%s\n    \"%s\": \"%s\"", i ? "," : "", found[i].what, found[i].name);
    puts("\n  },");
}

static void print_advice(struct check_report const *report)
{
    printf("  \"advice\": [");
    for (size_t i = 0; i < report->advices; i++) {
        printf("%s\n    ", i ? "," : "");
        check_print_string(report->advice[i]);
    }
    puts("\n  ]");
}

void check_print_json(struct check_report const *report)
{
    printf("{\n  \"kernel\": ");
    check_print_string(report->system.release);
    printf(",\n  ");
    print_json_flag("tls", report->tls, ",\n  ");
    print_json_flag("mode_kernel", !check_is_complete(report), ",\n");
    print_versions(report);
    print_json_counters(report);
    print_json_cryptography();
    print_advice(report);
    puts("}");
}
