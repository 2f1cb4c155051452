/* ISC license. */

/*
 * What workers that strangers have taken over may claim: the service with
 * worker_run replaced by one that does what the request's id says.
 */

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/broker.h"
#include "tests/unit/tap.h"

#define LIMIT_MS 600000

/* ---- a worker ---- */

static struct sockaddr_in local_address(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(port) };
}

/* Port 0: on any, which it becomes. */
static int listen_on(uint16_t *port)
{
    struct sockaddr_in address = local_address(*port);
    socklen_t len = sizeof address;
    int const on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 8) < 0
        || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        give_up("listen");
    *port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in const address = local_address(port);
    int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr const *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/* A connection that nothing protects. */
static int connect_plainly(void)
{
    uint16_t port = 0;
    int const listener = listen_on(&port), fd = connect_to(port);
    close(listener);
    return fd;
}

static void say(int channel, char const *text, int const *fds, size_t count)
{
    struct pollfd p = { .fd = channel, .events = POLLOUT };
    while (!ktls_packet_send(channel, text, strlen(text), fds, count)) {
        if (errno != EAGAIN) _exit(1);
        poll(&p, 1, -1);
    }
}

static void say_with_many(int channel, char const *text)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(10 * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(10 * sizeof(int));
    memset(CMSG_DATA(header), 0, 10 * sizeof(int)); /* standard input, ten times */
    if (sendmsg(channel, &message, 0) < 0) give_up("sendmsg");
}

/* The second is the client's way to the relay. */
static void hold(int channel)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) _exit(1);
    int const fds[] = { connect_plainly(), pair[0] };
    say(channel, "HOLD", fds, 2);
}

static void hold_plain(int channel)
{
    int const fds[] = { connect_plainly(), connect_plainly() };
    say(channel, "HOLD", fds, 2);
}

static _Noreturn void listen_for(struct order const *order, int channel)
{
    uint16_t port = (uint16_t)strtoul(strrchr(order->url, ':') + 1, NULL, 10);
    int const fd = listen_on(&port);
    say(channel, "OK", &fd, 1);
    _exit(0);
}

static int is_asked(struct order const *order, char const *id)
{
    char const *at = strstr(order->url, "id=");
    return at && !strcmp(at + 3, id);
}

void worker_run(struct master_options const *options, struct order const *order, int channel, int fd)
{
    (void)options, (void)fd;
    if (order->kind == ORDER_LISTEN) listen_for(order, channel);
    int const plain = connect_plainly();
    if (is_asked(order, "ok")) say(channel, "OK protocol=TLSv1.3", &plain, 1);
    if (is_asked(order, "kernel")) hold(channel), say(channel, "KERNEL path=kernel", NULL, 0);
    if (is_asked(order, "nothing")) say(channel, "RELAY path=user", NULL, 0);
    if (is_asked(order, "newline")) hold(channel), say(channel, "RELAY path=user\nOK CONNECT x", NULL, 0);
    if (is_asked(order, "id")) hold(channel), say(channel, "RELAY path=user id=other", NULL, 0);
    if (is_asked(order, "relay")) hold(channel), say(channel, "RELAY path=user sni=a.example", NULL, 0);
    if (is_asked(order, "network")) hold_plain(channel), say(channel, "RELAY path=user", NULL, 0);
    if (is_asked(order, "remote")) hold(channel), say(channel, "RELAY remote=192.0.2.1:1 path=user", NULL, 0);
    if (is_asked(order, "twice")) say(channel, "ASK sni=a", NULL, 0), say(channel, "ASK sni=b", NULL, 0);
    if (is_asked(order, "many"))
        for (int i = 0; i < 20; i++) say_with_many(channel, "HOLD");
    if (is_asked(order, "endless"))
        for (;;) say(channel, "HOLD", &plain, 1);
    _exit(0);
}

/* ---- a client ---- */

static int channel;
static pid_t service;

static void start_service(void)
{
    struct broker_options const options = { .listener = -1, .heirs = -1, .max = 16, .workers.key_dir = -1 };
    int pair[2];
    if (!ktls_packet_pair(pair) || !ktls_packet_ask_sender(pair[0])) give_up("socketpair");
    service = fork();
    if (service < 0) give_up("fork");
    if (!service) {
        static struct broker broker;
        struct broker_options ours = options;
        close(pair[1]);
        signal(SIGCHLD, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
        ours.inherited = pair[0];
        broker_start(&broker, &ours);
        for (;;) broker_turn(&broker, -1);
    }
    close(pair[0]);
    channel = pair[1];
}

static char const *hear(int *fd)
{
    static struct packet packet;
    struct pollfd p = { .fd = channel, .events = POLLIN };
    if (poll(&p, 1, LIMIT_MS) != 1 || packet_receive(channel, &packet) != 1) give_up("no reply");
    packet.bytes[packet.len - 1] = 0;
    *fd = packet_take(&packet, 0);
    packet_drop(&packet);
    return packet.bytes;
}

/* The reply, without what it repeats of the request. */
static char const *ask(char const *request, int *fd)
{
    say(channel, request, NULL, 0);
    char const *reply = hear(fd), *rest = strstr(reply, " id=");
    if (!strncmp(reply, "OK", 2)) return reply;
    return rest && strchr(rest + 1, ' ') ? strchr(rest + 1, ' ') + 1 : reply;
}

static void is_refused(char const *id, char const *reason)
{
    char request[128];
    int fd;
    snprintf(request, sizeof request, "CONNECT tls://192.0.2.1/?timeout=600000&id=%s\n", id);
    char const *got = ask(request, &fd);
    ok(fd < 0 && !strcmp(got, reason), "%s: %s", id, got);
    if (fd >= 0) close(fd);
}

static int count_descriptors(void)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)service);
    DIR *dir = opendir(path);
    if (!dir) give_up(path);
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static int falls_to(int wanted)
{
    for (int ms = 0; ms < LIMIT_MS; ms += 10) {
        if (count_descriptors() <= wanted) return 1;
        poll(NULL, 0, 10);
    }
    return 0;
}

static void test_claims(void)
{
    char const unprotected[] = "the handshake process gave no protected connection";
    char const died[] = "the handshake process ended without an answer";
    int fd;
    is_refused("ok", unprotected);
    is_refused("kernel", unprotected);
    is_refused("nothing", unprotected);
    is_refused("network", unprotected);
    is_refused("newline", died);
    is_refused("id", unprotected);
    is_refused("many", died);
    char const *got = ask("CONNECT tls://192.0.2.1/?id=relay\n", &fd);
    ok(fd >= 0 && !strcmp(got, "OK CONNECT tls://192.0.2.1/?id=relay id=relay path=user sni=a.example"), "%s",
       got);
    close(fd);
}

static void test_questions(void)
{
    int fd;
    say(channel, "CONNECT tls://192.0.2.1/?id=twice\n", NULL, 0);
    char const *got = hear(&fd);
    ok(!strcmp(got, "ASK 1 tls://192.0.2.1/?id=twice sni=a"), "%s", got);
    got = hear(&fd);
    ok(strstr(got, "asked twice") != NULL, "%s", got);
    got = ask("ANSWER 1 yes\n", &fd);
    ok(strstr(got, "no such question") != NULL, "the first question is not open any more: %s", got);
}

/* Who has connected the service knows itself. */
static void test_remote(void)
{
    char request[128];
    uint16_t port = 0;
    int fd;
    close(listen_on(&port));
    snprintf(request, sizeof request, "ACCEPT tls://127.0.0.1:%u/?id=remote\n", port);
    say(channel, request, NULL, 0);
    ask("CLOSE tcp://192.0.2.1:1\n", &fd); /* is answered when somebody listens */
    int const peer = connect_to(port);
    char const *got = hear(&fd);
    ok(fd < 0 && !strncmp(got, "ERR ACCEPT", 10) && strstr(got, " remote=127.0.0.1:"), "%s", got);
    close(peer);
    snprintf(request, sizeof request, "CLOSE tls://127.0.0.1:%u/?id=remote\n", port);
    got = ask(request, &fd);
    ok(!strncmp(got, "OK CLOSE", 8), "%s", got);
}

static void test_endless(void)
{
    char request[128];
    int fd, is_answered = 0;
    for (int ms = 3000; !is_answered && ms <= 300000; ms *= 10) {
        snprintf(request, sizeof request, "CONNECT tls://192.0.2.1/?timeout=%d&id=endless\n", ms);
        say(channel, request, NULL, 0);
        char const *got = ask("CLOSE tcp://192.0.2.1:1\n", &fd);
        is_answered = strstr(got, "CLOSE") != NULL;
        got = hear(&fd);
        ok(strstr(got, is_answered ? "timed out" : "CLOSE") != NULL, "a worker that says things without end: %s", got);
    }
    ok(is_answered, "others are answered meanwhile");
}

int main(void)
{
    start_service();
    say(channel, "CLOSE tcp://192.0.2.1:1\n", NULL, 0);
    int fd;
    hear(&fd);
    int const before = count_descriptors();
    test_claims();
    test_questions();
    test_remote();
    test_endless();
    ok(falls_to(before), "nothing that workers passed is left");
    close(channel);
    kill(service, SIGKILL);
    waitpid(service, NULL, 0);
    return done_testing();
}
