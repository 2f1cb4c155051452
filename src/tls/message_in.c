/* ISC license. */

/* Receives handshake messages, which may be split over records or share one. */

#include <string.h>

#include "tls/handshake.h"

#define MESSAGE_HEADER 4

static size_t available(struct handshake const *hs)
{
    return hs->in_end - hs->in_start;
}

/* Moves the unread bytes to the front, so that the longest message fits. */
static void make_room(struct handshake *hs)
{
    if (hs->in_start == hs->in_keep) return;
    memmove(hs->in + hs->in_keep, hs->in + hs->in_start, available(hs));
    hs->in_end = hs->in_keep + available(hs);
    hs->in_start = hs->in_keep;
}

static int fill(struct handshake *hs)
{
    struct record record;
    make_room(hs);
    if (!tls_next_record(hs, &record)) return 0;
    if (record.type != KTLS_HANDSHAKE) {
        char const *why = record.type == KTLS_APPLICATION_DATA ? "application data during the handshake"
                          : record.type == KTLS_ALERT          ? "alert inside a handshake message"
                                                               : "ChangeCipherSpec out of place";
        return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, why);
    }
    /* With an explicit nonce the plaintext starts later in the buffer. */
    if (record.fragment != hs->in + hs->in_end) memmove(hs->in + hs->in_end, record.fragment, record.len);
    hs->in_end += record.len;
    return 1;
}

static int fill_to(struct handshake *hs, size_t len)
{
    while (available(hs) < len)
        if (!fill(hs)) return 0;
    return 1;
}

static size_t max_size(unsigned char type)
{
    switch (type) {
    case TLS_CLIENT_HELLO: return MAX_CLIENT_HELLO;
    case TLS_SERVER_HELLO:
    case TLS_ENCRYPTED_EXTENSIONS: return MAX_HELLO;
    case TLS_CERTIFICATE_REQUEST: /* may contain many distinguished names in 1.2 */
    case TLS_CERTIFICATE: return MAX_CERTIFICATE_MESSAGE;
    default: return MAX_MESSAGE;
    }
}

static int take_message(struct handshake *hs, struct message *m)
{
    if (!fill_to(hs, MESSAGE_HEADER)) return 0;
    unsigned char const *h = hs->in + hs->in_start;
    size_t const len = MESSAGE_HEADER + ((size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3]);
    if (len > max_size(h[0])) return tls_fail(hs, TLS_DECODE_ERROR, "handshake message too long");
    if (!fill_to(hs, len)) return 0;
    h = hs->in + hs->in_start;
    *m = (struct message){ (enum tls_handshake_type)h[0], { h + MESSAGE_HEADER, len - MESSAGE_HEADER }, { h, len } };
    hs->in_start += len;
    return 1;
}

static int is_ignored_hello_request(struct handshake *hs, struct message const *m)
{
    /* RFC 5246, 7.4.1.1: the client ignores HelloRequest during a handshake. */
    return m->type == TLS_HELLO_REQUEST && !m->body.len && !hs->is_server && hs->version != TLS_1_3 &&
           ++hs->nuisances <= MAX_NUISANCE;
}

int tls_next_message(struct handshake *hs, struct message *m)
{
    do {
        if (!take_message(hs, m)) return 0;
    } while (is_ignored_hello_request(hs, m));
    return 1;
}

int tls_expect_message(struct handshake *hs, enum tls_handshake_type type, struct message *m)
{
    if (!tls_next_message(hs, m)) return 0;
    if (m->type != type) return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "handshake message out of order");
    return 1;
}

int tls_expect_change_cipher_spec(struct handshake *hs)
{
    struct record record;
    if (!tls_at_record_boundary(hs) || !tls_next_record(hs, &record)) return 0;
    if (record.type == KTLS_CHANGE_CIPHER_SPEC && record.len == 1 && record.fragment[0] == 1) return 1;
    return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "ChangeCipherSpec expected");
}

void tls_add_to_transcript(struct handshake *hs, struct message const *m)
{
    crypto_transcript_add(&hs->transcript, m->bytes.p, m->bytes.len);
}

int tls_read_finished(struct handshake *hs, unsigned char const *expected, size_t len)
{
    struct message m;
    if (!tls_expect_message(hs, TLS_FINISHED, &m)) return 0;
    if (m.body.len != len) return tls_fail(hs, TLS_DECODE_ERROR, "Finished of a wrong length");
    if (!crypto_equal(m.body.p, expected, len)) return tls_fail(hs, TLS_DECRYPT_ERROR, "wrong Finished");
    tls_add_to_transcript(hs, &m);
    return 1;
}

void tls_restart_transcript(struct handshake *hs)
{
    unsigned char message[MESSAGE_HEADER + CRYPTO_MAX_HASH] = { TLS_MESSAGE_HASH };
    size_t const size = crypto_transcript_hash(&hs->transcript, hs->suite->hash, message + MESSAGE_HEADER);
    message[3] = (unsigned char)size;
    crypto_transcript_init(&hs->transcript);
    crypto_transcript_add(&hs->transcript, message, MESSAGE_HEADER + size);
}
