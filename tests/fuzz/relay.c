/* ISC license. */

/*
 * The relay with its keys in user space, between a peer that has the keys too
 * and a prog. The input is a configuration and then what both send before the
 * relay starts: steps of a kind, an argument, a length (two bytes) and content.
 *
 * What must hold: everything that the relay sends opens under the keys that are
 * due, its data is the beginning of what prog wrote, and prog reads the
 * beginning of what the peer sent.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/relay.h"
#include "tls/tls.h"

#define MAX_SENT 60000

extern int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

enum { CLIENT = 8, ALWAYS_CLOSE_NOTIFY = 16, ENFORCE = 32, FEW_RECORDS = 64, WITHOUT_FIN = 128 };
enum step { RECORD, RAW, PROG_WRITES, NEXT_KEYS, PADDED, PROG_READS_NO_MORE, STEPS };

struct stream {
    size_t len;
    unsigned char bytes[MAX_SENT];
};

struct bout {
    struct crypto_suite const *suite;
    struct relay_keys peer;          /* as the peer sees them */
    int net[2], in[2], out[2];       /* [0] is the relay's */
    struct stream to_prog, from_prog; /* what was sent */
    size_t sent; /* by the peer, records and all */
};

static void make_keys(struct relay_keys *keys, struct crypto_suite const *suite, int client)
{
    memset(keys, 0, sizeof *keys);
    keys->magic = RELAY_KEYS_MAGIC;
    keys->suite = suite->id;
    keys->role = client ? KTLS_CLIENT : KTLS_SERVER;
    keys->tx.version = keys->rx.version = suite->version;
    keys->tx.cipher = keys->rx.cipher = (uint16_t)suite->cipher;
    memset(keys->tx_secret, 1, sizeof keys->tx_secret);
    memset(keys->rx_secret, 2, sizeof keys->rx_secret);
    memset(keys->tx.key, 3, sizeof keys->tx.key);
    memset(keys->rx.key, 4, sizeof keys->rx.key);
}

static void start(struct bout *bout, struct relay_keys *keys, unsigned char flags)
{
    bout->suite = &crypto_suites[(flags & 7) % CRYPTO_SUITES];
    make_keys(keys, bout->suite, flags & CLIENT);
    bout->peer = *keys;
    bout->peer.tx = keys->rx;
    bout->peer.rx = keys->tx;
    memcpy(bout->peer.tx_secret, keys->rx_secret, sizeof keys->rx_secret);
    memcpy(bout->peer.rx_secret, keys->tx_secret, sizeof keys->tx_secret);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, bout->net) < 0) abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, bout->in) < 0) abort();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, bout->out) < 0) abort();
    /* Soon full: prog does not read before the end. */
    setsockopt(bout->in[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
}

/* ---- before the relay runs ---- */

static void send_bytes(struct bout *bout, void const *bytes, size_t len)
{
    if (bout->sent + len > MAX_SENT || send(bout->net[1], bytes, len, MSG_NOSIGNAL) < 0) return;
    bout->sent += len;
}

static void note(struct stream *stream, unsigned char const *bytes, size_t len)
{
    if (len > sizeof stream->bytes - stream->len) len = sizeof stream->bytes - stream->len;
    memcpy(stream->bytes + stream->len, bytes, len);
    stream->len += len;
}

static void send_record(struct bout *bout, unsigned char type, unsigned char const *content, size_t len)
{
    static unsigned char record[1 << 17];
    send_bytes(bout, record, crypto_seal_record(&bout->peer.tx, type, content, len, record));
    if (bout->suite->version == TLS_1_3 && !type) { /* the content has the type, and padding */
        while (len && !content[len - 1]) len--;
        if (len) type = content[--len];
    }
    if (type == KTLS_APPLICATION_DATA) note(&bout->to_prog, content, len);
}

/* In TLS 1.3 the type goes before the padding; in 1.2 this is content alone. */
static void send_padded(struct bout *bout, unsigned char type, unsigned char const *content, size_t len)
{
    static unsigned char padded[1 << 17];
    size_t const padding = len ? content[0] * 80u : 0;
    memset(padded, 0, len + 1 + padding);
    memcpy(padded, content, len);
    padded[len] = type;
    send_record(bout, 0, padded, len + 1 + padding);
}

static void play_step(struct bout *bout, enum step step, unsigned char argument, unsigned char const *content,
                      size_t len)
{
    switch (step) {
    case RECORD: send_record(bout, argument, content, len); break;
    case PADDED: send_padded(bout, argument, content, len); break;
    case RAW: send_bytes(bout, content, len); break;
    case NEXT_KEYS: crypto_next_keys(bout->suite, bout->peer.tx_secret, &bout->peer.tx); break;
    case PROG_READS_NO_MORE: shutdown(bout->in[1], SHUT_RD); break;
    case PROG_WRITES:
    case STEPS:
        if (bout->from_prog.len + len <= MAX_SENT && send(bout->out[1], content, len, MSG_NOSIGNAL) > 0)
            note(&bout->from_prog, content, len);
    }
}

static void play(struct bout *bout, unsigned char const *data, size_t size)
{
    while (size >= 4) {
        size_t len = (size_t)data[2] << 8 | data[3];
        if (len > size - 4) len = size - 4;
        play_step(bout, data[0] % STEPS, data[1], data + 4, len);
        data += 4 + len;
        size -= 4 + len;
    }
}

/* ---- after it ---- */

static void check_prefix(struct stream const *whole, size_t *at, unsigned char const *bytes, size_t len)
{
    if (len > whole->len - *at || memcmp(whole->bytes + *at, bytes, len)) abort();
    *at += len;
}

static void check_prog(struct bout const *bout)
{
    static unsigned char got[MAX_SENT + 1];
    ssize_t const n = recv(bout->in[1], got, sizeof got, MSG_WAITALL);
    size_t at = 0;
    if (n > 0) check_prefix(&bout->to_prog, &at, got, (size_t)n);
}

static void check_record(struct bout *bout, unsigned char *record, size_t len, size_t *at)
{
    unsigned char type, *fragment;
    long const n = crypto_open_record(&bout->peer.rx, record, record + 5, len, &type, &fragment);
    if (n < 0 || n > 16384) abort();
    if (type == KTLS_APPLICATION_DATA) check_prefix(&bout->from_prog, at, fragment, (size_t)n);
    else if (type == KTLS_HANDSHAKE && n == 5 && fragment[0] == TLS_KEY_UPDATE)
        crypto_next_keys(bout->suite, bout->peer.rx_secret, &bout->peer.rx);
    else if (type != KTLS_ALERT || n != 2) abort();
}

static void check_peer(struct bout *bout)
{
    static unsigned char got[4 * MAX_SENT];
    size_t at = 0, have = 0;
    for (ssize_t n; have < sizeof got && (n = recv(bout->net[1], got + have, sizeof got - have, 0)) > 0;)
        have += (size_t)n;
    for (size_t done = 0; done < have;) {
        size_t const len = (size_t)got[done + 3] << 8 | got[done + 4];
        if (have - done < 5 + len) abort();
        check_record(bout, got + done, len, &at);
        done += 5 + len;
    }
}

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    static struct bout bout;
    struct relay_keys keys;
    struct relay_report report;
    if (!size) return 0;
    unsigned char const flags = data[0];
    signal(SIGPIPE, SIG_IGN);
    memset(&bout, 0, sizeof bout);
    start(&bout, &keys, flags);
    play(&bout, data + 1, size - 1);
    shutdown(bout.out[1], SHUT_WR);
    if (!(flags & WITHOUT_FIN)) shutdown(bout.net[1], SHUT_WR);
    struct relay_config const config = {
        .net_read = bout.net[0], .net_write = bout.net[0], .to_prog = bout.in[0], .from_prog = bout.out[0],
        .farewell = flags & ALWAYS_CLOSE_NOTIFY ? RELAY_FAREWELL_ALWAYS : RELAY_FAREWELL_SAFE,
        .enforce_close_notify = !!(flags & ENFORCE),
        .max_records = flags & FEW_RECORDS ? 2 : 0, .linger_ms = 1, .idle_ms = 10, .silence_ms = 1,
    };
    relay_start(&config, &keys, &report);
    relay_run();
    if (report.code && report.code != 98) abort();
    check_prog(&bout);
    check_peer(&bout);
    close(bout.net[1]);
    close(bout.in[1]);
    close(bout.out[1]);
    return 0;
}
