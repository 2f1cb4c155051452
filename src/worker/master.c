/* ISC license. */

/*
 * The handshake master: forked before secrets or bytes from others are in memory.
 * It does nothing but fork, so that each worker starts without them too.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/worker.h"
#include "jail/jail.h"
#include "process/process.h"
#include "program/program.h"

static void refuse_order(struct order const *order, struct packet const *packet)
{
    struct worker const none = { .order = order, .channel = packet->fd[0], .fd = packet->fd[1] };
    if (packet->fd_count >= (order->kind == ORDER_LOAD ? 2 : 1))
        worker_report(&none, "starting a handshake process", strerror(errno));
}

static void start_worker(struct master_options const *options, int socket, struct packet *packet)
{
    struct order order;
    if (packet->truncated || packet->len != sizeof order) return;
    memcpy(&order, packet->bytes, sizeof order);
    pid_t const pid = fork();
    if (pid < 0) refuse_order(&order, packet);
    if (pid) return;
    int const channel = packet_take(packet, 0), fd = packet_take(packet, 1);
    close(socket);
    prctl(PR_SET_NAME, "ktls-worker");
    worker_run(options, &order, channel, fd);
}

static _Noreturn void take_orders(struct master_options const *options, int socket)
{
    struct pollfd p = { .fd = socket, .events = POLLIN };
    struct packet packet;
    for (;;) {
        if (poll(&p, 1, -1) < 0) continue;
        int const received = packet_receive(socket, &packet);
        if (!received) _exit(0);
        if (received < 0) continue;
        start_worker(options, socket, &packet);
        packet_drop(&packet);
    }
}

static void require(int is_done, struct master_options const *options, enum jail_wall wall)
{
    if (!is_done && !(options->without & 1u << wall)) _exit(EXIT_SYSTEM);
}

/* Workers read keys before they are in the jail. Where the system refuses this,
   the jail lacks it too, and ktls-init has said so. */
static void harden_master(struct master_options const *options)
{
    require(process_forbid_core(), options, JAIL_LIMITS);
    require(process_forbid_tracing(), options, JAIL_SETTLE);
}

int master_start(struct master_options const *options)
{
    int pair[2];
    if (!ktls_packet_pair(pair)) return -1;
    pid_t const pid = fork();
    if (!pid) {
        int const kept[] = { 0, 1, 2, pair[1], options->key_dir, options->empty_root };
        process_close_others(kept, sizeof kept / sizeof *kept, 0);
        if (dup2(1, 2) < 0) _exit(EXIT_SYSTEM); /* stderr is the pipe for the report of the service */
        harden_master(options);
        prctl(PR_SET_NAME, "ktls-master");
        take_orders(options, pair[1]);
    }
    int const saved = errno;
    close(pair[1]);
    if (pid < 0) close(pair[0]);
    errno = saved;
    return pid < 0 ? -1 : pair[0];
}
