/* ISC license. */

/* The kernel makes and opens the records: data passes by splice(2), and only
   what is not data comes up here. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/engine.h"

#define CHUNK (1 << 20) /* more than a pipe holds */
#define RECORDS_A_TURN 16

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

static void start(struct engine *engine)
{
    RELAY_BUFFER(raw, RAW_SIZE);
    struct relay_config const *config = &engine->config;
    int const flags = fcntl(config->net_read, F_GETFL);
    engine->in.raw = raw;
    relay_start_odometer(engine);
    /* Into a socket splice waits, whatever its own flags say. */
    if (flags < 0 || fcntl(config->net_read, F_SETFL, flags | O_NONBLOCK) < 0
        || !open_detour(&engine->in.detour, config->to_prog)
        || !open_detour(&engine->out.detour, config->from_prog)) {
        relay_report(engine, EXIT_SYSTEM, "starting the relay: %s", strerror(errno));
        relay_cut(engine);
    }
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

static int deliver_directly(struct engine *engine)
{
    if (engine->in.waiting) engine->in.waiting = !relay_is_ready(engine->config.to_prog, POLLOUT);
    return !engine->in.waiting;
}

static int deliver(struct engine *engine)
{
    struct detour *detour = &engine->in.detour;
    if (engine->config.to_prog < 0) return 1;
    if (detour->read < 0) return deliver_directly(engine);
    engine->in.waiting = 0;
    while (detour->len) {
        ssize_t const r = move(detour->read, engine->config.to_prog, detour->len);
        if (r < 0 && relay_would_block()) {
            engine->in.waiting = 1;
            return 0;
        }
        if (r <= 0) {
            relay_end_input(engine);
            return 1;
        }
        detour->len -= (size_t)r;
    }
    return 1;
}

static int next_record(struct engine *engine)
{
    (void)engine;
    return 0;
}

/* A socket that has refused a record refuses to send too, until somebody has
   asked it why. */
static void refuse(struct engine *engine, enum tls_alert alert, char const *reason)
{
    int error;
    socklen_t len = sizeof error;
    getsockopt(engine->config.net_write, SOL_SOCKET, SO_ERROR, &error, &len);
    relay_fail(engine, alert, reason);
}

static void take_read_error(struct engine *engine)
{
    switch (errno) {
    case EBADMSG: refuse(engine, TLS_BAD_RECORD_MAC, "a record that does not authenticate"); break;
    case EMSGSIZE: refuse(engine, TLS_RECORD_OVERFLOW, "a record that is too long"); break;
    case EINVAL: refuse(engine, TLS_PROTOCOL_VERSION, "a record of another protocol version"); break;
    case EKEYEXPIRED:
        if (ktls_reinstall(engine->config.net_read, KTLS_RX) == 0) break;
        refuse(engine, TLS_INTERNAL_ERROR, "a handshake message in a form that the kernel cannot follow");
        break;
    default: relay_take_read_error(engine);
    }
}

/* Of the network: what is no whole record, too. */
static int unread(int fd)
{
    int len;
    return ioctl(fd, FIONREAD, &len) == 0 ? len : 0;
}

static ssize_t receive_record(struct engine *engine, unsigned char *type)
{
    return ktls_recv_record(engine->config.net_read, type, engine->in.raw, MAX_FRAGMENT, MSG_DONTWAIT);
}

static void take_record(struct engine *engine, int is_for_nobody)
{
    unsigned char type;
    ssize_t const r = receive_record(engine, &type);
    if (r < 0 && relay_would_block()) return;
    if (r < 0)
        take_read_error(engine);
    else if (type != KTLS_APPLICATION_DATA && type != 0)
        relay_take_control(engine, type, engine->in.raw, (size_t)r);
    else if (r > 0 && is_for_nobody && relay_begin_data(engine))
        relay_note_data(engine);
    else if (type == KTLS_APPLICATION_DATA)
        relay_begin_data(engine);
}

enum next { NOTHING, DATA, TAKEN };

/* Takes what is next unless it is data that somebody wants. */
static enum next take_other(struct engine *engine)
{
    int const is_for_nobody = engine->config.to_prog < 0;
    unsigned char type, byte;
    ssize_t const r = ktls_recv_record(engine->config.net_read, &type, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (r < 0 && relay_would_block()) return NOTHING;
    if (r < 0)
        take_read_error(engine);
    else if (r == 0 && type == 0)
        relay_take_fin(engine, unread(engine->config.net_read) > 0);
    else if (r > 0 && type == KTLS_APPLICATION_DATA && !is_for_nobody)
        return relay_begin_data(engine) ? DATA : TAKEN;
    else if (relay_begin_record(engine))
        take_record(engine, is_for_nobody);
    return TAKEN;
}

/* Older kernels call a socket readable that has but a part of a record: asked
   for more bytes than these, it is not. */
static void wait_for_more_than(struct engine *engine, int bytes)
{
    int const low_water = bytes + 1;
    if (bytes == engine->in.passed_over) return;
    engine->in.passed_over = bytes;
    setsockopt(engine->config.net_read, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
}

static int note_spliced(struct engine *engine, size_t len)
{
    relay_note_data(engine);
    if (engine->in.detour.read >= 0) engine->in.detour.len += len;
    return 1;
}

/* 0 is the end of the stream, or an empty record. */
static int take_nothing(struct engine *engine)
{
    return relay_begin_record(engine) && take_other(engine) != NOTHING;
}

/* EINVAL: what is next is no data, or the bytes are no record. */
static int take_no_data(struct engine *engine)
{
    if (take_other(engine) == TAKEN) return 1;
    errno = EINVAL;
    take_read_error(engine);
    return 0;
}

/* 0: nothing more for now. */
static int splice_record(struct engine *engine)
{
    struct inbound *in = &engine->in;
    int const detoured = in->detour.read >= 0;
    int const to = detoured ? in->detour.write : engine->config.to_prog;
    if (engine->config.to_prog < 0 || after_is_open(&in->message)) return take_other(engine) == TAKEN;

    ssize_t const r = move(engine->config.net_read, to, CHUNK);
    if (r > 0) return note_spliced(engine, (size_t)r);
    if (r == 0) return take_nothing(engine);
    if (errno == EINVAL) return take_no_data(engine);
    if (relay_would_block()) return 0;
    if (errno == EPIPE) relay_end_input(engine);
    else take_read_error(engine);
    return 1;
}

/* The socket was readable, and nothing could be read. */
static void find_obstacle(struct engine *engine)
{
    int const direct = engine->config.to_prog >= 0 && engine->in.detour.read < 0;
    if (direct && !relay_is_ready(engine->config.to_prog, POLLOUT))
        engine->in.waiting = 1;
    else
        wait_for_more_than(engine, unread(engine->config.net_read));
}

static void fill(struct engine *engine)
{
    int taken = 0;
    while (taken < RECORDS_A_TURN && !engine->in.ended && splice_record(engine)) taken++;
    if (taken)
        wait_for_more_than(engine, 0);
    else if (!engine->in.ended)
        find_obstacle(engine);
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

/* 0: not for now, or never. */
static int take_sent(struct engine *engine, ssize_t result)
{
    if (result > 0) {
        relay_note_sent(engine, (size_t)result);
        return 1;
    }
    if (result < 0 && relay_would_block())
        engine->out.blocked = 1;
    else
        relay_take_write_error(engine);
    return 0;
}

static int flush_control(struct engine *engine)
{
    struct control_record *control = &engine->out.control;
    if (!control->type) return 1;
    int const fd = engine->config.net_write;
    if (!take_sent(engine, ktls_send_record(fd, control->type, control->bytes, control->len))) return 0;
    control->type = 0;
    return 1;
}

static int flush_detour(struct engine *engine)
{
    struct detour *detour = &engine->out.detour;
    while (detour->len) {
        ssize_t const r = move(detour->read, engine->config.net_write, detour->len);
        if (!take_sent(engine, r)) return 0;
        detour->len -= (size_t)r;
    }
    return 1;
}

static int flush(struct engine *engine)
{
    if (engine->out.blocked && !relay_is_ready(engine->config.net_write, POLLOUT)) return 0;
    engine->out.blocked = 0;
    return flush_control(engine) && flush_detour(engine);
}

static void send_control(struct engine *engine, unsigned char type, unsigned char const *bytes, size_t len)
{
    engine->out.control.type = type;
    engine->out.control.len = (unsigned char)len;
    memcpy(engine->out.control.bytes, bytes, len);
}

/* Asked for more than a full pipe has, the kernel (Linux 6.5 and later) keeps
   the last of it back for a record with what may follow, however late. One byte
   of an empty pipe is enough to learn of its end. */
static ssize_t send_from_pipe(struct engine *engine)
{
    int const len = unread(engine->config.from_prog);
    return move(engine->config.from_prog, engine->config.net_write, len > 0 ? (size_t)len : 1);
}

static void take(struct engine *engine)
{
    struct detour *detour = &engine->out.detour;
    int const from = engine->config.from_prog, detoured = detour->read >= 0;
    ssize_t const r = detoured ? move(from, detour->write, CHUNK) : send_from_pipe(engine);
    if (r > 0) relay_note_data(engine);
    if (r > 0 && detoured) detour->len = (size_t)r;
    else if (r == 0) relay_end_output(engine);
    else if (!detoured && (r > 0 || !relay_would_block() || unread(from))) take_sent(engine, r);
    else if (r < 0 && !relay_would_block()) relay_end_output(engine);
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
    relay_restart_odometer(engine, records);
    return 1;
}

struct relay_medium const relay_in_kernel = {
    .start = start, .deliver = deliver, .next_record = next_record, .fill = fill, .drop = drop,
    .flush = flush, .send_control = send_control, .take = take, .is_sending = is_sending,
    .has_settled = relay_has_settled, .count_records = relay_records_at_most,
    .change_rx = change_rx, .change_tx = change_tx, .rest = rest, .finish = finish,
};
