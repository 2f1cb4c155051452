/* ISC license. */

/* Counts the bytes given to the kernel, and compares them with those that TCP has. */

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "relay/stack.h"

#define MAX_SETTLING 8
#define RECORDS_A_SPLICE 32 /* at most, besides full records: a pipe has 16 buffers */

/* The order of the calls matters: an acknowledgement in between makes the sum too small, not too large. */
static int tcp_has(int fd, uint64_t *bytes)
{
    struct tcp_info info = { .tcpi_bytes_acked = 0 };
    socklen_t len = sizeof info;
    int queued;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || ioctl(fd, SIOCOUTQ, &queued) < 0) return 0;
    *bytes = info.tcpi_bytes_acked + (unsigned int)queued;
    return 1;
}

void relay_start_counter(struct engine *engine)
{
    struct sent_counter *counter = &engine->out.counter;
    int const fd = engine->config.net_write;
    counter->works = ktls_sequence(fd, KTLS_TX, &counter->first) == 0 && tcp_has(fd, &counter->base);
    counter->counted = counter->first;
}

void relay_count_sent(struct engine *engine, size_t len)
{
    engine->out.counter.payload += len;
    engine->out.counter.since += RECORDS_A_SPLICE + len / TLS_MAX_FRAGMENT;
    engine->out.sent += len;
}

void relay_restart_counter(struct engine *engine, uint64_t records)
{
    struct sent_counter *counter = &engine->out.counter;
    counter->records += records - counter->first;
    counter->first = counter->counted = counter->since = 0;
}

uint64_t relay_records_at_most(struct engine *engine)
{
    struct sent_counter *counter = &engine->out.counter;
    uint64_t seq;
    if (counter->counted + counter->since < engine->config.max_records) return counter->counted;
    if (ktls_sequence(engine->config.net_write, KTLS_TX, &seq) < 0) seq = counter->counted + counter->since;
    counter->counted = seq;
    counter->since = 0;
    return seq;
}

/* Also 1 when it cannot be determined. */
static int has_all(struct engine *engine, uint64_t *bytes)
{
    struct sent_counter const *counter = &engine->out.counter;
    size_t const expansion = TLS_RECORD_HEADER + crypto_record_overhead(&engine->keys->tx);
    uint64_t seq;
    if (!counter->works || ktls_sequence(engine->config.net_write, KTLS_TX, &seq) < 0) return 1;
    if (!tcp_has(engine->config.net_write, bytes)) return 1;
    uint64_t const records = counter->records + seq - counter->first;
    return *bytes - counter->base >= counter->payload + records * expansion;
}

int relay_has_settled(struct engine *engine)
{
    struct outbound *out = &engine->out;
    unsigned char const looks = out->settling;
    uint64_t bytes;
    out->settling = 0;
    if (has_all(engine, &bytes)) return 1;
    out->settling = bytes != out->sent ? 1 : looks < MAX_SETTLING ? looks + 1 : looks;
    out->sent = bytes;
    return 0;
}
