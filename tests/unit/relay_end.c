/* ISC license. */
/* runs: host */
/* runs: every kernel */

/* How a relayed connection ends, and what the peer learns of it. */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "relay_wire.h"

#define ARGUMENT(n) ((unsigned int)offsetof(struct seccomp_data, args[n]))

/* Every attempt to send to that descriptor fails from now on. */
static void fail_sending(int fd, int error)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_splice, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(2)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)fd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog const program = { sizeof steps / sizeof *steps, steps };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(99);
}

static void failed_send(struct crypto_suite const *suite, int error)
{
    struct wire w;
    start(&w, suite, (struct options){ .over_tcp = 1, .before = &fail_sending, .before_argument = error });
    write_all(w.out, million, 4);
    struct pollfd p = { .fd = w.from_relay, .events = POLLIN };
    ok(poll(&p, 1, 10000) == 1 && receives_end(&w), "%s: after a send that failed (%s) the peer reads the end",
       suite->name, strerror(error));
    send_data(&w, "still heard");
    ok(prog_reads(&w, "still heard"), "%s: and prog what the peer goes on to say", suite->name);
    close_notify(&w);
    ok(prog_reads_end(&w), "%s: to its end", suite->name);
    check_report(&w, 98, strerror(error), "a send that failed");
}

/* ---- when the peer is sent close_notify ---- */

enum how {
    PROG_ENDS_OUTPUT,   /* and reads on; the peer is silent */
    PROG_ENDS_BOTH,
    PEER_FINISHES,      /* by FIN alone, then prog ends its output */
    PEER_NOTIFIES,      /* then prog ends its output */
    WAYS
};
enum wanted { BARE, NOTIFIED, HELD };

static char const *const way_names[WAYS] = {
    [PROG_ENDS_OUTPUT] = "prog ends its output", [PROG_ENDS_BOTH] = "prog ends",
    [PEER_FINISHES] = "FIN, then prog ends its output", [PEER_NOTIFIES] = "close_notify, then prog ends its output",
};

static struct row {
    uint16_t version;
    unsigned char farewell;
    enum wanted wanted[WAYS];
} const rows[] = {
    { TLS_1_3, RELAY_FAREWELL_SAFE, { NOTIFIED, NOTIFIED, NOTIFIED, NOTIFIED } },
    { TLS_1_3, RELAY_FAREWELL_ALWAYS, { NOTIFIED, NOTIFIED, NOTIFIED, NOTIFIED } },
    { TLS_1_3, RELAY_FAREWELL_NEVER, { BARE, BARE, BARE, NOTIFIED } },
    { TLS_1_2, RELAY_FAREWELL_SAFE, { HELD, NOTIFIED, NOTIFIED, NOTIFIED } },
    { TLS_1_2, RELAY_FAREWELL_ALWAYS, { NOTIFIED, NOTIFIED, NOTIFIED, NOTIFIED } },
    { TLS_1_2, RELAY_FAREWELL_NEVER, { BARE, BARE, BARE, NOTIFIED } },
};

static struct crypto_suite const *suite_of(uint16_t version)
{
    return crypto_suite_by_id(version == TLS_1_3 ? 0x1301 : 0xc02b);
}

/* So that nothing else is under way. */
static int converse(struct wire *w)
{
    send_data(w, "question");
    return prog_reads(w, "question") && write_all(w->out, "answer", 6)
           && receives(w, KTLS_APPLICATION_DATA, "answer", 6);
}

static void end_in_that_way(struct wire *w, enum how how)
{
    if (how == PEER_FINISHES) shutdown(w->to_relay, SHUT_WR);
    if (how == PEER_NOTIFIES) close_notify(w);
    if (how >= PEER_FINISHES) prog_reads_end(w);
    if (how == PROG_ENDS_BOTH) end(&w->in);
    shutdown(w->out, SHUT_WR); /* of a socket that prog reads, too */
    end(&w->out);
}

/* The peer goes on, prog has its reply, and what ends it all is close_notify. */
static int is_held(struct wire *w)
{
    struct pollfd p = { .fd = w->from_relay, .events = POLLIN };
    send_data(w, "reply");
    if (!prog_reads(w, "reply") || poll(&p, 1, 0)) return 0;
    shutdown(w->to_relay, SHUT_WR);
    return prog_reads_end(w) && receives_alert(w, 1, TLS_CLOSE_NOTIFY) && receives_end(w);
}

static int is_as_wanted(struct wire *w, enum wanted wanted)
{
    if (wanted == HELD) return is_held(w);
    if (wanted == NOTIFIED && !receives_alert(w, 1, TLS_CLOSE_NOTIFY)) return 0;
    return receives_end(w);
}

static void farewell(struct row const *row, enum how how, int with_socket)
{
    static char const *const what[] = { "FIN alone", "close_notify", "held back until the peer ends" };
    static char const *const farewells[] = { "the default", "-S", "-s" };
    struct wire w;
    start(&w, suite_of(row->version), (struct options){ .farewell = row->farewell, .silence_ms = 600000,
                                                        .prog_has_a_socket = (unsigned char)with_socket });
    int const begun = converse(&w);
    end_in_that_way(&w, how);
    ok(begun && is_as_wanted(&w, row->wanted[how]), "%s, %s, %s: %s", suite_of(row->version)->name,
       farewells[row->farewell], way_names[how], what[row->wanted[how]]);
    shutdown(w.to_relay, SHUT_WR);
    check_report(&w, 0, "", "an end");
    ok(!*w.report.text, "with nothing to tell");
}

static void farewells(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (enum how how = 0; how < WAYS; how++)
            for (int with_socket = 0; with_socket < 2; with_socket++) farewell(&rows[i], how, with_socket);
}

/* A peer that waits for the end before it answers. */
static void silent_peer(void)
{
    struct wire w;
    start(&w, suite_of(TLS_1_2), (struct options){ .silence_ms = 10 });
    int const begun = converse(&w);
    end(&w.out);
    ok(begun && receives_alert(&w, 1, TLS_CLOSE_NOTIFY) && receives_end(&w), "a silent peer reads the end");
    send_data(&w, "reply");
    ok(prog_reads(&w, "reply"), "and prog its reply");
    shutdown(w.to_relay, SHUT_WR);
    check_report(&w, 0, "", "a silent peer");
}

/* ---- what the peer says after our end ---- */

static void send_reset(struct wire *w)
{
    struct linger const hard = { .l_onoff = 1 };
    setsockopt(w->to_relay, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    end(&w->to_relay);
    w->from_relay = -1;
}

static void late_complaint(struct crypto_suite const *suite, int by_alert, int prog_reads_on, int enforced)
{
    char const *text = by_alert ? "received alert decode_error" : "reading from the network";
    int const code = enforced && prog_reads_on ? 98 : 0;
    struct wire w;
    start(&w, suite, (struct options){ .over_tcp = 1, .farewell = RELAY_FAREWELL_ALWAYS,
                                       .enforce = (unsigned char)enforced });
    if (!prog_reads_on) end(&w.in);
    end(&w.out);
    int const ended = receives_alert(&w, 1, TLS_CLOSE_NOTIFY) && receives_end(&w);
    if (by_alert) send_record(&w, KTLS_ALERT, "\2\x32", 2);
    else send_reset(&w);
    if (prog_reads_on) ok(prog_reads_end(&w), "%s after our end: prog reads the end", text);
    check_report(&w, code, text, "a complaint after our end");
    ok(ended && strstr(w.report.text, text), "%s: %s, code %d", suite->name, w.report.text, code);
}

static void late_complaints(struct crypto_suite const *suite)
{
    for (int i = 0; i < 8; i++) late_complaint(suite, i & 1, i >> 1 & 1, i >> 2);
}

int main(void)
{
    struct crypto_suite const *const one_of_each[] = { suite_of(TLS_1_3), suite_of(TLS_1_2) };
    signal(SIGPIPE, SIG_IGN);
    alarm(1500);
    for (size_t i = 0; i < 2; i++) {
        failed_send(one_of_each[i], ENOMEM);
        failed_send(one_of_each[i], EIO);
        late_complaints(one_of_each[i]);
    }
    farewells();
    silent_peer();
    return done_testing();
}
