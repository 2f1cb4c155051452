/* ISC license. */
/* runs: every kernel */

/* KeyUpdate by ktls_recv and ktls_update_keys, with and without secrets, on
   kernels that can replace keys and on those that cannot. */

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/ktls_talk.h"

/* Generation n of a direction is make_keys(.., n). */

struct generations {
    unsigned char seed[2];
};

static int next_keys(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    struct generations *generations = ctx;

    generations->seed[direction] = (unsigned char)(generations->seed[direction] + 2);
    *keys = make_keys(TLS_1_3, KTLS_AES_128_GCM, generations->seed[direction]);
    keys->seq = 0;
    return 0;
}

static int no_next_keys(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    (void)ctx;
    (void)direction;
    (void)keys;
    errno = EACCES;
    return -1;
}

static unsigned char const key_update[5] = {24, 0, 0, 1, 0};

static void test_key_update_without_secrets(void)
{
    struct ktls_secrets secrets = {.next = no_next_keys};
    struct pair pair = open_pair(TLS_1_3);

    say(pair.client, "one");
    put(pair.client, KTLS_HANDSHAKE, key_update, sizeof key_update);
    ok(hears(pair.server, NULL, "one"), "data before KeyUpdate");
    ok(stays(pair.server, NULL, EKEYEXPIRED), "KeyUpdate without secrets: EKEYEXPIRED");
    say(pair.server, "reply");
    ok(hears(pair.client, NULL, "reply"), "the other direction works");
    ok(stays(pair.server, &secrets, EACCES), "secrets that fail: their error");
    close_pair(pair);
}

static void test_key_update_impossible(void)
{
    struct generations server = {{2, 1}};
    struct ktls_secrets none = {0}, secrets = {.next = next_keys, .ctx = &server};
    struct pair tls12 = open_pair(TLS_1_2), tls13 = open_pair(TLS_1_3), plain = tcp_pair();
    char byte;

    ok(ktls_update_keys(tls13.server, &none, 0) < 0 && errno == EINVAL,
       "KeyUpdate without next keys: EINVAL");
    ok(ktls_update_keys(tls12.server, &secrets, 0) < 0 && errno == EINVAL, "in TLS 1.2: EINVAL");
    ok(ktls_update_keys(plain.server, &secrets, 0) < 0 && errno == EINVAL, "without keys: EINVAL");
    ok(recv(plain.client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "and nothing was sent");
    ok(!secrets.error && !none.error, "the connections go on");
    close_pair(tls12);
    close_pair(tls13);
    close_pair(plain);
}

static void test_key_update_refused(void)
{
    struct generations server = {{2, 1}};
    struct ktls_secrets secrets = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);
    char byte;

    put(pair.client, KTLS_HANDSHAKE, key_update, sizeof key_update);
    ok(stays(pair.server, &secrets, EKEYREJECTED), "a kernel without rekey: EKEYREJECTED");
    close_pair(pair);

    pair = open_pair(TLS_1_3);
    secrets.error = 0;
    ok(ktls_update_keys(pair.server, &secrets, 0) < 0 && errno == EKEYREJECTED, "our own: EKEYREJECTED");
    ok(gets_record(pair.client, KTLS_HANDSHAKE, key_update, sizeof key_update), "the peer has the KeyUpdate");
    send(pair.server, "x", 1, MSG_NOSIGNAL); /* whatever the kernel says */
    ok(recv(pair.client, &byte, 1, 0) == 0, "and nothing follows it under the old keys");
    close_pair(pair);
}

static void test_key_update(void)
{
    struct generations client = {{1, 2}}, server = {{2, 1}};
    struct ktls_secrets ours = {.next = next_keys, .ctx = &client};
    struct ktls_secrets theirs = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);

    say(pair.client, "one");
    ok(ktls_update_keys(pair.client, &ours, 0) == 0, "KeyUpdate");
    say(pair.client, "two");
    ok(hears(pair.server, &theirs, "one") && hears(pair.server, &theirs, "two"), "is followed");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply") && server.seed[KTLS_TX] == 2, "and not answered");

    ok(ktls_update_keys(pair.client, &ours, 1) == 0, "KeyUpdate that asks for the peer's");
    say(pair.client, "three");
    ok(hears(pair.server, &theirs, "three") && server.seed[KTLS_TX] == 4, "is followed and answered");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply") && client.seed[KTLS_RX] == 4, "which is followed");

    int good = 1;
    for (int i = 0; i < 100 && good; i++) {
        good = ktls_update_keys(pair.client, &ours, 1) == 0 && ktls_update_keys(pair.server, &theirs, 1) == 0;
        say(pair.client, "ping");
        say(pair.server, "pong");
        good = good && hears(pair.server, &theirs, "ping") && hears(pair.client, &ours, "pong");
    }
    ok(good, "a hundred times, asked from both sides");
    close_pair(pair);
}

/* RFC 8446, 4.6.3: requests that arrive while we are silent get one answer. */
static void test_requests_at_once(void)
{
    struct generations client = {{1, 2}}, server = {{2, 1}};
    struct ktls_secrets ours = {.next = next_keys, .ctx = &client};
    struct ktls_secrets theirs = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);

    for (int i = 0; i < 10; i++) ktls_update_keys(pair.client, &ours, 1);
    say(pair.client, "data");
    ok(hears(pair.server, &theirs, "data"), "ten requests are followed");
    ok(server.seed[KTLS_RX] == client.seed[KTLS_TX] && server.seed[KTLS_TX] == 4 && !theirs.answer_due,
       "and get one answer");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply"), "before the reply");

    close_pair(pair);
}

static void test_split_key_update(void)
{
    struct generations client = {{1, 2}}, server = {{2, 1}};
    struct ktls_secrets theirs = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);
    struct ktls_traffic_keys keys;

    put(pair.client, KTLS_HANDSHAKE, (char const *)key_update, 2);
    put(pair.client, KTLS_HANDSHAKE, (char const *)key_update + 2, 3);
    next_keys(&client, KTLS_TX, &keys);
    ok(ktls_install(pair.client, KTLS_TX, &keys) == 0, "the next keys after a KeyUpdate in two records");
    say(pair.client, "data");
    ok(hears(pair.server, &theirs, "data"), "which is followed");
    close_pair(pair);
}

/* Both sides write until nothing goes. */
static size_t fill(int fd)
{
    static char block[16384];
    size_t sent = 0;

    for (ssize_t n; (n = send(fd, block, sizeof block, MSG_DONTWAIT)) > 0;) sent += (size_t)n;
    return sent;
}

static size_t drain(int fd, struct ktls_secrets *secrets, size_t len)
{
    static char block[16384];
    size_t got = 0;

    for (ssize_t n; got < len && (n = ktls_recv(fd, block, sizeof block, 0, secrets)) > 0;) got += (size_t)n;
    return got;
}

static void test_late_answer(void)
{
    struct generations client = {{1, 2}}, server = {{2, 1}};
    struct ktls_secrets ours = {.next = next_keys, .ctx = &client};
    struct ktls_secrets theirs = {.next = next_keys, .ctx = &server};
    struct pair pair = open_pair(TLS_1_3);
    char byte;

    ktls_update_keys(pair.client, &ours, 1);
    say(pair.client, "data");
    size_t const sent = fill(pair.server);
    ok(hears(pair.server, &theirs, "data"), "a peer that reads nothing asks: its data is received");
    ok(theirs.answer_due && server.seed[KTLS_TX] == 2, "and the answer waits");
    ok(drain(pair.client, &ours, sent) == sent, "until the peer reads");
    struct pollfd writable = {.fd = pair.server, .events = POLLOUT};
    poll(&writable, 1, 600000);
    ok(ktls_recv(pair.server, &byte, 1, MSG_DONTWAIT, &theirs) < 0 && errno == EAGAIN && !theirs.answer_due,
       "then it is given");
    say(pair.server, "reply");
    ok(hears(pair.client, &ours, "reply") && client.seed[KTLS_RX] == 4, "and followed");

    ktls_update_keys(pair.client, &ours, 1);
    say(pair.client, "data");
    shutdown(pair.server, SHUT_WR);
    int const heard = hears(pair.server, &theirs, "data");
    say(pair.client, "on");
    ok(heard && hears(pair.server, &theirs, "on"), "one who has ended its stream need not answer");
    close_pair(pair);
}

/* ---- keys change while both streams are full ---- */

#define LOAD_BYTES (8u << 20)
#define LOAD_BYTES_PER_KEY 65536

struct talker {
    int fd;
    struct generations generations;
    struct ktls_secrets secrets;
    size_t sent, received, updates;
    int good;
};

static unsigned char at(size_t position)
{
    return (unsigned char)(position * 31 + (position >> 11));
}

static void write_some(struct talker *talker)
{
    unsigned char block[16384];
    size_t const left = LOAD_BYTES - talker->sent, len = left < sizeof block ? left : sizeof block;

    for (size_t i = 0; i < len; i++) block[i] = at(talker->sent + i);
    ssize_t const n = len ? send(talker->fd, block, len, MSG_NOSIGNAL) : 0;
    if (n > 0) talker->sent += (size_t)n;
    if (n < 0 && errno != EAGAIN) talker->good = 0;
}

static void read_some(struct talker *talker)
{
    unsigned char block[16384];
    ssize_t const n = ktls_recv(talker->fd, block, sizeof block, 0, &talker->secrets);

    for (ssize_t i = 0; i < n; i++)
        if (block[i] != at(talker->received++)) talker->good = 0;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) talker->good = 0;
}

static void change_keys(struct talker *talker)
{
    if (talker->sent / LOAD_BYTES_PER_KEY <= talker->updates) return;
    if (ktls_update_keys(talker->fd, &talker->secrets, 1) == 0)
        talker->updates++;
    else if (errno != EAGAIN)
        talker->good = 0;
}

static void test_key_update_under_load(void)
{
    struct pair pair = open_pair(TLS_1_3);
    struct talker talkers[2] = {{.fd = pair.client, .generations = {{1, 2}}, .good = 1},
                                {.fd = pair.server, .generations = {{2, 1}}, .good = 1}};

    for (int i = 0; i < 2; i++) {
        talkers[i].secrets = (struct ktls_secrets){.next = next_keys, .ctx = &talkers[i].generations};
        set_nonblocking(talkers[i].fd);
    }
    while (talkers[0].good && talkers[1].good &&
           (talkers[0].received < LOAD_BYTES || talkers[1].received < LOAD_BYTES))
        for (int i = 0; i < 2; i++) {
            for (int j = 0; j < 4; j++) write_some(&talkers[i]); /* more than is read: they fill up */
            change_keys(&talkers[i]);
            read_some(&talkers[i]);
        }
    ok(talkers[0].good && talkers[1].good,
       "8 MiB each way, keys changed by both sides every 64 KiB: all is whole");
    diag("%zu and %zu KeyUpdates asked for", talkers[0].updates, talkers[1].updates);
    if (!talkers[0].good || !talkers[1].good) diag("%s", strerror(errno));
    close_pair(pair);
}

enum { NO_MOUNT = 2 };

static int can_rekey_without_proc(void)
{
    int status;
    pid_t const pid = fork();
    if (!pid) {
        int const hidden = !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)
                           && !mount("none", "/proc", "tmpfs", 0, NULL);
        _exit(hidden ? ktls_can_rekey(KTLS_AES_128_GCM) : NO_MOUNT);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status)) give_up("fork");
    return WEXITSTATUS(status);
}

/* Known from the names of counters, and by trying where there is no /proc. */
static void test_can_rekey(int rekey)
{
    ok(ktls_can_rekey(KTLS_AES_128_GCM) == rekey, "whether keys can be replaced is known without trying");
    int const found = can_rekey_without_proc();
    if (found == NO_MOUNT) return skip("a mount needs root");
    ok(found == rekey, "the same without /proc");
}

int main(void)
{
    struct ktls_capabilities found;

    if (ktls_probe(TLS_1_3, &found)) give_up("probe");
    test_can_rekey(found.rekey);
    test_key_update_without_secrets();
    test_key_update_impossible();
    if (found.rekey) {
        test_key_update();
        test_requests_at_once();
        test_split_key_update();
        test_late_answer();
        test_key_update_under_load();
    } else {
        test_key_update_refused();
    }
    return done_testing();
}
