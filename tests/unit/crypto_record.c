/* ISC license. */

/* Record protection (RFC 8446, 5.2; RFC 5288; RFC 7905) against records made by another implementation. */

#include "crypto/crypto.h"

#include "crypto/vectors.h"
#include "hex.h"
#include "tap.h"

#define HEADER 5

static struct ktls_traffic_keys keys_of(struct record_vector const *v)
{
    struct bytes const key = hex(v->key), iv = hex(v->iv);
    struct ktls_traffic_keys keys = { .version = v->version, .cipher = v->cipher, .seq = v->seq };
    memcpy(keys.key, key.data, key.len);
    memcpy(keys.iv, iv.data, iv.len);
    return keys;
}

static void seals(struct record_vector const *v, size_t number)
{
    struct ktls_traffic_keys keys = keys_of(v);
    struct bytes const fragment = hex(v->fragment), want = hex(v->record);
    unsigned char record[2048];

    ok(crypto_record_overhead(&keys) == want.len - HEADER - fragment.len, "record %zu: overhead", number);
    size_t const len = crypto_seal_record(&keys, v->type, fragment.data, fragment.len, record);
    ok(len == want.len, "record %zu: sealed length", number);
    is_mem(record, want.data, want.len, "record %zu: sealed, version %04x cipher %d", number, v->version,
           v->cipher);
    ok(keys.seq == v->seq + 1, "record %zu: sealing counts up", number);

    /* The fragment may lie in the record's own buffer, where it goes, or before, or behind. */
    size_t const places[] = { 0, HEADER, HEADER + 8, HEADER + 11 };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        keys = keys_of(v);
        memcpy(record + places[i], fragment.data, fragment.len);
        crypto_seal_record(&keys, v->type, record + places[i], fragment.len, record);
        is_mem(record, want.data, want.len, "record %zu: sealed in place at %zu", number, places[i]);
    }
}

static void opens(struct record_vector const *v, size_t number)
{
    struct ktls_traffic_keys keys = keys_of(v);
    struct bytes const fragment = hex(v->fragment);
    struct bytes record = hex(v->record);
    unsigned char type = 0, *found = NULL;

    long const len =
        crypto_open_record(&keys, record.data, record.data + HEADER, record.len - HEADER, &type, &found);
    ok(len == (long)fragment.len && type == v->type, "record %zu: opened, type and length", number);
    ok(found >= record.data + HEADER && found + fragment.len <= record.data + record.len,
       "record %zu: opened in place", number);
    if (found) is_mem(found, fragment.data, fragment.len, "record %zu: fragment", number);
    ok(keys.seq == v->seq + 1, "record %zu: opening counts up", number);
}

static int opens_changed(struct ktls_traffic_keys keys, struct bytes record)
{
    unsigned char type, *found;
    uint64_t const seq = keys.seq;
    long const r =
        crypto_open_record(&keys, record.data, record.data + HEADER, record.len - HEADER, &type, &found);
    return r != -1 || keys.seq != seq;
}

/* The length in the header does not enter the additional data of 1.2 as it stands. */
static int is_authenticated(struct record_vector const *v, size_t byte)
{
    return v->version == KTLS_TLS_1_3 || byte < 3 || byte >= HEADER;
}

static void forgeries(struct record_vector const *v, size_t number)
{
    struct bytes const record = hex(v->record);
    struct ktls_traffic_keys keys = keys_of(v);
    int accepted = 0;

    for (size_t bit = 0; bit < 8 * record.len; bit++) {
        struct bytes changed = record;
        changed.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (is_authenticated(v, bit / 8)) accepted += opens_changed(keys, changed);
    }
    ok(!accepted, "record %zu: no changed bit is accepted", number);

    accepted = 0;
    for (size_t len = HEADER; len < record.len; len++) {
        struct bytes shorter = record;
        shorter.len = len;
        accepted += opens_changed(keys, shorter);
    }
    ok(!accepted, "record %zu: no shorter record is accepted", number);

    struct bytes longer = record;
    longer.data[longer.len++] = 0;
    ok(!opens_changed(keys, longer), "record %zu: no longer record is accepted", number);
    keys.seq ^= 1;
    ok(!opens_changed(keys, record), "record %zu: not under another sequence number", number);
}

static void round_trip(uint16_t version, uint16_t cipher, size_t len)
{
    static unsigned char fragment[16384], record[HEADER + 16384 + 24];
    struct ktls_traffic_keys tx = { .version = version, .cipher = cipher, .seq = UINT64_MAX - 1 }, rx;
    unsigned char type = 0, *found = NULL;

    crypto_random_os.fill(crypto_random_os.ctx, tx.key, sizeof tx.key);
    crypto_random_os.fill(crypto_random_os.ctx, tx.iv, sizeof tx.iv);
    crypto_random_os.fill(crypto_random_os.ctx, fragment, sizeof fragment);
    rx = tx;
    size_t const sealed = crypto_seal_record(&tx, KTLS_APPLICATION_DATA, fragment, len, record);
    ok(sealed == HEADER + len + crypto_record_overhead(&tx) &&
           (size_t)(record[3] << 8 | record[4]) == sealed - HEADER && record[1] == 3 && record[2] == 3,
       "header of %zu bytes, version %04x cipher %d", len, version, cipher);
    long const opened = crypto_open_record(&rx, record, record + HEADER, sealed - HEADER, &type, &found);
    ok(opened == (long)len && type == KTLS_APPLICATION_DATA && !memcmp(found, fragment, len),
       "round trip of %zu bytes, version %04x cipher %d", len, version, cipher);
}

/* RFC 8446, 5.4: the content type is the last octet that is not zero. */
static void padding(uint16_t cipher)
{
    static struct {
        char const *fragment;
        unsigned char last;
        long opened;
        unsigned char type;
    } const cases[] = {
        { "", 0, -2, 0 },
        { "00", 0, -2, 0 },
        { "0000000000000000000000000000000000000000", 0, -2, 0 },
        { "17", 0, 0, 23 },
        { "1700000000", 0, 0, 23 },
        { "000000160000", 0, 3, 22 },
        { "0000", 21, 2, 21 },
        { "ff", 0, 0, 255 },
        { "616217000000000000000000000000000000000000000000", 0, 2, 23 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ktls_traffic_keys tx = { .version = KTLS_TLS_1_3, .cipher = cipher, .seq = 7 }, rx = tx;
        struct bytes const fragment = hex(cases[i].fragment);
        unsigned char record[128], type = 0, *found = NULL;
        size_t const len = crypto_seal_record(&tx, cases[i].last, fragment.data, fragment.len, record);
        record[0] = KTLS_APPLICATION_DATA;
        long const opened = crypto_open_record(&rx, record, record + HEADER, len - HEADER, &type, &found);
        ok(opened == cases[i].opened && (opened < 0 || type == cases[i].type), "padding %zu, cipher %d", i,
           cipher);
    }
}

static void sizes(void)
{
    ok(crypto_key_size(KTLS_AES_128_GCM) == 16, "AES-128 key");
    ok(crypto_key_size(KTLS_AES_256_GCM) == 32, "AES-256 key");
    ok(crypto_key_size(KTLS_CHACHA20_POLY1305) == 32, "ChaCha20 key");
    ok(crypto_iv_size(KTLS_AES_128_GCM, KTLS_TLS_1_2) == 4, "AES-GCM salt in 1.2");
    ok(crypto_iv_size(KTLS_AES_256_GCM, KTLS_TLS_1_2) == 4, "AES-GCM salt in 1.2");
    ok(crypto_iv_size(KTLS_CHACHA20_POLY1305, KTLS_TLS_1_2) == 12, "ChaCha20 IV in 1.2");
    ok(crypto_iv_size(KTLS_AES_128_GCM, KTLS_TLS_1_3) == 12, "AES-GCM IV in 1.3");
    ok(crypto_iv_size(KTLS_CHACHA20_POLY1305, KTLS_TLS_1_3) == 12, "ChaCha20 IV in 1.3");
}

int main(void)
{
    static size_t const lengths[] = { 0, 1, 15, 16, 17, 255, 4096, 16383, 16384 };
    static uint16_t const ciphers[] = { KTLS_AES_128_GCM, KTLS_AES_256_GCM, KTLS_CHACHA20_POLY1305 };

    sizes();
    for (size_t i = 0; i < sizeof record_vectors / sizeof *record_vectors; i++) {
        seals(record_vectors + i, i);
        opens(record_vectors + i, i);
        forgeries(record_vectors + i, i);
    }
    for (size_t c = 0; c < 3; c++) {
        padding(ciphers[c]);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            round_trip(KTLS_TLS_1_2, ciphers[c], lengths[i]);
            round_trip(KTLS_TLS_1_3, ciphers[c], lengths[i]);
        }
    }
    return done_testing();
}
