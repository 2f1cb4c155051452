/* ISC license. */

/*
 * Flights with faults: one side runs as it is, but what it writes is taken
 * apart, changed, and sealed again under its own keys. Its peer must notice,
 * unless only the records are other ones and what they carry is the same.
 *
 * A change names the handshake message it is about by its decimal type:
 *   drop T, dup T, swap T U           whole messages
 *   body T HEX                        another body
 *   poke T OFFSET HEX                 octets over the body; negative: from its end
 *   grow T HEX, cut T N               at the end of the body, length corrected
 *   claim T N                         another length in the header only
 *   ext T E HEX, noext T E, dupext T E   adds or replaces, removes, repeats an extension
 *   before T KIND HEX                 a record of that content type in front of T
 *   after T KIND HEX                  and behind it; protected as T is, but for ChangeCipherSpec
 *   sealed T KIND HEX                 in front of T and protected, whatever it is
 *   glue T                            T and what follows it in one record
 *   split T N                         T in two records, N bytes in the first
 *   break T KIND HEX                  such a record in the middle of T
 *   clear T                           T's record without protection
 *   pad T N, corrupt T, outer T KIND  its protection: padding, a wrong tag, another outer type
 */

#ifndef FAULTS_H
#define FAULTS_H

#include "hex.h"
#include "loopback.h"

struct item {
    unsigned char type, outer;
    int sealed, corrupt;
    size_t len, padding;
    unsigned char data[20000];
};

#define MAX_ITEMS 24
static struct item items[MAX_ITEMS];
static size_t item_count;

struct fault {
    int flight; /* which of the side's writes: 0 is the first */
    char const *change;
};

static struct fault fault;
static struct {
    struct handshake *hs;
    struct tls_transport real;
    int flights, applied;
} faulty;

/* ---- taking a flight apart ---- */

static inline struct item *insert_item(size_t at)
{
    if (item_count == MAX_ITEMS) abort();
    memmove(items + at + 1, items + at, (item_count++ - at) * sizeof *items);
    memset(items + at, 0, sizeof *items);
    return items + at;
}

static inline void remove_item(size_t at)
{
    memmove(items + at, items + at + 1, (--item_count - at) * sizeof *items);
}

static inline size_t message_len(unsigned char const *p)
{
    return 4 + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

/* One item for each message; our flights are short enough for whole messages in a record. */
static inline void add_items(unsigned char type, int sealed, unsigned char const *p, size_t len)
{
    do {
        size_t const n = type == KTLS_HANDSHAKE ? message_len(p) : len;
        struct item *item = insert_item(item_count);
        if (n > len || n > sizeof item->data) abort();
        item->type = type;
        item->sealed = sealed;
        item->len = n;
        memcpy(item->data, p, n);
        p += n;
        len -= n;
    } while (len);
}

/* A side writes protected records in one flight only: they begin with number 0. */
static inline struct ktls_traffic_keys first_keys(void)
{
    struct ktls_traffic_keys keys = faulty.hs->tx;
    keys.seq = 0;
    return keys;
}

static inline void take_apart(unsigned char const *flight, size_t len)
{
    static unsigned char copy[1 << 17];
    struct ktls_traffic_keys keys = first_keys();
    int protected_from_here = 0;

    item_count = 0;
    memcpy(copy, flight, len);
    for (size_t at = 0; at < len;) {
        unsigned char *const r = copy + at, type = r[0], *p = r + TLS_RECORD_HEADER, inner = type;
        size_t n = (size_t)r[3] << 8 | r[4];
        at += TLS_RECORD_HEADER + n;
        int const sealed =
            type == KTLS_APPLICATION_DATA || (protected_from_here && faulty.hs->version == TLS_1_2);
        if (sealed) n = (size_t)crypto_open_record(&keys, r, p, n, &inner, &p);
        if (n > len) abort();
        add_items(inner, sealed, p, n);
        protected_from_here |= type == KTLS_CHANGE_CIPHER_SPEC;
    }
}

/* ---- putting it together ---- */

static inline size_t seal_item(struct ktls_traffic_keys *keys, struct item const *item, unsigned char *to)
{
    static unsigned char padded[40000];
    size_t len;
    if (keys->version == TLS_1_3 && item->padding) {
        memcpy(padded, item->data, item->len);
        padded[item->len] = item->type;
        memset(padded + item->len + 1, 0, item->padding);
        len = crypto_seal_record(keys, 0, padded, item->len + item->padding, to);
    } else {
        len = crypto_seal_record(keys, item->type, item->data, item->len, to);
    }
    if (item->corrupt) to[len - 1] ^= 1;
    return len;
}

static inline size_t put_item(struct ktls_traffic_keys *keys, struct item const *item, unsigned char *to)
{
    if (item->sealed) {
        size_t const len = seal_item(keys, item, to);
        if (item->outer) to[0] = item->outer;
        return len;
    }
    to[0] = item->type, to[1] = 3, to[2] = 3;
    to[3] = (unsigned char)(item->len >> 8), to[4] = (unsigned char)item->len;
    memcpy(to + TLS_RECORD_HEADER, item->data, item->len);
    return TLS_RECORD_HEADER + item->len;
}

static inline size_t put_together(unsigned char *to)
{
    struct ktls_traffic_keys keys = first_keys();
    size_t len = 0;
    for (size_t i = 0; i < item_count; i++) len += put_item(&keys, items + i, to + len);
    return len;
}

/* ---- changes ---- */

static inline size_t find_item(unsigned int type)
{
    for (size_t i = 0; i < item_count; i++)
        if (items[i].type == KTLS_HANDSHAKE && items[i].data[0] == type) return i;
    fprintf(stderr, "no message %u in the flight: %s\n", type, fault.change);
    abort();
}

static inline void set_body_len(struct item *item, size_t len)
{
    item->len = 4 + len;
    item->data[1] = (unsigned char)(len >> 16);
    item->data[2] = (unsigned char)(len >> 8);
    item->data[3] = (unsigned char)len;
}

/* Where a message's extension block begins (its length field). */
static inline size_t extensions_at(struct item const *item)
{
    unsigned char const *p = item->data;
    switch (p[0]) {
    case TLS_SERVER_HELLO: return 4 + 2 + 32 + 1u + p[4 + 34] + 3;
    case TLS_ENCRYPTED_EXTENSIONS: return 4;
    case TLS_CERTIFICATE_REQUEST: return 4 + 1;
    case TLS_CERTIFICATE: /* of its first entry, in 1.3 */
        return 4 + 1 + 3 + 3 + ((size_t)p[8] << 16 | (size_t)p[9] << 8 | p[10]);
    default: abort();
    }
}

static inline void add16(unsigned char *p, long delta)
{
    long const n = (p[0] << 8 | p[1]) + delta;
    p[0] = (unsigned char)(n >> 8), p[1] = (unsigned char)n;
}

/* Everything that holds the extension block grows with it. */
static inline void resized(struct item *item, size_t block, long delta)
{
    add16(item->data + block, delta);
    if (item->data[0] == TLS_CERTIFICATE) add16(item->data + 6, delta);
    set_body_len(item, item->len - 4 + (size_t)delta);
}

static inline void remove_extension(struct item *item, unsigned int type)
{
    size_t const block = extensions_at(item);
    size_t at = block + 2, end = at + (size_t)(item->data[block] << 8 | item->data[block + 1]);
    while (at < end) {
        unsigned char *p = item->data + at;
        size_t const n = 4 + (size_t)(p[2] << 8 | p[3]);
        if ((unsigned int)(p[0] << 8 | p[1]) == type) {
            memmove(p, p + n, item->len - at - n);
            resized(item, block, -(long)n);
            return;
        }
        at += n;
    }
}

static inline void put_extension(struct item *item, unsigned int type, struct bytes const *body)
{
    remove_extension(item, type);
    size_t const block = extensions_at(item), n = 4 + body->len;
    unsigned char *p = item->data + block + 2;
    memmove(p + n, p, item->len - block - 2);
    p[0] = (unsigned char)(type >> 8), p[1] = (unsigned char)type;
    p[2] = (unsigned char)(body->len >> 8), p[3] = (unsigned char)body->len;
    memcpy(p + 4, body->data, body->len);
    resized(item, block, (long)n);
}

static inline void repeat_extension(struct item *item, unsigned int type)
{
    size_t const block = extensions_at(item);
    unsigned char *p = item->data + block + 2;
    while ((unsigned int)(p[0] << 8 | p[1]) != type) p += 4 + (p[2] << 8 | p[3]);
    size_t const n = 4 + (size_t)(p[2] << 8 | p[3]);
    memmove(p + n, p, item->len - (size_t)(p - item->data));
    resized(item, block, (long)n);
}

static inline struct item *new_record(size_t at, int sealed, int kind, struct bytes const *b)
{
    struct item *item = insert_item(at);
    item->type = (unsigned char)kind;
    item->sealed = sealed;
    item->len = b->len;
    memcpy(item->data, b->data, b->len);
    return item;
}

static inline void split_item(size_t at, size_t first)
{
    struct item *rest = insert_item(at + 1), *item = items + at;
    *rest = *item;
    rest->len = item->len - first;
    memcpy(rest->data, item->data + first, rest->len);
    item->len = first;
}

static inline void glue_item(size_t at)
{
    struct item *item = items + at;
    memcpy(item->data + item->len, item[1].data, item[1].len);
    item->len += item[1].len;
    remove_item(at + 1);
}

static inline void change_messages(char const *word, size_t at, long n, struct bytes const *b)
{
    struct item *item = items + at;
    if (!strcmp(word, "drop")) {
        remove_item(at);
    } else if (!strcmp(word, "dup")) {
        struct item *copy = insert_item(at + 1);
        *copy = items[at];
    } else if (!strcmp(word, "swap")) {
        static struct item kept;
        size_t const other = find_item((unsigned int)n);
        kept = *item;
        *item = items[other];
        items[other] = kept;
    } else if (!strcmp(word, "body")) {
        memcpy(item->data + 4, b->data, b->len);
        set_body_len(item, b->len);
    } else if (!strcmp(word, "poke")) {
        memcpy(item->data + (n < 0 ? item->len : 4) + n, b->data, b->len);
    } else if (!strcmp(word, "grow")) {
        memcpy(item->data + item->len, b->data, b->len);
        set_body_len(item, item->len - 4 + b->len);
    } else if (!strcmp(word, "cut")) {
        set_body_len(item, item->len - 4 - (size_t)n);
    } else if (!strcmp(word, "claim")) {
        size_t const len = item->len;
        set_body_len(item, (size_t)n);
        item->len = len;
    } else if (!strcmp(word, "ext")) {
        put_extension(item, (unsigned int)n, b);
    } else if (!strcmp(word, "noext")) {
        remove_extension(item, (unsigned int)n);
    } else if (!strcmp(word, "dupext")) {
        repeat_extension(item, (unsigned int)n);
    } else {
        fprintf(stderr, "no such change: %s\n", word);
        abort();
    }
}

static inline int change_records(char const *word, size_t at, long n, struct bytes const *b)
{
    struct item *item = items + at;
    int const sealed = item->sealed;
    if (!strcmp(word, "before")) new_record(at, sealed && n != KTLS_CHANGE_CIPHER_SPEC, (int)n, b);
    else if (!strcmp(word, "after")) new_record(at + 1, sealed && n != KTLS_CHANGE_CIPHER_SPEC, (int)n, b);
    else if (!strcmp(word, "sealed")) new_record(at, 1, (int)n, b);
    else if (!strcmp(word, "glue")) glue_item(at);
    else if (!strcmp(word, "split")) split_item(at, (size_t)n);
    else if (!strcmp(word, "break")) split_item(at, item->len / 2), new_record(at + 1, sealed, (int)n, b);
    else if (!strcmp(word, "clear")) item->sealed = 0;
    else if (!strcmp(word, "pad")) item->padding = (size_t)n;
    else if (!strcmp(word, "corrupt")) item->corrupt = 1;
    else if (!strcmp(word, "outer")) item->outer = (unsigned char)n;
    else return 0;
    return 1;
}

static inline void apply_one(char const *change)
{
    char word[16] = "", text[4096] = "", number[16] = "";
    unsigned int type = 0;
    sscanf(change, "%15s %u", word, &type);
    if (!strcmp(word, "body") || !strcmp(word, "grow")) sscanf(change, "%*s %*u %4095s", text);
    else sscanf(change, "%*s %*u %15s %4095s", number, text);
    struct bytes const b = hex(text);
    long const n = strtol(number, NULL, 10);
    size_t const at = find_item(type);
    if (!change_records(word, at, n, &b)) change_messages(word, at, n, &b);
}

static inline void apply_changes(char const *changes)
{
    char copy[8192];
    char *state;
    snprintf(copy, sizeof copy, "%s", changes);
    for (char *one = strtok_r(copy, ";", &state); one; one = strtok_r(NULL, ";", &state)) apply_one(one);
    faulty.applied = 1;
}

/* ---- the side that writes with faults ---- */

static inline ssize_t faulty_write(void *ctx, void const *buf, size_t len)
{
    static unsigned char changed[1 << 17];
    (void)ctx;
    if (faulty.flights++ != fault.flight) return faulty.real.write(faulty.real.ctx, buf, len);
    take_apart(buf, len);
    apply_changes(fault.change);
    size_t const n = put_together(changed);
    return faulty.real.write(faulty.real.ctx, changed, n) < 0 ? -1 : (ssize_t)len;
}

static inline ssize_t faulty_read(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    return faulty.real.read(faulty.real.ctx, buf, len);
}

static inline struct handshake *begin_faulty(struct side *side, struct tls_transport const *transport)
{
    struct tls_transport const mine = { .read = faulty_read, .write = faulty_write };
    struct handshake *hs = tls_handshake_new(&side->config, &mine, &side->session, &side->error);
    if (!hs) abort();
    memset(&faulty, 0, sizeof faulty);
    faulty.real = *transport;
    faulty.hs = hs;
    return hs;
}

static inline int run_faulty_client(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = begin_faulty(side, transport);
    int const done = tls_client_send_hello(hs) && tls_client_after_hello(hs);
    tls_handshake_free(hs);
    return done;
}

static inline int run_faulty_server(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = begin_faulty(side, transport);
    int const done = tls_server_start(hs);
    tls_handshake_free(hs);
    return done;
}

#endif
