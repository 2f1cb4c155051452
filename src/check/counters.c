/* ISC license. */

#include <string.h>

#include <skalibs/djbunix.h>
#include <skalibs/types.h>

#include "check/check.h"

#define MAX_FILE 8192

static struct {
    char const *name, *meaning;
} const meanings[] = {
    { "TlsCurrTxSw", "sockets now whose data the kernel protects itself" },
    { "TlsCurrRxSw", "sockets now whose data the kernel opens itself" },
    { "TlsCurrTxDevice", "sockets now whose data the network card protects" },
    { "TlsCurrRxDevice", "sockets now whose data the network card opens" },
    { "TlsTxSw", "sockets ever whose data the kernel protected itself" },
    { "TlsRxSw", "sockets ever whose data the kernel opened itself" },
    { "TlsTxDevice", "sockets ever whose data the network card protected" },
    { "TlsRxDevice", "sockets ever whose data the network card opened" },
    { "TlsDecryptError", "records that could not be opened: forged, corrupt, or another key" },
    { "TlsRxDeviceResync", "times a network card was told anew where records begin" },
    { "TlsDecryptRetry", "records opened twice, as they were padded or no data (see no padding)" },
    { "TlsRxNoPadViolation", "of those, the ones that were padded" },
    { "TlsRxRekeyOk", "KeyUpdates: keys replaced for receiving" },
    { "TlsRxRekeyError", "KeyUpdates: keys for receiving that were refused" },
    { "TlsTxRekeyOk", "KeyUpdates: keys replaced for sending" },
    { "TlsTxRekeyError", "KeyUpdates: keys for sending that were refused" },
    { "TlsRxRekeyReceived", "KeyUpdates received, after which a socket waits for its next key" },
};

char const *check_counter_meaning(char const *name)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (!strcmp(name, meanings[i].name)) return meanings[i].meaning;
    return NULL;
}

/* "Name<blanks>number" */
static void read_line(struct check_report *report, char const *line)
{
    size_t const len = strcspn(line, " \t");
    struct check_counter *counter = &report->counter[report->counters];
    if (report->counters == CHECK_MAX_COUNTERS || !len || len > CHECK_MAX_COUNTER_NAME) return;
    char const *number = line + len + strspn(line + len, " \t");
    if (!uint640_scan(number, &counter->value)) return;
    memcpy(counter->name, line, len);
    counter->name[len] = 0;
    report->counters++;
}

void check_read_counters(struct check_report *report)
{
    char text[MAX_FILE + 1];
    report->counters = 0;
    ssize_t const len = openreadnclose("/proc/net/tls_stat", text, MAX_FILE);
    if (len <= 0) return;
    text[len] = 0;
    for (char *line = text, *next; (next = strchr(line, '\n')); line = next + 1) {
        *next = 0;
        read_line(report, line);
    }
}
