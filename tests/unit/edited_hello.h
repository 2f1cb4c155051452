/* ISC license. */

/* Our client with a hello that is not quite ours. */

#ifndef EDITED_HELLO_H
#define EDITED_HELLO_H

#include "loopback.h"

/* The hello that was staged becomes another one of len bytes; sent, hashed and remembered as such. */
static inline void replace_hello(struct handshake *hs, size_t len)
{
    hs->stage.len = len;
    hs->stage.p[2] = (unsigned char)((len - 4) >> 8);
    hs->stage.p[3] = (unsigned char)(len - 4);
    crypto_transcript_init(&hs->transcript);
    crypto_transcript_add(&hs->transcript, hs->stage.p, len);
    memcpy(hs->hello, hs->stage.p, len);
    hs->hello_len = len;
}

/* Where the extension block's length stands. */
static inline size_t block_at(struct handshake const *hs)
{
    size_t at = 4 + 2 + 32;
    at += 1u + hs->stage.p[at];
    at += 2u + (size_t)(hs->stage.p[at] << 8 | hs->stage.p[at + 1]);
    return at + 1u + hs->stage.p[at];
}

/* Without a share the server has to ask for one. */
static inline int run_client_without_share(struct side *side, struct tls_transport const *transport)
{
    struct handshake *hs = tls_handshake_new(&side->config, transport, &side->session, &side->error);
    hs->session_id_len = sizeof hs->session_id;
    if (!tls_write_client_hello(hs, (struct span){ 0 })) abort();
    int const done = tls_flush_flight(hs) && tls_client_after_hello(hs);
    if (done) tls_handshake_fill_session(hs);
    tls_handshake_free(hs);
    return done;
}

#endif
