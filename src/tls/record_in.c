/* ISC license. */

/* The receiving half of the record layer (RFC 8446, 5; RFC 5246, 6.2). */

#include <errno.h>
#include <string.h>

#include "tls/handshake.h"

static int read_exactly(struct handshake *hs, unsigned char *to, size_t len)
{
    while (len) {
        ssize_t const r = hs->transport.read(hs->transport.ctx, to, len);
        if (r < 0) return tls_fail_system(hs);
        if (!r) return tls_fail_with(hs, TLS_ERROR_EOF, 0, "closed");
        to += r;
        len -= (size_t)r;
    }
    return 1;
}

static void note_round_trip(struct handshake *hs)
{
    if (!hs->flushed_at) return;
    int64_t const waited = tls_now_ms() - hs->flushed_at;
    if (waited > hs->session->rtt_ms) hs->session->rtt_ms = waited > UINT32_MAX ? UINT32_MAX : (uint32_t)waited;
    hs->flushed_at = 0;
}

static int is_protected13(struct handshake const *hs)
{
    return hs->rx_protected && hs->version == TLS_1_3;
}

static size_t max_record(struct handshake const *hs, unsigned char type)
{
    int const may_be_early_data = type == KTLS_APPLICATION_DATA && hs->early_data_left;
    if (!hs->rx_protected) return TLS_MAX_FRAGMENT + (may_be_early_data ? TLS_MAX_EXPANSION_1_3 : 0);
    if (hs->version == TLS_1_2) return TLS_MAX_FRAGMENT + TLS_MAX_EXPANSION_1_2;
    return type == KTLS_APPLICATION_DATA ? TLS_MAX_FRAGMENT + TLS_MAX_EXPANSION_1_3 : TLS_MAX_FRAGMENT;
}

/* Recognizes the beginning of a request (RFC 9110, 9; RFC 9113, 3.4) or a response. */
static int is_http(unsigned char const *header)
{
    static char const *const beginnings[] = { "GET ",  "HEAD ", "POST ", "PUT ",  "DELET", "CONNE",
                                              "OPTIO", "TRACE", "PATCH", "PRI *", "HTTP/" };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (!memcmp(header, beginnings[i], strlen(beginnings[i]))) return 1;
    return 0;
}

/* legacy_record_version must be ignored in plaintext records of TLS 1.3, but
   every version of TLS has the major version 3. */
static int check_header(struct handshake *hs, unsigned char const *header, size_t len)
{
    if (header[0] < KTLS_CHANGE_CIPHER_SPEC || header[0] > KTLS_APPLICATION_DATA)
        return tls_fail(hs, TLS_UNEXPECTED_MESSAGE,
                        is_http(header) ? "the peer speaks HTTP, not TLS" : "not a TLS record");
    int const exact = hs->version == TLS_1_2 || (hs->rx_protected && header[0] == KTLS_APPLICATION_DATA);
    if (header[1] != 3 || (exact && header[2] != 3))
        return tls_fail(hs, TLS_PROTOCOL_VERSION, "unsupported record version");
    if (len > max_record(hs, header[0])) return tls_fail(hs, TLS_RECORD_OVERFLOW, "record too long");
    if (len > IN_SIZE - hs->in_end) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "handshake message too long");
    return 1;
}

static int count_nuisance(struct handshake *hs)
{
    if (++hs->nuisances <= MAX_NUISANCE) return 1;
    return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "too many records without data");
}

enum verdict { FAILED, DELIVER, DROPPED };

static enum verdict refuse(struct handshake *hs, enum tls_alert alert, char const *reason)
{
    tls_fail(hs, alert, reason);
    return FAILED;
}

static enum verdict drop(struct handshake *hs)
{
    return count_nuisance(hs) ? DROPPED : FAILED;
}

static enum verdict take_alert(struct handshake *hs, struct record const *record)
{
    if (record->len != 2) return refuse(hs, TLS_DECODE_ERROR, "malformed alert");
    unsigned char const level = record->fragment[0], description = record->fragment[1];
    if (level != TLS_WARNING && level != TLS_FATAL) return refuse(hs, TLS_ILLEGAL_PARAMETER, "unknown alert level");
    /* RFC 8446, 6: in 1.3 the level is ignored. */
    int const ends = description == TLS_CLOSE_NOTIFY ||
                     (hs->version == TLS_1_3 ? description != TLS_USER_CANCELED : level == TLS_FATAL);
    if (!ends) return drop(hs);
    tls_fail_with(hs, TLS_ERROR_RECEIVED, description, "alert");
    return FAILED;
}

static enum verdict take_dummy_ccs(struct handshake *hs, struct record const *record)
{
    if (!hs->dummy_ccs_allowed || record->len != 1 || record->fragment[0] != 1 || hs->in_start != hs->in_end)
        return refuse(hs, TLS_UNEXPECTED_MESSAGE, "ChangeCipherSpec out of place");
    hs->dummy_ccs_seen = 1;
    return drop(hs);
}

static enum verdict skip_early_data(struct handshake *hs, size_t len)
{
    if (len + TLS_RECORD_HEADER > hs->early_data_left)
        return refuse(hs, TLS_UNEXPECTED_MESSAGE, "too much early data");
    hs->early_data_left -= len + TLS_RECORD_HEADER;
    return DROPPED;
}

static enum verdict open_record(struct handshake *hs, unsigned char const *header, struct record *record)
{
    size_t const sealed_len = record->len;
    long const len = crypto_open_record(&hs->rx, header, record->fragment, sealed_len, &record->type,
                                        &record->fragment);
    if (len == -1 && hs->early_data_left) return skip_early_data(hs, sealed_len);
    if (len == -1) return refuse(hs, TLS_BAD_RECORD_MAC, "record authentication failed");
    hs->early_data_left = 0;
    int const too_long = hs->version == TLS_1_2 ? len > TLS_MAX_FRAGMENT
                                                : sealed_len - CRYPTO_TAG > TLS_MAX_FRAGMENT + 1;
    if (too_long) return refuse(hs, TLS_RECORD_OVERFLOW, "plaintext too long");
    if (len < 0) return refuse(hs, TLS_UNEXPECTED_MESSAGE, "record without content type");
    record->len = (size_t)len;
    return DELIVER;
}

/* TLS 1.3 with keys: the outer type is always application_data, except for the dummy
   ChangeCipherSpec and the alert of a client that refused our ServerHello. */
static enum verdict open_record13(struct handshake *hs, unsigned char const *header, struct record *record)
{
    if (header[0] == KTLS_APPLICATION_DATA) return open_record(hs, header, record);
    if (header[0] == KTLS_CHANGE_CIPHER_SPEC) return take_dummy_ccs(hs, record);
    if (header[0] == KTLS_ALERT && hs->is_server && !hs->rx.seq && record->len) return take_alert(hs, record);
    return refuse(hs, TLS_UNEXPECTED_MESSAGE, "unprotected record");
}

static enum verdict take_plaintext(struct handshake *hs, struct record *record)
{
    int const between_messages = hs->in_start == hs->in_end;
    if (record->type == KTLS_APPLICATION_DATA && hs->early_data_left && between_messages)
        return skip_early_data(hs, record->len);
    if (record->type == KTLS_CHANGE_CIPHER_SPEC && hs->dummy_ccs_allowed) return take_dummy_ccs(hs, record);
    return DELIVER;
}

static enum verdict take_record(struct handshake *hs, unsigned char const *header, struct record *record)
{
    enum verdict v;
    if (is_protected13(hs)) v = open_record13(hs, header, record);
    else if (hs->rx_protected) v = open_record(hs, header, record);
    else v = take_plaintext(hs, record);
    if (v != DELIVER) return v;
    if (!record->len) return refuse(hs, TLS_UNEXPECTED_MESSAGE, "empty record");
    if (record->type == KTLS_ALERT && hs->in_start == hs->in_end) return take_alert(hs, record);
    return DELIVER;
}

int tls_next_record(struct handshake *hs, struct record *record)
{
    unsigned char header[TLS_RECORD_HEADER];
    enum verdict v;
    do {
        if (!read_exactly(hs, header, sizeof header)) return 0;
        note_round_trip(hs);
        if (header[0] == KTLS_HANDSHAKE && header[1] == 3) hs->hello_begun = 1;
        *record = (struct record){ header[0], hs->in + hs->in_end, (size_t)header[3] << 8 | header[4] };
        if (!check_header(hs, header, record->len)) return 0;
        if (!read_exactly(hs, record->fragment, record->len)) return 0;
        if (hs->in_end + record->len > hs->in_used) hs->in_used = hs->in_end + record->len;
        v = take_record(hs, header, record);
    } while (v == DROPPED);
    return v == DELIVER;
}

int tls_at_record_boundary(struct handshake *hs)
{
    if (hs->in_start == hs->in_end) return 1;
    return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "bytes after the flight in the same record");
}
