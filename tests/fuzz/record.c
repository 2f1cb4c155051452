/* ISC license. */

/* Record protection: what is sealed opens to itself, and what was not sealed does not open. */

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

#define HEADER 5

extern int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static struct ktls_traffic_keys make_keys(unsigned char selector)
{
    static uint16_t const ciphers[] = { KTLS_AES_128_GCM, KTLS_AES_256_GCM, KTLS_CHACHA20_POLY1305 };
    struct ktls_traffic_keys keys = { .version = selector & 1 ? KTLS_TLS_1_2 : KTLS_TLS_1_3,
                                      .cipher = ciphers[(selector >> 1) % 3],
                                      .seq = selector };
    memset(keys.key, selector, sizeof keys.key);
    memset(keys.iv, 0x33, sizeof keys.iv);
    return keys;
}

static void round_trip(struct ktls_traffic_keys tx, unsigned char type, unsigned char const *data, size_t len)
{
    unsigned char record[HEADER + 4096 + 24], found_type, *found;
    struct ktls_traffic_keys rx = tx;
    size_t const n = crypto_seal_record(&tx, type, data, len, record);
    if (n != HEADER + len + crypto_record_overhead(&tx)) abort();
    long const opened = crypto_open_record(&rx, record, record + HEADER, n - HEADER, &found_type, &found);
    if (!type && rx.version == KTLS_TLS_1_3) return; /* that is padding */
    if (opened != (long)len || found_type != type || memcmp(found, data, len) || rx.seq != tx.seq) abort();
}

static void open_foreign(struct ktls_traffic_keys rx, unsigned char const *data, size_t len)
{
    unsigned char type, *found, *body = malloc(len + !len);
    unsigned char const header[HEADER] = { 23, 3, 3, (unsigned char)(len >> 8), (unsigned char)len };
    uint64_t const seq = rx.seq;
    if (!body) return;
    memcpy(body, data, len);
    if (crypto_open_record(&rx, header, body, len, &type, &found) != -1 || rx.seq != seq) abort();
    free(body);
}

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    if (size < 2 || size > 4096) return 0;
    struct ktls_traffic_keys const keys = make_keys(data[0]);
    round_trip(keys, data[1], data + 2, size - 2);
    open_foreign(keys, data + 2, size - 2);
    return 0;
}
