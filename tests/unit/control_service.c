/* ISC license. */

/* The client of the socket service, opposite a hand-written one. */

#include "control/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/tap.h"

struct ends {
    int client, service;
};

static struct ends make_ends(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0) give_up("socketpair");
    return (struct ends){pair[0], pair[1]};
}

static void close_ends(struct ends ends)
{
    close(ends.client);
    close(ends.service);
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void say_with(int service, char const *packet, size_t len, int const *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec iov = {(char *)(uintptr_t)packet, len};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count) {
        message.msg_control = control.bytes;
        message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof *fds);
        memcpy(CMSG_DATA(header), fds, count * sizeof *fds);
    }
    if (sendmsg(service, &message, 0) < 0) give_up("sendmsg");
}

static void say(int service, char const *packet, int fd)
{
    say_with(service, packet, strlen(packet), &fd, fd >= 0);
}

/* What the client said, and the descriptor that came along. */
static int hear(int service, char packet[KTLS_MAX_PACKET + 1])
{
    union control control;
    struct iovec iov = {packet, KTLS_MAX_PACKET};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int fd = -1;
    ssize_t const len = recvmsg(service, &message, MSG_DONTWAIT);
    packet[len < 0 ? 0 : len] = 0;
    if (len > 0 && CMSG_FIRSTHDR(&message)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_connect(void)
{
    struct ends ends = make_ends();
    struct ktls_reply reply;
    char packet[KTLS_MAX_PACKET + 1];
    int pipes[2];

    if (pipe(pipes) < 0) give_up("pipe");
    say(ends.service,
        "OK CONNECT tls://a.example:443 protocol=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 "
        "subject=CN%3da%20b new=thing path=kernel\n",
        pipes[0]);
    int const fd = ktls_connect(ends.client, "tls://a.example:443", &reply);
    hear(ends.service, packet);
    ok(!strcmp(packet, "CONNECT tls://a.example:443\n"), "CONNECT is one line");
    ok(fd >= 0 && fd == reply.fd && fcntl(fd, F_GETFD) == FD_CLOEXEC, "the descriptor comes close-on-exec");
    ok(!strcmp(reply.protocol, "TLSv1.3") && !strcmp(reply.path, "kernel"), "facts have names");
    ok(!strcmp(reply.subject, "CN=a b"), "what was escaped is not any more");
    ok(!*reply.peer && !*reply.alpn && !*reply.reason, "what was not said is empty");
    close(fd);

    say(ends.service, "ERR CONNECT tls://a.example:443 received alert handshake_failure\n", -1);
    ok(ktls_connect(ends.client, "tls://a.example:443", &reply) == -1 && errno == EREMOTEIO,
       "ERR is EREMOTEIO");
    ok(!strcmp(reply.reason, "received alert handshake_failure"), "with the service's words");

    say(ends.service, "ERR CONNECT tls://a.example:443 id=7 remote=[::1]:443 bad remote=word\n", -1);
    ok(ktls_connect(ends.client, "tls://a.example:443", &reply) == -1 && !strcmp(reply.id, "7"), "ERR has an id");
    ok(!strcmp(reply.remote, "[::1]:443") && !strcmp(reply.reason, "bad remote=word"),
       "and a peer, and what follows is the reason");

    say(ends.service, "OK CONNECT tls://a.example:443\n", -1);
    ok(ktls_connect(ends.client, "tls://a.example:443", &reply) == -1 && errno == EPROTO,
       "OK without a descriptor is no connection");
    say(ends.service, "OK ACCEPT tls://a.example:443\n", pipes[0]);
    ok(ktls_connect(ends.client, "tls://a.example:443", &reply) == -1 && errno == EPROTO && reply.fd == -1,
       "neither is the reply to another request");
    close(ends.service);
    ok(ktls_connect(ends.client, "tls://a.example:443", &reply) == -1 && errno == EPIPE,
       "a service that is gone is EPIPE");
    close(ends.client);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_nonsense(void)
{
    static char const *const packets[] = {
        "\n", "OK", "OK\n", "OK \n", "NO CONNECT tls://a\n", "OK CONNECT tls://a fact\n",
        "OK CONNECT tls://a sni=%\n", "OK CONNECT tls://a sni=%4\n", "OK CONNECT tls://a sni=%00\n",
        "ASK\n", "ASK 1\n", "ASK 1 tls:a sni\n", "ERR\n",
    };
    struct ends ends = make_ends();
    struct ktls_reply reply;
    int pipes[2];

    if (pipe(pipes) < 0) give_up("pipe");
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        say(ends.service, packets[i], pipes[0]);
        ok(ktls_receive(ends.client, &reply, 0) == -1 && errno == EPROTO && reply.fd == -1,
           "nonsense %zu is EPROTO", i);
    }
    int const next = dup(0);
    ok(next == pipes[1] + 1, "and no descriptor that came with it is left open");
    close(next);
    ok(ktls_receive(ends.client, &reply, MSG_DONTWAIT) == -1 && errno == EAGAIN, "nothing there is EAGAIN");
    close_ends(ends);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_descriptors(void)
{
    struct ends ends = make_ends();
    struct ktls_reply reply;
    int const two[] = {ends.service, ends.service}, first_free = dup(0);

    close(first_free);
    say_with(ends.service, "OK ACCEPT tls://a\n", 18, two, 2);
    ok(ktls_accept(ends.client, &reply) == first_free, "of two descriptors one is taken");
    int const next = dup(0);
    ok(next == first_free + 1, "and the other is not left open");
    close(next);
    close(first_free);
    say_with(ends.service, "", 0, two, 1);
    ok(ktls_receive(ends.client, &reply, 0) == -1 && errno == EPIPE && !is_open(first_free),
       "nor is one that came with nothing");
    close_ends(ends);
}

static void test_requests(void)
{
    static char const *const bad[] = {
        "", "tls://a b", "tls://a\n", "tls://a\nCLOSE x", "tls://\x7f", "tls://\xc3\xa9",
    };
    static char longest[KTLS_MAX_PACKET + 1];
    struct ends ends = make_ends();
    char packet[KTLS_MAX_PACKET + 1];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(ktls_listen(ends.client, bad[i]) == -1 && errno == EINVAL, "URL %zu is not sent", i);
    memset(longest, 'a', KTLS_MAX_PACKET - 8);
    ok(ktls_listen(ends.client, longest) == 0, "a packet of 4096 bytes is sent");
    hear(ends.service, packet);
    ok(strlen(packet) == KTLS_MAX_PACKET && packet[KTLS_MAX_PACKET - 1] == '\n', "whole");
    longest[KTLS_MAX_PACKET - 8] = 'a';
    ok(ktls_listen(ends.client, longest) == -1 && errno == EMSGSIZE, "one more is too long");
    close_ends(ends);
}

static void test_upgrade(void)
{
    struct ends ends = make_ends();
    struct ktls_reply reply;
    char packet[KTLS_MAX_PACKET + 1];
    int pipes[2];

    if (pipe(pipes) < 0) give_up("pipe");
    say(ends.service, "OK UPGRADE tls:server?cert=c&key=k protocol=TLSv1.2\n", pipes[1]);
    int const fd = ktls_upgrade(ends.client, pipes[0], "tls:server?cert=c&key=k", &reply);
    ok(fd >= 0 && !strcmp(reply.protocol, "TLSv1.2"), "UPGRADE brings a descriptor back");
    int const sent = hear(ends.service, packet);
    ok(sent >= 0 && !strcmp(packet, "UPGRADE tls:server?cert=c&key=k\n"), "for the one that it took along");
    ok(is_open(pipes[0]), "which stays the caller's");
    close(sent);
    close(fd);
    close_ends(ends);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_question(void)
{
    struct ends ends = make_ends();
    struct ktls_reply reply;
    char packet[KTLS_MAX_PACKET + 1];

    say(ends.service, "ASK 17 tls://[::1]:443?ask=sni sni=b.example alpn=h2\n", -1);
    ok(ktls_receive(ends.client, &reply, 0) == 0 && reply.kind == KTLS_REPLY_ASK, "a question is heard");
    ok(!strcmp(reply.question, "17") && !strcmp(reply.sni, "b.example") && !strcmp(reply.alpn, "h2"),
       "and its words");
    ok(ktls_answer(ends.client, &reply, 1, "cert=c&key=k") == 0, "yes");
    hear(ends.service, packet);
    ok(!strcmp(packet, "ANSWER 17 yes cert=c&key=k\n"), "with parameters");
    ok(ktls_answer(ends.client, &reply, 0, "") == 0, "no");
    hear(ends.service, packet);
    ok(!strcmp(packet, "ANSWER 17 no\n"), "without");
    close_ends(ends);
}

static void test_channel(void)
{
    struct ends shared = make_ends();
    struct ktls_reply reply;
    char packet[KTLS_MAX_PACKET + 1], number[16];

    unsetenv("KTLS_FD");
    ok(ktls_channel(NULL) == -1 && errno == ENOENT, "no KTLS_FD is ENOENT");
    setenv("KTLS_FD", "3x", 1);
    ok(ktls_channel(NULL) == -1 && errno == EINVAL, "no number is EINVAL");
    setenv("KTLS_FD", "999", 1);
    ok(ktls_channel(NULL) == -1 && errno == EBADF, "a descriptor that is not open is EBADF");
    snprintf(number, sizeof number, "%d", shared.client);
    setenv("KTLS_FD", number, 1);
    int const channel = ktls_channel(NULL);
    int const service = hear(shared.service, packet);
    ok(channel >= 0 && service >= 0 && !strcmp(packet, "ATTACH\n"),
       "a channel of one's own is asked for on KTLS_FD");
    say(service, "ERR ACCEPT tls://a no\n", -1);
    ok(ktls_accept(channel, &reply) == -1 && errno == EREMOTEIO && !strcmp(reply.reason, "no"),
       "and brings the replies");
    close(channel);
    close(service);
    close_ends(shared);
}

static void test_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char longer[200], directory[] = "/tmp/ktls-service.XXXXXX";
    if (!mkdtemp(directory)) give_up("mkdtemp");
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    int const listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0)
        give_up("listen");
    int const channel = ktls_channel(address.sun_path);
    ok(channel >= 0 && fcntl(channel, F_GETFD) == FD_CLOEXEC, "a service with a path is connected to");
    unlink(address.sun_path);
    ok(ktls_channel(address.sun_path) == -1 && errno == ENOENT, "a path that is not there is ENOENT");
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = 0;
    ok(ktls_channel(longer) == -1 && errno == ENAMETOOLONG, "one that is too long is ENAMETOOLONG");
    rmdir(directory);
    close(channel);
    close(listener);
}

int main(void)
{
    test_connect();
    test_nonsense();
    test_descriptors();
    test_requests();
    test_upgrade();
    test_question();
    test_channel();
    test_path();
    return done_testing();
}
