/* ISC license. */
/* runs: host */
/* runs: every kernel */

/*
 * What the relay does with time: whom it waits for, and for how long. Where a test
 * has to do something before the relay's time is over, and was too slow for that,
 * nothing is said and it is repeated with more time.
 */

#include <poll.h>
#include <time.h>

#include "relay_wire.h"

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The longest time between two steps of ours. */
struct pace {
    int64_t last, longest;
};

static void step(struct pace *pace)
{
    int64_t const now = now_ms(), gap = pace->last ? now - pace->last : 0;
    if (gap > pace->longest) pace->longest = gap;
    pace->last = now;
}

static int too_slow(struct wire *w, struct pace const *pace, unsigned int limit_ms)
{
    if (pace->longest < limit_ms) return 0;
    diag("%d ms between two steps: again", (int)pace->longest);
    kill(w->pid, SIGKILL);
    leave(w);
    return 1;
}

static long switches(pid_t pid)
{
    char path[64], line[128];
    long count = -1;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *status = fopen(path, "r");
    if (!status) return -1;
    while (fgets(line, sizeof line, status)) sscanf(line, "voluntary_ctxt_switches: %ld", &count);
    fclose(status);
    return count;
}

/* The peer is not waited for that long, but prog is, whose socket is full already. */
static void slow_prog_before_a_refusal(struct crypto_suite const *suite)
{
    enum { SIZE = 10000, ALL = 3 * SIZE };
    struct wire w;
    start(&w, suite, (struct options){ .prog_has_a_socket = 1 });
    send_record(&w, KTLS_APPLICATION_DATA, million, SIZE);
    int const started = recv(w.in, buffer, 1, MSG_PEEK) == 1;
    usleep(50000);
    kill(w.pid, SIGSTOP);
    waitpid(w.pid, NULL, WUNTRACED);
    for (size_t sent = SIZE; sent < ALL; sent += SIZE)
        send_record(&w, KTLS_APPLICATION_DATA, million + sent, SIZE);
    send_record(&w, KTLS_ALERT, "\3\0", 2);
    kill(w.pid, SIGCONT);
    usleep(1300000);
    size_t const got = read_until(w.in, buffer, ALL);
    ok(started && got == ALL && !memcmp(buffer, million, ALL),
       "%s: what came before a refused record waits for a slow prog", suite->name);
    check_refusal(&w, TLS_ILLEGAL_PARAMETER, "a refusal, and a slow prog");
}

/* A reset at once could take the alert away from a peer that is still sending. */
static int peer_is_heard_out(struct crypto_suite const *suite)
{
    struct pace pace = { 0, 0 };
    struct wire w;
    start(&w, suite, (struct options){ .over_tcp = 1 });
    step(&pace);
    send_record(&w, KTLS_ALERT, "\3\0", 2);
    write_all(w.to_relay, "\x17\3\3\0\x40half", 9);
    int const refused = receives_alert(&w, 2, TLS_ILLEGAL_PARAMETER) && receives_end(&w);
    usleep(200000);
    long const before = switches(w.pid);
    usleep(200000);
    int const heard = write(w.to_relay, "x", 1) == 1 && before >= 0 && switches(w.pid) <= before + 5;
    usleep(10000);
    int const no_reset = write(w.to_relay, "x", 1) == 1;
    step(&pace);
    if (too_slow(&w, &pace, 900)) return 0; /* of the second that it is heard */
    ok(refused, "%s: a refusal", suite->name);
    ok(heard, "%s: the peer is heard out, and waited for", suite->name);
    ok(no_reset, "%s: without a reset", suite->name);
    end(&w.to_relay);
    w.from_relay = -1;
    check_report(&w, 98, "illegal_parameter", "a peer that is heard out");
    return 1;
}

/* A prog that has written much and is gone, and a peer that has read nothing yet. */
static size_t start_reply(struct wire *w, struct crypto_suite const *suite, struct options options)
{
    static int const small = 65536;
    size_t sent = 0;
    options.over_tcp = 1;
    options.send_buffer = 400000;
    start(w, suite, options);
    setsockopt(w->to_relay, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    fcntl(w->out, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 20; usleep(10000), i++) {
        ssize_t const r = write(w->out, million, MILLION);
        if (r > 0) sent += (size_t)r;
    }
    end(&w->in);
    end(&w->out);
    return sent;
}

/* It takes a little all the time, for longer than the limit, and in the end all. Its
   kernel may tell the relay of more room only when two segments of 64 KiB have been
   read, which are 16 steps: those together have to be within the limit. */
static int slow_peer(struct crypto_suite const *suite, unsigned int idle_ms, unsigned int linger_ms)
{
    unsigned int const limit_ms = idle_ms ? idle_ms : linger_ms;
    struct pace beginning = { 0, 0 }, pace = { 0, 0 };
    struct wire w;
    step(&beginning);
    size_t const sent = start_reply(&w, suite, (struct options){ .idle_ms = idle_ms, .linger_ms = linger_ms });
    step(&beginning);
    step(&pace);
    size_t got = 0; /* with what TLS adds */
    for (unsigned int i = 0; i < 40; usleep(limit_ms * 33), i++) {
        got += read_until(w.to_relay, buffer, 8000);
        step(&pace);
    }
    got += read_until(w.to_relay, buffer, MILLION);
    step(&pace);
    if (too_slow(&w, &beginning, limit_ms / 2) || too_slow(&w, &pace, limit_ms / 16)) return 0;
    ok(got > sent, "%s: a slow peer gets all of a prog that is gone", suite->name);
    end(&w.to_relay);
    w.from_relay = -1;
    check_report(&w, 0, "", "a slow peer");
    return 1;
}

static void stalled_peer(struct crypto_suite const *suite)
{
    struct wire w;
    start_reply(&w, suite, (struct options){ .linger_ms = 1000 });
    check_report(&w, 98, "does not read any more", "a peer that takes nothing");
}

static int idle_timeout(struct crypto_suite const *suite, unsigned int idle_ms)
{
    struct pace pace = { 0, 0 };
    struct wire w;
    char why[64];
    start(&w, suite, (struct options){ .idle_ms = idle_ms });
    step(&pace);
    for (int i = 0; i < 4; i++) {
        usleep(idle_ms * 500);
        send_data(&w, "data");
        prog_reads(&w, "data");
        step(&pace);
    }
    if (too_slow(&w, &pace, idle_ms * 3 / 4)) return 0;
    ok(prog_reads_end(&w) && receives_end(&w), "%s: only a connection without data is ended", suite->name);
    snprintf(why, sizeof why, "no data either way for %u ms", idle_ms);
    check_report(&w, 98, why, "idle timeout");
    return 1;
}

/* Whether it comes to rest. */
static int sleeps(pid_t pid)
{
    for (int i = 0; i < 100; i++) {
        long const before = switches(pid);
        usleep(200000);
        if (before >= 0 && switches(pid) == before) return 1;
    }
    return 0;
}

static void idle(struct crypto_suite const *suite)
{
    struct wire w;
    start(&w, suite, (struct options){ .client = 0 });
    int const flags = fcntl(w.to_relay, F_GETFL);
    send_data(&w, "data");
    ok(prog_reads(&w, "data"), "data before the pause");
    end(&w.in); /* an error on the pipe, again and again */
    ok(sleeps(w.pid), "an idle relay sleeps");
    ok(fcntl(w.to_relay, F_GETFL) == flags, "the connection's flags are left alone");
    end(&w.out);
    shutdown(w.to_relay, SHUT_WR);
    check_report(&w, 0, "", "idle");
}

int main(void)
{
    struct crypto_suite const *tls13 = crypto_suite_by_id(0x1301), *tls12 = crypto_suite_by_id(0xc02b);
    struct crypto_suite const *const one_of_each[] = { tls13, tls12, crypto_suite_by_id(0x1303) };
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < MILLION; i++) million[i] = (unsigned char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < 3; i++)
        while (!peer_is_heard_out(one_of_each[i])) continue;
    slow_prog_before_a_refusal(tls13);
    for (unsigned int ms = 1000; !slow_peer(tls13, 0, ms); ms *= 2) continue;
    for (unsigned int ms = 1000; !slow_peer(tls13, ms, 0); ms *= 2) continue;
    stalled_peer(tls13);
    idle(tls13);
    for (unsigned int ms = 300; !idle_timeout(tls13, ms); ms *= 2) continue;
    return done_testing();
}
