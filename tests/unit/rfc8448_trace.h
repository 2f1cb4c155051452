/* ISC license. */

/*
 * The traces of RFC 8448 through the handshake itself: the trace's hello is put
 * in the place of ours, its private keys are the randomness, and from there
 * every octet and every secret must be the trace's.
 */

#ifndef RFC8448_TRACE_H
#define RFC8448_TRACE_H

#include "tls/entry/entry.h"

#include "hex.h"
#include "tap.h"
#include "tape.h"
#include "x25519.h"

struct trace {
    char const *client_random, *client_session_id, *client_private, *client_private_2;
    char const *server_random, *server_private;
    char const *client_hello, *retry_request, *client_hello_2, *server_hello, *server_flight;
    char const *client_finished, *client_flight, *new_session_ticket;
    char const *client_data, *server_data, *client_close, *server_close;
    char const *client_hs_secret, *server_hs_secret, *client_ap_secret, *server_ap_secret;
    char const *exporter_secret;
};

#include "rfc8448/client_auth.h"
#include "rfc8448/middlebox.h"
#include "rfc8448/retry.h"
#include "rfc8448/server_key.h"
#include "rfc8448/simple.h"

static struct tape tape;
static struct tls_config config;
static struct tls_session session;
static struct tls_error error;
static struct script script;
static struct bytes scripted;

static inline void play(char const *records)
{
    struct bytes const b = hex(records);
    tape_put(&tape, b.data, b.len);
}

static inline void add_drawn(struct bytes b)
{
    memcpy(scripted.data + scripted.len, b.data, b.len);
    scripted.len += b.len;
    script.left += b.len;
}

static inline void add_randomness(char const *text)
{
    add_drawn(hex(text));
}

static inline void add_private_key(uint16_t group, char const *text)
{
    add_drawn(group == CRYPTO_X25519 ? x25519_scalar(hex(text)) : hex(text));
}

static inline struct handshake *start(void)
{
    static uint16_t const suites[] = { 0x1301, 0x1303, 0x1302 };
    struct tls_transport const transport = tape_transport(&tape);

    tape_clear(&tape);
    scripted.len = 0;
    script = (struct script){ .next = scripted.data };
    tls_config_init(&config);
    config.random = script_random(&script);
    memcpy(config.suites, suites, sizeof suites);
    config.suite_count = 3;
    struct handshake *hs = tls_handshake_new(&config, &transport, &session, &error);
    if (!hs) abort();
    return hs;
}

static inline void is_error_free(int done, char const *what)
{
    char text[200];
    tls_error_text(&error, text, sizeof text);
    ok(done == 1, "%s: %s", what, text);
}

static inline void use_hello(struct handshake *hs, struct trace const *t)
{
    struct bytes const record = hex(t->client_hello), random = hex(t->client_random);
    struct bytes const session_id = hex(t->client_session_id ? t->client_session_id : "");

    hs->hello_len = record.len - TLS_RECORD_HEADER;
    memcpy(hs->hello, record.data + TLS_RECORD_HEADER, hs->hello_len);
    crypto_transcript_add(&hs->transcript, hs->hello, hs->hello_len);
    memcpy(hs->client_random, random.data, sizeof hs->client_random);
    memcpy(hs->session_id, session_id.data, session_id.len);
    hs->session_id_len = session_id.len;
}

static inline void use_share(struct handshake *hs, uint16_t group, char const *private_key)
{
    add_private_key(group, private_key);
    ok(crypto_share_generate(&hs->share, group, &config.random), "the trace's key share");
}

static inline void is_hex(void const *got, char const *want, char const *what)
{
    struct bytes const w = hex(want);
    is_mem(got, w.data, w.len, "%s", what);
}

static inline void output_is(char const *records, char const *what)
{
    struct bytes const w = hex(records);
    ok(tape.out_len == w.len, "%s: length", what);
    is_mem(tape.out, w.data, w.len, "%s", what);
}

#endif
