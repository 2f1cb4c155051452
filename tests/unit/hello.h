/* ISC license. */

/*
 * ClientHellos built field by field from a base and a line of changes, and the
 * server's answer to them. Changes, separated by ';':
 *   ver HEX, random HEX, sid HEX, suites HEX, comp HEX    replace a field
 *   set TYPE HEX, add TYPE HEX, del TYPE                  an extension (decimal)
 *   noext                                                 no extension block at all
 *   tail HEX, chop N                                      at the end of the message
 *   blocklen N                                            added to the block's length
 */

#ifndef HELLO_H
#define HELLO_H

#include "hex.h"
#include "loopback.h"
#include "tape.h"

#define X25519_SHARE "9dd79f1a5bd4dd7e6d1f0d4cc4ed3ae2c6bbd5aa6f9e2a3b0c7e6e3c3d9a1b42"
#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"
/* The base points of P-256 and P-384 are as good as any other. */
#define P256_X "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define P256_Y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define P256_SHARE "04" P256_X P256_Y
#define P384_SHARE                                                                                           \
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"     \
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"
#define SCHEMES "04030503080408050806040105010601"
#define SESSION_ID "505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f"

/* Expectations that are not alerts. */
enum { ACCEPT = -1, RETRY = -2, CLOSED = -3 };

struct spec {
    struct bytes version, random, session_id, suites, compression, tail;
    struct {
        unsigned int type;
        struct bytes body;
    } extension[32];
    size_t count, chop;
    int no_extensions, block_delta;
};

static inline void spec_add(struct spec *s, unsigned int type, char const *body)
{
    if (s->count == sizeof s->extension / sizeof *s->extension) abort();
    s->extension[s->count].type = type;
    s->extension[s->count++].body = hex(body);
}

static inline size_t spec_find(struct spec const *s, unsigned int type)
{
    size_t i = 0;
    while (i < s->count && s->extension[i].type != type) i++;
    return i;
}

static inline void spec_delete(struct spec *s, unsigned int type)
{
    size_t const i = spec_find(s, type);
    if (i == s->count) abort();
    s->count--;
    memmove(s->extension + i, s->extension + i + 1, (s->count - i) * sizeof *s->extension);
}

static inline void spec_base(struct spec *s, uint16_t version)
{
    memset(s, 0, sizeof *s);
    s->version = hex("0303");
    s->random = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    s->compression = hex("00");
    spec_add(s, 0, "000c0000096c6f63616c686f7374");
    spec_add(s, 10, "0006001d00170018");
    spec_add(s, 13, "0010" SCHEMES);
    if (version == TLS_1_3) {
        s->session_id = hex(SESSION_ID);
        s->suites = hex("130113021303");
        spec_add(s, 43, "020304");
        spec_add(s, 51, "0024001d0020" X25519_SHARE);
        return;
    }
    s->suites = hex("c02bc02fc02cc030cca9cca8");
    spec_add(s, 11, "0100");
    spec_add(s, 23, "");
    spec_add(s, 65281, "00");
}

static inline void spec_apply_one(struct spec *s, char const *word, char const *rest)
{
    unsigned int type = 0;
    int at = 0;
    if (sscanf(rest, "%u%n", &type, &at) == 1 && rest[at] == ' ') at++;
    if (!strcmp(word, "ver")) s->version = hex(rest);
    else if (!strcmp(word, "random")) s->random = hex(rest);
    else if (!strcmp(word, "sid")) s->session_id = hex(rest);
    else if (!strcmp(word, "suites")) s->suites = hex(rest);
    else if (!strcmp(word, "comp")) s->compression = hex(rest);
    else if (!strcmp(word, "tail")) s->tail = hex(rest);
    else if (!strcmp(word, "chop")) s->chop = (size_t)type;
    else if (!strcmp(word, "blocklen")) s->block_delta = atoi(rest);
    else if (!strcmp(word, "noext")) s->no_extensions = 1;
    else if (!strcmp(word, "add")) spec_add(s, type, rest + at);
    else if (!strcmp(word, "del")) spec_delete(s, type);
    else if (!strcmp(word, "set") && spec_find(s, type) < s->count)
        s->extension[spec_find(s, type)].body = hex(rest + at);
    else abort();
}

static inline void spec_apply(struct spec *s, char const *changes)
{
    char copy[4096], word[16];
    snprintf(copy, sizeof copy, "%s", changes);
    for (char *one = strtok(copy, ";"); one; one = strtok(NULL, ";")) {
        while (*one == ' ') one++;
        size_t const len = strcspn(one, " ");
        if (len >= sizeof word) abort();
        memcpy(word, one, len);
        word[len] = 0;
        spec_apply_one(s, word, one[len] ? one + len + 1 : one + len);
    }
}

static inline void put_vector(struct writer *w, struct bytes const *b, size_t size)
{
    size_t const mark = tls_open_vector(w, size);
    tls_write_bytes(w, b->data, b->len);
    tls_close_vector(w, mark, size);
}

static inline void put_block(struct writer *w, struct spec const *s)
{
    size_t const block = tls_open_vector(w, 2);
    for (size_t i = 0; i < s->count; i++) {
        tls_write16(w, s->extension[i].type);
        put_vector(w, &s->extension[i].body, 2);
    }
    tls_close_vector(w, block, 2);
    unsigned int const len =
        (unsigned int)(w->p[block - 2] << 8 | w->p[block - 1]) + (unsigned int)s->block_delta;
    w->p[block - 2] = (unsigned char)(len >> 8);
    w->p[block - 1] = (unsigned char)len;
}

/* The whole handshake message; returns its length. */
static inline size_t spec_write(struct spec const *s, unsigned char *to, size_t max)
{
    struct writer w = { .p = to, .max = max };
    tls_write8(&w, TLS_CLIENT_HELLO);
    size_t const message = tls_open_vector(&w, 3);
    tls_write_bytes(&w, s->version.data, s->version.len);
    tls_write_bytes(&w, s->random.data, s->random.len);
    put_vector(&w, &s->session_id, 1);
    put_vector(&w, &s->suites, 2);
    put_vector(&w, &s->compression, 1);
    if (!s->no_extensions) put_block(&w, s);
    tls_write_bytes(&w, s->tail.data, s->tail.len);
    if (s->chop > w.len - 4) abort();
    w.len -= s->chop;
    tls_close_vector(&w, message, 3);
    if (w.overflow) abort();
    return w.len;
}

/* ---- the server's side ---- */

static struct tape tape;

static inline void tape_record(unsigned char type, void const *fragment, size_t len)
{
    unsigned char const header[] = { type, 3, 3, (unsigned char)(len >> 8), (unsigned char)len };
    tape_put(&tape, header, sizeof header);
    tape_put(&tape, fragment, len);
}

static inline void tape_hello(struct spec const *s)
{
    static unsigned char message[70000];
    size_t const len = spec_write(s, message, sizeof message);
    for (size_t at = 0; at < len; at += TLS_MAX_FRAGMENT)
        tape_record(KTLS_HANDSHAKE, message + at, len - at < TLS_MAX_FRAGMENT ? len - at : TLS_MAX_FRAGMENT);
}

static inline void server_config(void)
{
    static unsigned char const protocols[] = "\x02h2\x08http/1.1";
    loopback_reset();
    server.config.credential[1] = credential("rsa");
    server.config.alpn = protocols;
    server.config.alpn_len = sizeof protocols - 1;
}

static inline void serve_tape(void)
{
    struct tls_transport const transport = tape_transport(&tape);
    server.done = tls_server_handshake(&server.config, &transport, &server.session, &server.error);
    check_end(&server, "the server");
}

static inline int is_hello_retry(unsigned char const *record)
{
    return !memcmp(record + TLS_RECORD_HEADER + 4 + 2, tls_hello_retry_random, 32);
}

/* The last record that left is this fatal alert, in the clear. */
static inline int ends_in_alert(int alert)
{
    unsigned char const want[] = { KTLS_ALERT, 3, 3, 0, 2, 2, (unsigned char)alert };
    return tape.out_len >= sizeof want && !memcmp(tape.out + tape.out_len - sizeof want, want, sizeof want);
}

/* One hello and nothing behind it. */
static inline void offer(struct spec const *spec)
{
    server_config();
    tape_clear(&tape);
    tape_hello(spec);
    serve_tape();
}

static inline char const *outcome_name(int outcome)
{
    return outcome == ACCEPT   ? "accepted"
           : outcome == RETRY  ? "HelloRetryRequest"
           : outcome == CLOSED ? "closed"
                               : tls_alert_name((unsigned int)outcome);
}

/* What the server did with a hello and nothing behind it. */
static inline int outcome(void)
{
    if (server.error.kind == TLS_ERROR_SENT) return server.error.number;
    if (server.error.kind != TLS_ERROR_EOF || tape.out_len < 48 || tape.out[0] != KTLS_HANDSHAKE)
        return CLOSED;
    return is_hello_retry(tape.out) ? RETRY : ACCEPT;
}

static inline void outcome_is(int expected, char const *what)
{
    int const got = outcome();
    int const clean = got < 0 || ends_in_alert(got);
    ok(got == expected && clean, "%s: %s", what, outcome_name(got));
    if (got != expected) diag("wanted %s, got: %s", outcome_name(expected), error_text(&server));
    else if (!clean) diag("the alert is not what left last");
}

#endif
