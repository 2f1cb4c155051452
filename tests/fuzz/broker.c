/* ISC license. */

/*
 * The broker of ktls-init's service, between clients and workers that say
 * whatever they like. There is no other process: the handshake master is this
 * program, which takes the orders and answers in the workers' place.
 *
 * The input is a list of steps: a kind, which client or worker, what descriptors
 * go along, the length of a text and the text.
 *
 * What must hold: what a client reads is a line that begins with OK, ERR or ASK;
 * a descriptor comes with OK alone, and never one that TLS should protect and
 * does not; and at the end no descriptor is left.
 */

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/process.h"
#include "service/broker.h"

#define CLIENTS 4
#define WORKERS 16
#define MAX_STEPS 64
#define SETTLING 200

extern int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

enum step { REQUEST, ANSWER, TURN, CLIENT_LEAVES, WORKER_LEAVES, CLIENT_COMES, STEPS };

static int master[2] = { -1, -1 }; /* [0] is the broker's */
static int64_t now = 1000; /* the input says how time goes */
static int client[CLIENTS], worker[WORKERS];
static int plain[2]; /* ends of a TCP connection that nothing protects */

static struct broker broker;

/* In the place of process/clock.c and of master.c. */
int64_t process_now_ms(void)
{
    return now;
}

int process_ms_until(int64_t deadline)
{
    return deadline > now ? (int)(deadline - now) : 0;
}

int master_start(struct master_options const *options)
{
    (void)options;
    if (master[1] >= 0) close(master[1]);
    if (!ktls_packet_pair(master)) abort();
    return master[0];
}

static void connect_plainly(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int const listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    plain[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 1) < 0
        || getsockname(listener, (struct sockaddr *)&address, &len) < 0
        || connect(plain[0], (struct sockaddr *)&address, len) < 0)
        abort();
    plain[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void begin(void)
{
    static struct broker_options const options = { .inherited = -1, .listener = -1, .heirs = -1, .max = WORKERS,
                                                   .workers.key_dir = -1 };
    signal(SIGPIPE, SIG_IGN);
    connect_plainly();
    broker_start(&broker, &options);
    for (size_t i = 0; i < WORKERS; i++) worker[i] = -1;
    for (size_t i = 0; i < CLIENTS; i++) client[i] = -1;
}

static size_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    if (!dir) abort();
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static void leave(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void come(int *fd)
{
    struct ucred const us = { .pid = getpid(), .uid = getuid(), .gid = getgid() };
    int pair[2];
    leave(fd);
    if (!ktls_packet_pair(pair)) abort();
    *fd = pair[1];
    channel_open(&broker.channels, pair[0], CHANNEL_ATTACHED, &us);
}

/* What an order brings: the worker's end of a pair, and perhaps a connection. */
static void take_orders(void)
{
    static struct packet packet;
    size_t i = 0;
    while (packet_receive(master[1], &packet) == 1) {
        while (i < WORKERS && worker[i] >= 0) i++;
        if (i < WORKERS) worker[i] = packet_take(&packet, 0);
        packet_drop(&packet);
    }
}

static int is_protected(struct packet const *packet)
{
    static char const *const plaintext[] = { "tcp:", "unix:", "tcp://" };
    char const *url = strchr(packet->bytes + 3, ' ');
    for (size_t i = 0; url && i < sizeof plaintext / sizeof *plaintext; i++)
        if (!strncmp(url + 1, plaintext[i], strlen(plaintext[i]))) return 0;
    return url != NULL;
}

static void check_descriptor(struct packet const *packet)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int listens = 0;
    socklen_t int_len = sizeof listens;
    if (strncmp(packet->bytes, "OK ", 3)) abort();
    if (!is_protected(packet)) return;
    if (getsockopt(packet->fd[0], SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) == 0 && listens) return;
    /* A TCP socket without TLS; the end of a pair that a relay has would be none. */
    if (getsockname(packet->fd[0], (struct sockaddr *)&address, &len) == 0 && address.ss_family == AF_INET) abort();
}

static void read_replies(void)
{
    static struct packet packet;
    for (size_t i = 0; i < CLIENTS; i++) {
        while (client[i] >= 0 && packet_receive(client[i], &packet) == 1) {
            int const known = !strncmp(packet.bytes, "OK ", 3) || !strncmp(packet.bytes, "ERR ", 4)
                              || !strncmp(packet.bytes, "ASK ", 4);
            if (packet.truncated || !packet.len || packet.bytes[packet.len - 1] != '\n' || !known
                || !packet_is_text(&packet, packet.len - 1))
                abort();
            packet.bytes[packet.len - 1] = 0;
            if (packet.fd_count) check_descriptor(&packet);
            packet_drop(&packet);
        }
    }
}

static void turn(void)
{
    broker_turn(&broker, 0);
    take_orders();
    read_replies();
}

static void say(int to, unsigned char descriptors, unsigned char const *text, size_t len)
{
    int const fds[2] = { plain[descriptors & 1], plain[descriptors >> 1 & 1] };
    if (to >= 0) ktls_packet_send(to, text, len, fds, descriptors >> 2 & 3 ? (descriptors >> 2 & 3) % 3 : 0);
}

static void do_step(unsigned char const *head, unsigned char const *text, size_t len)
{
    int *const some_client = client + head[1] % CLIENTS, *const some_worker = worker + head[1] % WORKERS;
    switch ((enum step)(head[0] % STEPS)) {
    case REQUEST: say(*some_client, head[2], text, len); break;
    case ANSWER: say(*some_worker, head[2], text, len); break;
    case CLIENT_LEAVES: leave(some_client); break;
    case WORKER_LEAVES: leave(some_worker); break;
    case CLIENT_COMES: come(some_client); break;
    case TURN: now += head[1] * 256 + head[2]; break;
    case STEPS: break;
    }
    turn();
}

static void end_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++) leave(client + i);
    for (int i = 0; i < SETTLING; i++) {
        now += 60000;
        for (size_t j = 0; j < WORKERS; j++) leave(worker + j);
        turn();
    }
}

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
    static int begun;
    if (!begun) begin();
    begun = 1;
    size_t const before = count_descriptors();
    come(client);
    for (int steps = 0; size >= 5 && steps < MAX_STEPS; steps++) {
        size_t len = (size_t)(data[3] << 8 | data[4]) % PACKET_MAX;
        if (len > size - 5) len = size - 5;
        do_step(data, data + 5, len);
        data += 5 + len;
        size -= 5 + len;
    }
    end_all();
    if (count_descriptors() != before) abort();
    return 0;
}
