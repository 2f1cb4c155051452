/* ISC license. */

/* What the kernel was given, and what TCP has of it. */

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "relay/engine.h"

#define RECORDS_A_SPLICE 32 /* at most, besides full ones: a pipe has 16 places */

/* In this order: an acknowledgement in between makes it too little, not too much. */
static int tcp_has(int fd, uint64_t *bytes)
{
    struct tcp_info info = { .tcpi_bytes_acked = 0 };
    socklen_t len = sizeof info;
    int queued;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || ioctl(fd, SIOCOUTQ, &queued) < 0) return 0;
    *bytes = info.tcpi_bytes_acked + (unsigned int)queued;
    return 1;
}

void relay_start_odometer(struct engine *engine)
{
    struct odometer *odometer = &engine->out.odometer;
    int const fd = engine->config.net_write;
    odometer->works = ktls_sequence(fd, KTLS_TX, &odometer->first) == 0 && tcp_has(fd, &odometer->base);
    odometer->counted = odometer->first;
}

void relay_note_sent(struct engine *engine, size_t len)
{
    engine->out.odometer.payload += len;
    engine->out.odometer.since += RECORDS_A_SPLICE + len / MAX_FRAGMENT;
    engine->out.sent += len;
}

void relay_restart_odometer(struct engine *engine, uint64_t records)
{
    struct odometer *odometer = &engine->out.odometer;
    odometer->records += records - odometer->first;
    odometer->first = odometer->counted = odometer->since = 0;
}

uint64_t relay_records_at_most(struct engine *engine)
{
    struct odometer *odometer = &engine->out.odometer;
    uint64_t seq;
    if (odometer->counted + odometer->since < engine->config.max_records) return odometer->counted;
    if (ktls_sequence(engine->config.net_write, KTLS_TX, &seq) < 0) seq = odometer->counted + odometer->since;
    odometer->counted = seq;
    odometer->since = 0;
    return seq;
}

/* Also where there is no telling. */
static int has_all(struct engine *engine, uint64_t *bytes)
{
    struct odometer const *odometer = &engine->out.odometer;
    size_t const expansion = RECORD_HEADER + crypto_record_overhead(&engine->keys->tx);
    uint64_t seq;
    if (!odometer->works || ktls_sequence(engine->config.net_write, KTLS_TX, &seq) < 0) return 1;
    if (!tcp_has(engine->config.net_write, bytes)) return 1;
    uint64_t const records = odometer->records + seq - odometer->first;
    return *bytes - odometer->base >= odometer->payload + records * expansion;
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
