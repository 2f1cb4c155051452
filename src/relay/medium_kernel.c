/* ISC license. */

/* The kernel seals and opens the records. Data passes by splice(2); only records of
   other types are read here. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktls/kernel.h"
#include "relay/stack.h"

#define CHUNK (1 << 20) /* more than a pipe holds */
#define READS 16

static ssize_t move(int from, int to, size_t len)
{
    return splice(from, NULL, to, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

/* ---- detours ---- */

static int is_pipe(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int open_detour(struct detour *detour, int prog_end)
{
    int ends[2];
    *detour = (struct detour){ .read = -1, .write = -1 };
    if (prog_end < 0 || is_pipe(prog_end)) return 1;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return 0;
    *detour = (struct detour){ .read = ends[0], .write = ends[1] };
    return 1;
}

static void close_detour(struct detour *detour)
{
    if (detour->read >= 0) close(detour->read);
    if (detour->write >= 0) close(detour->write);
    *detour = (struct detour){ .read = -1, .write = -1 };
}

static int start(struct engine *engine)
{
    RELAY_BUFFER(raw, RAW_SIZE);
    struct relay_config const *config = &engine->config;
    int const flags = fcntl(config->net_read, F_GETFL);
    engine->in.raw = raw;
    relay_start_counter(engine);
    /* When its target is a blocking socket, splice waits in spite of SPLICE_F_NONBLOCK. */
    return flags >= 0 && fcntl(config->net_read, F_SETFL, flags | O_NONBLOCK) == 0 &&
           open_detour(&engine->in.detour, config->to_prog) && open_detour(&engine->out.detour, config->from_prog);
}

static void rest(struct engine *engine)
{
    relay_give_back(engine->in.raw, RAW_SIZE);
}

static void finish(struct engine *engine)
{
    close_detour(&engine->in.detour);
    close_detour(&engine->out.detour);
    crypto_wipe(engine->in.raw, RAW_SIZE);
}

/* ---- from the network ---- */

static enum relay_progress deliver(struct engine *engine)
{
    struct detour *detour = &engine->in.detour;
    if (engine->config.to_prog < 0) return RELAY_DONE;
    if (detour->read < 0 && engine->in.waiting)
        return relay_is_ready(engine->config.to_prog, POLLOUT) ? RELAY_DONE : RELAY_WAITS;
    while (detour->len) {
        ssize_t const r = move(detour->read, engine->config.to_prog, detour->len);
        if (r < 0 && relay_would_block()) return RELAY_WAITS;
        if (r <= 0) return RELAY_ENDED;
        detour->len -= (size_t)r;
    }
    return RELAY_DONE;
}

static struct relay_event violation(struct engine *engine, enum tls_alert alert, char const *reason)
{
    ktls_clear_error(engine->config.net_write);
    return (struct relay_event){ .kind = RELAY_VIOLATION, .alert = alert, .reason = reason };
}

static struct relay_event failure(struct engine *engine, int error)
{
    switch (error) {
    case EBADMSG: return violation(engine, TLS_BAD_RECORD_MAC, "a record that does not authenticate");
    case EMSGSIZE: return violation(engine, TLS_RECORD_OVERFLOW, "a record that is too long");
    case EINVAL: return violation(engine, TLS_PROTOCOL_VERSION, "a record of another protocol version");
    case EKEYEXPIRED:
        if (ktls_reinstall(engine->config.net_read, KTLS_RX) == 0)
            return (struct relay_event){ .kind = RELAY_AGAIN };
        return violation(engine, TLS_INTERNAL_ERROR, "a handshake message in a form that the kernel cannot follow");
    default: return (struct relay_event){ .kind = RELAY_FAILURE, .error = error };
    }
}

/* The number of unread bytes from the network, including those of an incomplete record. */
static int unread(int fd)
{
    int len;
    return ioctl(fd, FIONREAD, &len) == 0 ? len : 0;
}

static ssize_t receive_record(struct engine *engine, unsigned char *type)
{
    return ktls_recv_record(engine->config.net_read, type, engine->in.raw, TLS_MAX_FRAGMENT, MSG_DONTWAIT);
}

static struct relay_event record_event(unsigned char type, unsigned char const *bytes, size_t len)
{
    return (struct relay_event){ .kind = RELAY_RECORD, .type = type, .bytes = bytes, .len = len };
}

/* Reads the next record unless it is data for prog. 0: there is nothing. */
static int take_other(struct engine *engine, struct relay_event *event)
{
    unsigned char type, byte;
    ssize_t r = ktls_recv_record(engine->config.net_read, &type, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    int const is_for_prog = r > 0 && type == KTLS_APPLICATION_DATA && engine->config.to_prog >= 0;
    *event = record_event(KTLS_APPLICATION_DATA, NULL, 0);
    if (is_for_prog) return 1;
    if (r == 0 && type == 0) {
        *event = (struct relay_event){ .kind = RELAY_FIN, .len = (size_t)unread(engine->config.net_read) };
        return 1;
    }
    if (r >= 0) r = receive_record(engine, &type);
    if (r < 0 && relay_would_block()) return 0;
    *event = r < 0 ? failure(engine, errno) : record_event(type, engine->in.raw, (size_t)r);
    return 1;
}

/* An older kernel reports a socket as readable when it has only a part of a record. With
   SO_RCVLOWAT above these bytes it does not. */
static void wait_for_more_than(struct engine *engine, int bytes)
{
    int const low_water = bytes + 1;
    if (bytes == engine->in.passed_over) return;
    engine->in.passed_over = bytes;
    setsockopt(engine->config.net_read, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
}

/* After EINVAL: the next record is not data, or the bytes are not a record. */
static int take_no_data(struct engine *engine, struct relay_event *event)
{
    int const taken = take_other(engine, event);
    if (!taken || (event->kind == RELAY_RECORD && !event->bytes)) *event = failure(engine, EINVAL);
    return 1;
}

/* After a result of 0: the end of the stream, or an empty record. */
static int take_nothing(struct engine *engine, struct relay_event *event)
{
    take_other(engine, event);
    return 1;
}

/* 0: nothing for now. */
static int splice_record(struct engine *engine, struct relay_event *event)
{
    struct inbound *in = &engine->in;
    int const detoured = in->detour.read >= 0;
    int const to = detoured ? in->detour.write : engine->config.to_prog;
    if (engine->config.to_prog < 0 || after_is_open(&in->message)) return take_other(engine, event);

    ssize_t const r = move(engine->config.net_read, to, CHUNK);
    if (r == 0) return take_nothing(engine, event);
    if (r < 0 && errno == EINVAL) return take_no_data(engine, event);
    if (r < 0 && relay_would_block()) return 0;
    if (r < 0) *event = errno == EPIPE ? (struct relay_event){ .kind = RELAY_PROG_GONE } : failure(engine, errno);
    else *event = (struct relay_event){ .kind = RELAY_DATA };
    if (r > 0 && detoured) in->detour.len += (size_t)r;
    return 1;
}

/* Finds out why nothing could be read from a readable socket. */
static int find_obstacle(struct engine *engine, struct relay_event *event)
{
    int const direct = engine->config.to_prog >= 0 && engine->in.detour.read < 0;
    *event = (struct relay_event){ .kind = RELAY_PROG_FULL };
    if (direct && !relay_is_ready(engine->config.to_prog, POLLOUT)) return 1;
    wait_for_more_than(engine, unread(engine->config.net_read));
    return 0;
}

static int receive(struct engine *engine, int *reads, struct relay_event *event)
{
    int const is_first = *reads == READS;
    if (!*reads) return 0;
    int const received = splice_record(engine, event);
    *reads = received ? *reads - 1 : 0;
    if (received) wait_for_more_than(engine, 0);
    return received || (is_first && find_obstacle(engine, event));
}

static int drop(struct engine *engine)
{
    unsigned char type = 0;
    ssize_t const r = receive_record(engine, &type);
    int const is_waiting = r < 0 && relay_would_block();
    wait_for_more_than(engine, is_waiting ? unread(engine->config.net_read) : 0);
    return r > 0 || (r == 0 && type) || is_waiting;
}

/* ---- to the network ---- */

static enum relay_progress take_sent(struct engine *engine, ssize_t result)
{
    if (result > 0) {
        relay_count_sent(engine, (size_t)result);
        return RELAY_DONE;
    }
    engine->out.blocked = result < 0 && relay_would_block();
    return engine->out.blocked ? RELAY_WAITS : RELAY_BROKEN;
}

static enum relay_progress flush_control(struct engine *engine)
{
    struct control_record *control = &engine->out.control;
    if (!control->type) return RELAY_DONE;
    ssize_t const r = ktls_send_record(engine->config.net_write, control->type, control->bytes, control->len);
    if (r > 0) control->type = 0;
    return take_sent(engine, r);
}

static enum relay_progress flush_detour(struct engine *engine)
{
    struct detour *detour = &engine->out.detour;
    while (detour->len) {
        ssize_t const r = move(detour->read, engine->config.net_write, detour->len);
        if (r <= 0) return take_sent(engine, r);
        relay_count_sent(engine, (size_t)r);
        detour->len -= (size_t)r;
    }
    return RELAY_DONE;
}

static enum relay_progress flush(struct engine *engine)
{
    if (engine->out.blocked && !relay_is_ready(engine->config.net_write, POLLOUT)) return RELAY_WAITS;
    engine->out.blocked = 0;
    enum relay_progress const progress = flush_control(engine);
    return progress == RELAY_DONE ? flush_detour(engine) : progress;
}

static void send_control(struct engine *engine, unsigned char type, unsigned char const *bytes, size_t len)
{
    engine->out.control.type = type;
    engine->out.control.len = (unsigned char)len;
    memcpy(engine->out.control.bytes, bytes, len);
}

/* When splice asks for more than a full pipe contains, the kernel (Linux 6.5 and later) holds
   back the last bytes, to fill up a record with later ones. For an empty pipe, asking for one
   byte is enough to learn of its end. */
static ssize_t send_from_pipe(struct engine *engine)
{
    int const len = unread(engine->config.from_prog);
    return move(engine->config.from_prog, engine->config.net_write, len > 0 ? (size_t)len : 1);
}

static enum relay_progress take_by_detour(struct engine *engine)
{
    struct detour *detour = &engine->out.detour;
    ssize_t const r = move(engine->config.from_prog, detour->write, CHUNK);
    if (r < 0 && relay_would_block()) return RELAY_WAITS;
    if (r <= 0) return RELAY_ENDED;
    detour->len = (size_t)r;
    return RELAY_DONE;
}

static enum relay_progress take(struct engine *engine)
{
    if (engine->out.detour.read >= 0) return take_by_detour(engine);
    ssize_t const r = send_from_pipe(engine);
    if (r == 0) return RELAY_ENDED;
    if (r < 0 && relay_would_block() && !unread(engine->config.from_prog)) return RELAY_WAITS;
    return take_sent(engine, r);
}

static int is_sending(struct engine const *engine)
{
    struct outbound const *out = &engine->out;
    return !out->finished && (out->blocked || out->control.type || out->detour.len);
}

static int change_rx(struct engine *engine)
{
    return ktls_install(engine->config.net_read, KTLS_RX, &engine->keys->rx) == 0;
}

static int change_tx(struct engine *engine)
{
    uint64_t records;
    int const fd = engine->config.net_write;
    if (ktls_sequence(fd, KTLS_TX, &records) < 0 || ktls_install(fd, KTLS_TX, &engine->keys->tx) < 0) return 0;
    relay_restart_counter(engine, records);
    return 1;
}

struct relay_medium const relay_in_kernel = {
    .reads = READS, .start = start, .deliver = deliver, .receive = receive, .drop = drop,
    .flush = flush, .send_control = send_control, .take = take, .is_sending = is_sending,
    .has_settled = relay_has_settled, .count_records = relay_records_at_most,
    .change_rx = change_rx, .change_tx = change_tx, .rest = rest, .finish = finish,
};
