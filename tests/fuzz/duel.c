/* ISC license. */

/*
 * A whole handshake between two of ours, one of which changes its messages
 * before they enter its transcript: its Finished and its records are valid, and
 * the other side has to judge what lies behind its first flight, too.
 *
 * The input is a configuration, then changes of five bytes: which message of the
 * changing side, what, where (two bytes), and a byte. The other side must end by
 * success or by an error and keep its promises (check_result); where both succeed,
 * they have the same keys.
 */

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "tls/entry/entry.h"

#define SERVER_CHANGES LENIENT /* the flag's other meaning: nothing is lenient here */
#define PATIENCE_S 5

enum change { SET, XOR, INSERT, CUT, REPEAT, RETYPE, CHANGES };

extern int __real_tls_end_message(struct handshake *hs);
extern int __wrap_tls_end_message(struct handshake *hs);

struct fighter {
    int fd, done;
    handshake_function *handshake;
    struct tls_config config;
    struct counter counter;
    struct tls_session session;
    struct tls_error error;
    unsigned char const *changes; /* NULL: it makes none */
    size_t left;
    unsigned char message; /* number of the next one */
};

static __thread struct fighter *self;

/* Of the message that is being written: from its header on. */
static void change(struct writer *w, size_t start, unsigned char const *how)
{
    unsigned char *message = w->p + start;
    size_t len = w->len - start;
    size_t const at = 4 + ((size_t)how[2] << 8 | how[3]) % (len > 4 ? len - 4 : 1);
    if (at >= len && how[1] % CHANGES != INSERT && how[1] % CHANGES != RETYPE) return;
    switch (how[1] % CHANGES) {
    case SET: message[at] = how[4]; return;
    case XOR: message[at] ^= how[4]; return;
    case RETYPE: message[0] = how[4]; return;
    case INSERT:
        if (w->len + 1 > w->max || at > len) return;
        memmove(message + at + 1, message + at, len - at);
        message[at] = how[4];
        len++;
        break;
    case CUT: len = at; break;
    case REPEAT:
        if (w->len + (len - at) > w->max) return;
        memcpy(message + len, message + at, len - at);
        len += len - at;
        break;
    }
    w->len = start + len;
}

/* The real one writes the length, and adds the message to the transcript. */
int __wrap_tls_end_message(struct handshake *hs)
{
    for (size_t i = 0; self->changes && !hs->stage.overflow && i + 5 <= self->left; i += 5)
        if (self->changes[i] == self->message) change(&hs->stage, hs->message_mark, self->changes + i);
    self->message++;
    return __real_tls_end_message(hs);
}

static ssize_t fighter_read(void *ctx, void *buf, size_t len)
{
    return recv(((struct fighter *)ctx)->fd, buf, len, 0);
}

static ssize_t fighter_write(void *ctx, void const *buf, size_t len)
{
    return send(((struct fighter *)ctx)->fd, buf, len, MSG_NOSIGNAL);
}

static void *fight(void *arg)
{
    struct fighter *fighter = self = arg;
    struct tls_transport const transport = { .read = fighter_read, .write = fighter_write, .ctx = fighter };
    lenient = 0;
    cheap_signatures = 1;
    fighter->done = fighter->handshake(&fighter->config, &transport, &fighter->session, &fighter->error);
    shutdown(fighter->fd, SHUT_WR);
    return NULL;
}

static void open_connection(struct fighter *a, struct fighter *b)
{
    struct timeval const patience = { .tv_sec = PATIENCE_S };
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) abort();
    for (int i = 0; i < 2; i++) setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    a->fd = fds[0];
    b->fd = fds[1];
}

static int is_mirror(struct tls_session const *a, struct tls_session const *b)
{
    return a->version == b->version && a->suite == b->suite && !memcmp(a->tx.key, b->rx.key, sizeof a->tx.key)
           && !memcmp(a->rx.key, b->tx.key, sizeof a->rx.key);
}

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    static struct fighter client, server;
    pthread_t thread;
    if (!size) return 0;
    int const flags = data[0] & ~SERVER_CHANGES;
    struct fighter *changing = data[0] & SERVER_CHANGES ? &server : &client;
    struct fighter *judge = changing == &server ? &client : &server;
    client = (struct fighter){ .handshake = tls_client_handshake };
    server = (struct fighter){ .handshake = tls_server_handshake };
    client_config(&client.config, flags, &client.counter);
    server_config(&server.config, flags, &server.counter);
    changing->changes = data + 1;
    changing->left = size - 1;
    open_connection(&client, &server);
    if (pthread_create(&thread, NULL, fight, &server)) abort();
    fight(&client);
    pthread_join(thread, NULL);
    close(client.fd);
    close(server.fd);
    check_result(&judge->config, judge->done, &judge->session, &judge->error);
    if (judge == &client && client.done && client.config.trust && !client.session.peer_verified) abort();
    if (client.done && server.done && !is_mirror(&client.session, &server.session)) abort();
    return 0;
}
