/* ISC license. */

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

int main(void)
{
    struct crypto_suite const *const one_of_each[] = { crypto_suite_by_id(0x1301), crypto_suite_by_id(0xc02b) };
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
    for (size_t i = 0; i < 2; i++) {
        failed_send(one_of_each[i], ENOMEM);
        failed_send(one_of_each[i], EIO);
    }
    return done_testing();
}
