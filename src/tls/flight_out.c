/* ISC license. */

/*
 * Sending: messages are staged, staged messages become records under the current
 * keys, and a whole flight is sent in one write, because a second write would
 * wait for the peer's delayed ACK.
 */

#include <string.h>

#include "tls/handshake.h"

#define MAX_OVERHEAD (TLS_RECORD_HEADER + 8 + 1 + CRYPTO_TAG)

struct writer *tls_begin_message(struct handshake *hs, enum tls_handshake_type type)
{
    hs->stage.p = hs->stage_bytes;
    hs->stage.max = sizeof hs->stage_bytes;
    hs->message_mark = hs->stage.len;
    tls_write8(&hs->stage, type);
    tls_open_vector(&hs->stage, 3);
    return &hs->stage;
}

int tls_end_message(struct handshake *hs)
{
    tls_close_vector(&hs->stage, hs->message_mark + 4, 3);
    if (hs->stage.overflow) return tls_fail(hs, TLS_INTERNAL_ERROR, "our message is too long");
    crypto_transcript_add(&hs->transcript, hs->stage.p + hs->message_mark, hs->stage.len - hs->message_mark);
    return 1;
}

static void put_plaintext(struct handshake *hs, unsigned char type, void const *fragment, size_t len)
{
    unsigned char *p = hs->out + hs->out_len;
    p[0] = type;
    p[1] = 3;
    /* RFC 8446, 5.1: old servers reject a greater version in an initial ClientHello. */
    p[2] = hs->is_server || hs->hello_sent ? 3 : 1;
    p[3] = (unsigned char)(len >> 8);
    p[4] = (unsigned char)len;
    memcpy(p + TLS_RECORD_HEADER, fragment, len);
    hs->out_len += TLS_RECORD_HEADER + len;
}

static int put_record(struct handshake *hs, unsigned char type, void const *fragment, size_t len)
{
    if (len + MAX_OVERHEAD > sizeof hs->out - hs->out_len)
        return tls_fail(hs, TLS_INTERNAL_ERROR, "our flight is too long");
    if (hs->tx_protected) hs->out_len += crypto_seal_record(&hs->tx, type, fragment, len, hs->out + hs->out_len);
    else put_plaintext(hs, type, fragment, len);
    return 1;
}

int tls_seal_staged(struct handshake *hs)
{
    for (size_t at = 0; at < hs->stage.len; at += TLS_MAX_FRAGMENT) {
        size_t const left = hs->stage.len - at, len = left < TLS_MAX_FRAGMENT ? left : TLS_MAX_FRAGMENT;
        if (!put_record(hs, KTLS_HANDSHAKE, hs->stage.p + at, len)) return 0;
    }
    if (hs->stage.len) crypto_wipe(hs->stage.p, hs->stage.len);
    hs->stage.len = 0;
    return 1;
}

int tls_put_change_cipher_spec(struct handshake *hs)
{
    static unsigned char const one = 1;
    if (!tls_seal_staged(hs)) return 0;
    return put_record(hs, KTLS_CHANGE_CIPHER_SPEC, &one, 1);
}

static int write_out(struct handshake *hs)
{
    size_t const len = hs->out_len;
    hs->out_len = 0;
    if (!len) return 1;
    if (hs->transport.write(hs->transport.ctx, hs->out, len) < 0) return tls_fail_system(hs);
    hs->bytes_sent += len;
    hs->flushed_at = tls_now_ms();
    return 1;
}

int tls_flush_flight(struct handshake *hs)
{
    return tls_seal_staged(hs) && write_out(hs);
}

/* Sends the records that are sealed already before the alert: their sequence
   numbers have been used. */
void tls_send_alert(struct handshake *hs, unsigned int level, unsigned int description)
{
    unsigned char const alert[2] = { (unsigned char)level, (unsigned char)description };
    hs->stage.len = 0;
    if (put_record(hs, KTLS_ALERT, alert, sizeof alert)) write_out(hs);
}
