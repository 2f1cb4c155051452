/* ISC license. */

#include "front/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "process/process.h"

#define AT_ONCE 65536 /* what a pipe holds unless it is told otherwise */

/* One direction. Its bytes wait in a pipe: splice(2) needs one between two sockets. */
struct flow {
    int from, to;
    int pipe[2];
    size_t held;
    unsigned char ended; /* nothing more comes */
    unsigned char over;  /* nothing more goes: the end was passed on, or nobody takes it */
    int error;           /* of from or to; 0: none */
};

static int open_flow(struct flow *flow, int from, int to)
{
    *flow = (struct flow){ .from = from, .to = to };
    return pipe2(flow->pipe, O_CLOEXEC | O_NONBLOCK) == 0;
}

static void close_flow(struct flow const *flow)
{
    close(flow->pipe[0]);
    close(flow->pipe[1]);
}

/* Passes the end on: a socket is half-closed, of a pipe it is the end. */
static void end_output(struct flow *flow)
{
    flow->over = 1;
    if (shutdown(flow->to, SHUT_WR) < 0 && errno == ENOTSOCK) process_silence(flow->to);
}

static void give_up(struct flow *flow, int error)
{
    flow->error = error;
    flow->ended = flow->over = 1;
    flow->held = 0;
}

static int is_pause(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static void fill(struct flow *flow)
{
    ssize_t const r = splice(flow->from, NULL, flow->pipe[1], NULL, AT_ONCE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (r > 0) flow->held += (size_t)r;
    else if (r == 0) flow->ended = 1;
    else if (!is_pause()) give_up(flow, errno);
}

static void drain(struct flow *flow)
{
    ssize_t const r = splice(flow->pipe[0], NULL, flow->to, NULL, flow->held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (r > 0) flow->held -= (size_t)r;
    else if (!is_pause()) give_up(flow, errno);
}

/* A second read waits until the first is written: what is slow to take slows down what gives. */
static void await_flow(struct flow const *flow, struct pollfd p[2])
{
    int const reads = !flow->ended && !flow->held;
    p[0] = (struct pollfd){ .fd = reads ? flow->from : -1, .events = POLLIN };
    p[1] = (struct pollfd){ .fd = flow->over ? -1 : flow->to, .events = flow->held ? POLLOUT : 0 };
}

/* 1: bytes were moved. Both events say that nobody takes anything, and poll(2) reports
   them again and again, asked for or not. */
static int move(struct flow *flow, struct pollfd const p[2])
{
    size_t const before = flow->held;
    if (flow->over) return 0;
    if (p[1].revents & (POLLERR | POLLHUP)) give_up(flow, EPIPE);
    if (p[0].revents) fill(flow);
    if (flow->held) drain(flow);
    if (flow->ended && !flow->held && !flow->over) end_output(flow);
    return p[0].revents || flow->held != before;
}

/* EPIPE only says that somebody has stopped reading. */
static enum copy_result result_of(struct flow const flow[2])
{
    for (int i = 0; i < 2; i++)
        if (flow[i].error && flow[i].error != EPIPE) return errno = flow[i].error, COPY_BROKEN;
    return COPY_DONE;
}

static enum copy_result run(struct flow flow[2], unsigned int idle_ms)
{
    int64_t deadline = process_now_ms() + idle_ms;
    while (!flow[0].over || !flow[1].over) {
        struct pollfd p[4];
        await_flow(flow, p);
        await_flow(flow + 1, p + 2);
        int const ready = poll(p, 4, idle_ms ? process_ms_until(deadline) : -1);
        if (ready < 0 && errno != EINTR) return COPY_BROKEN;
        if (!ready && !process_ms_until(deadline)) return COPY_IDLE;
        if (ready <= 0) continue;
        int const moved = move(flow, p) | move(flow + 1, p + 2);
        if (moved) deadline = process_now_ms() + idle_ms;
    }
    return result_of(flow);
}

/* A terminal is left as it is: others use it. */
static int unblock(int fd)
{
    struct process_stream stream;
    return process_identify(&stream, fd) && (!stream.is_one || ndelay_on(fd) == 0);
}

enum copy_result copy_both_ways(struct copy_ends const *ends)
{
    struct flow flow[2];
    if (!unblock(ends->client_read) || !unblock(ends->client_write) || !unblock(ends->backend)) return COPY_BROKEN;
    if (!open_flow(flow, ends->client_read, ends->backend)) return COPY_BROKEN;
    enum copy_result result = COPY_BROKEN;
    if (open_flow(flow + 1, ends->backend, ends->client_write)) {
        result = run(flow, ends->idle_ms);
        close_flow(flow + 1);
    }
    close_flow(flow);
    return result;
}
