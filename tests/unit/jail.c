/* ISC license. */

/* What cannot be done in jail, and what can. */

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "jail.h"
#include "tap.h"

static int pair[2]; /* Unix sockets */
static int pipe_ends[2];
static int tcp;     /* not connected */

/* ---- forbidden: each is killed by the filter ---- */

#define FORBIDDEN(name, ...)                                                                                 \
    static int name(void)                                                                                    \
    {                                                                                                        \
        __VA_ARGS__;                                                                                         \
        return 0;                                                                                            \
    }

static int option(int level, int name)
{
    int const on = 1;
    return setsockopt(tcp, level, name, &on, sizeof on);
}

FORBIDDEN(open_file, open("/", O_RDONLY))
FORBIDDEN(openat_file, syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY))
FORBIDDEN(make_file, syscall(SYS_memfd_create, "x", 0))
FORBIDDEN(stat_file, syscall(SYS_newfstatat, AT_FDCWD, "/", NULL, 0))
FORBIDDEN(new_socket, socket(AF_INET, SOCK_STREAM, 0))
FORBIDDEN(connect_socket, connect(tcp, NULL, 0))
FORBIDDEN(accept_socket, accept(tcp, NULL, NULL))
FORBIDDEN(duplicate, syscall(SYS_dup, pair[0]))
FORBIDDEN(new_pipe, int fds[2]; (void)!pipe2(fds, 0))
FORBIDDEN(execute, execl("/bin/true", "true", (char *)NULL))
FORBIDDEN(new_process, fork())
FORBIDDEN(raw_clone, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
FORBIDDEN(kill_parent, kill(getppid(), 0))
FORBIDDEN(kill_anybody, syscall(SYS_kill, -1, 0))
FORBIDDEN(trace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
FORBIDDEN(read_memory, process_vm_readv(1, NULL, 0, NULL, 0, 0))
FORBIDDEN(map_code, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
FORBIDDEN(map_file, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, pair[0], 0))
FORBIDDEN(protect_code, mprotect((void *)((uintptr_t)&tcp & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC))
FORBIDDEN(option_of_socket, option(SOL_SOCKET, SO_KEEPALIVE))
FORBIDDEN(option_of_ip, option(IPPROTO_IP, IP_TOS))
FORBIDDEN(option_of_tcp, option(IPPROTO_TCP, TCP_CORK))
FORBIDDEN(attach_tls, setsockopt(tcp, IPPROTO_TCP, TCP_ULP, "tls", 3))
FORBIDDEN(ask_for_peer, socklen_t len = 0; getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, NULL, &len))
FORBIDDEN(terminal, char byte = 'x'; ioctl(pair[0], TIOCSTI, &byte))
FORBIDDEN(unread_bytes, int len; ioctl(pair[0], FIONREAD, &len))
FORBIDDEN(splice_pair, splice(pair[0], NULL, pair[1], NULL, 1, SPLICE_F_NONBLOCK))
FORBIDDEN(low_water, option(SOL_SOCKET, SO_RCVLOWAT))
#ifndef __SANITIZE_ADDRESS__
FORBIDDEN(map_memory, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
FORBIDDEN(grow_heap, syscall(SYS_brk, 0))
#endif
FORBIDDEN(random_bytes, char byte; (void)!getrandom(&byte, 1, 0))
FORBIDDEN(control_descriptor, fcntl(pair[0], F_SETFL, 0))
FORBIDDEN(control_process, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
FORBIDDEN(become_root, syscall(SYS_setresuid, 0, 0, 0))
FORBIDDEN(new_root, syscall(SYS_chroot, "/"))
FORBIDDEN(new_namespace, syscall(SYS_unshare, 0x10000000))
FORBIDDEN(raise_limit, syscall(SYS_prlimit64, 0, 0, NULL, NULL))
FORBIDDEN(ring, syscall(SYS_io_uring_setup, 1, NULL))
FORBIDDEN(bpf, syscall(SYS_bpf, 0, NULL, 0))
#ifdef __x86_64__
FORBIDDEN(x32_call, syscall(0x40000000 | SYS_read, pair[0], NULL, 0))

#define LEFT 77

/* exit(LEFT) on i386. Here the number is that of write(2), for which User Mode
   Linux takes it. */
static int i386_call(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(1L), "b"((long)LEFT) : "memory");
    return 0;
}
#endif

#define EVERY_JOB (JAIL_HANDSHAKE | JAIL_RELAY)
#define ROW(name) { EVERY_JOB, #name, &name }
#define ROW_FOR(jobs, name) { jobs, #name, &name }
static struct row {
    unsigned int jobs;
    char const *name;
    int (*action)(void);
} const forbidden[] = {
    ROW(open_file), ROW(openat_file), ROW(make_file), ROW(stat_file), ROW(new_socket), ROW(connect_socket),
    ROW(accept_socket), ROW(duplicate), ROW(new_pipe), ROW(execute), ROW(new_process), ROW(raw_clone),
    ROW(kill_parent), ROW(kill_anybody), ROW(trace), ROW(read_memory), ROW(map_code), ROW(map_file),
    ROW(protect_code), ROW(option_of_socket), ROW(option_of_ip), ROW(option_of_tcp), ROW(ask_for_peer),
    ROW(terminal), ROW(control_descriptor), ROW(control_process), ROW(become_root), ROW(new_root),
    ROW(new_namespace), ROW(raise_limit), ROW(ring), ROW(bpf),
    ROW_FOR(JAIL_HANDSHAKE, unread_bytes), ROW_FOR(JAIL_HANDSHAKE, splice_pair),
    ROW_FOR(JAIL_HANDSHAKE, low_water), ROW_FOR(JAIL_RELAY, attach_tls), ROW_FOR(JAIL_RELAY, random_bytes),
#ifndef __SANITIZE_ADDRESS__
    ROW_FOR(JAIL_RELAY, map_memory), ROW_FOR(JAIL_RELAY, grow_heap),
#endif
#ifdef __x86_64__
    ROW(x32_call),
#endif
};

/* ---- allowed: each gives 0 ---- */

static int sockets(void)
{
    char byte = 1;
    struct iovec iov = { &byte, 1 };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (write(pair[0], &byte, 1) != 1 || read(pair[1], &byte, 1) != 1) return 1;
    if (send(pair[0], &byte, 1, MSG_NOSIGNAL) != 1 || recv(pair[1], &byte, 1, 0) != 1) return 2;
    if (sendmsg(pair[0], &message, 0) != 1 || recvmsg(pair[1], &message, 0) != 1) return 3;
    if (writev(pair[0], &iov, 1) != 1 || read(pair[1], &byte, 1) != 1) return 4;
    return shutdown(pair[0], SHUT_WR) < 0 || close(pair[0]) < 0 ? 5 : 0;
}

static int waiting(void)
{
    struct pollfd p[2] = { { .fd = pair[0], .events = POLLIN }, { .fd = pair[1], .events = POLLIN } };
    return poll(p, 2, 1) ? 1 : 0;
}

static int monotonic_clock(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) < 0;
}

static int clocks(void)
{
    return time(NULL) <= 0;
}

static int randomness(void)
{
    unsigned char bytes[32];
    return getrandom(bytes, sizeof bytes, 0) != sizeof bytes;
}

static int memory(void)
{
    for (size_t len = 16; len <= (8u << 20); len *= 2) {
        unsigned char *p = malloc(len);
        if (!p) return 1;
        memset(p, 1, len);
        unsigned char *more = realloc(p, 2 * len);
        if (!more) return 2;
        free(more);
    }
    return 0;
}

#ifndef __SANITIZE_ADDRESS__
static int too_much_memory(void)
{
    void *const p = mmap(NULL, 1u << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED && errno == ENOMEM ? 0 : 1;
}
#endif

/* Bytes that are unread, and by splice(2) into a pipe and out of it. */
static int spliced(void)
{
    int len = -1;
    char byte = 1;
    if (send(pair[0], &byte, 1, MSG_NOSIGNAL) != 1 || ioctl(pair[1], FIONREAD, &len) < 0 || len != 1) return 1;
    if (splice(pair[1], NULL, pipe_ends[1], NULL, 1, 0) != 1) return 2;
    if (splice(pipe_ends[0], NULL, pair[1], NULL, 1, 0) != 1) return 3;
    return option(SOL_SOCKET, SO_RCVLOWAT) < 0 || ioctl(pair[0], SIOCOUTQ, &len) < 0 ? 4 : 0;
}

/* On a socket that has no connection the kernel says no, which is not the filter's doing. */
static int options(void)
{
    int const on = 1;
    if (option(IPPROTO_TCP, TCP_NODELAY) < 0) return 1;
    setsockopt(tcp, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    setsockopt(tcp, IPPROTO_TCP, TCP_ULP, "tls", 3);
    setsockopt(tcp, 282, TLS_TX, &on, sizeof on);
    return 0;
}

static struct row const allowed[] = {
    ROW(waiting), ROW(monotonic_clock), ROW_FOR(JAIL_HANDSHAKE, clocks),
    ROW_FOR(JAIL_HANDSHAKE, randomness), ROW_FOR(JAIL_HANDSHAKE, memory), ROW_FOR(JAIL_HANDSHAKE, options),
    ROW_FOR(JAIL_RELAY, spliced),
#ifndef __SANITIZE_ADDRESS__
    ROW_FOR(JAIL_HANDSHAKE, too_much_memory),
#endif
    ROW(sockets), /* it ends the connection for all */
};

static char const *job_name(void)
{
    return jobs_in_jail == JAIL_RELAY ? "relay" : "handshake";
}

static void go_through(int as_root)
{
    int const kept[] = { STDOUT_FILENO, pair[0], pair[1], tcp, pipe_ends[0], pipe_ends[1] };
    size_t const count = sizeof kept / sizeof *kept;
    char const *who = as_root ? "root" : "not root";
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        if (!(forbidden[i].jobs & jobs_in_jail)) continue;
        int const status = in_jail(forbidden[i].action, kept, count, as_root);
        ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s, %s: %s kills (status %x)", job_name(), who,
           forbidden[i].name, (unsigned int)status);
    }
#ifdef __x86_64__
    int const status = in_jail(&i386_call, kept, count, as_root);
    ok(!WIFEXITED(status) || WEXITSTATUS(status) != LEFT, "%s, %s: a call of i386 is none (status %x)",
       job_name(), who, (unsigned int)status);
#endif
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (!(allowed[i].jobs & jobs_in_jail)) continue;
        int const result = in_jail(allowed[i].action, kept, count, as_root);
        ok(!result, "%s, %s: %s can be done (status %x)", job_name(), who, allowed[i].name,
           (unsigned int)result);
    }
}

static int go_through_jobs(int as_root)
{
    static unsigned int const jobs[] = { JAIL_HANDSHAKE, JAIL_RELAY };
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pipe(pipe_ends) < 0) return 0;
        jobs_in_jail = jobs[i];
        go_through(as_root);
    }
    return 1;
}

static int in_child(int (*action)(void))
{
    int status;
    fflush(stdout);
    pid_t const pid = fork();
    if (!pid) _exit(action());
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* Who asks for root's part and is not root gets a reason, not half a jail. */
static int refused(void)
{
    char const *what = NULL;
    struct jail const jail = { .jobs = EVERY_JOB, .is_root = 1, .uid = NOBODY, .gid = NOBODY };
    if (!geteuid() && setresuid(NOBODY, NOBODY, NOBODY) < 0) return 1;
    return jail_enter(&jail, &what) == -1 && what && errno == EPERM ? 0 : 2;
}

/* The process that we were told to die with is gone, or never was our parent. */
static int orphaned(void)
{
    char const *what = NULL;
    struct jail const jail = { .jobs = EVERY_JOB, .parent = getpid() };
    return jail_enter(&jail, &what) == -1 && what ? 0 : 1;
}

/* ---- calls that fail ---- */

#define ANY_ARGUMENT 6 /* there are as many */

static struct failure {
    unsigned char is_root;
    char const *name;
    unsigned int call, argument, value;
} const failures[] = {
    { 0, "PR_SET_DUMPABLE", SYS_prctl, 0, PR_SET_DUMPABLE },
    { 0, "PR_SET_PDEATHSIG", SYS_prctl, 0, PR_SET_PDEATHSIG },
    { 0, "PR_SET_NO_NEW_PRIVS", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS },
    { 0, "PR_SET_SECCOMP", SYS_prctl, 0, PR_SET_SECCOMP },
    { 0, "PR_CAP_AMBIENT", SYS_prctl, 0, PR_CAP_AMBIENT },
    { 0, "capset", SYS_capset, ANY_ARGUMENT, 0 },
    { 0, "capget", SYS_capget, ANY_ARGUMENT, 0 },
    { 0, "RLIMIT_CORE", SYS_prlimit64, 1, RLIMIT_CORE },
    { 0, "RLIMIT_NPROC", SYS_prlimit64, 1, RLIMIT_NPROC },
    { 0, "RLIMIT_FSIZE", SYS_prlimit64, 1, RLIMIT_FSIZE },
    { 0, "RLIMIT_CPU", SYS_prlimit64, 1, RLIMIT_CPU },
    { 0, "RLIMIT_NOFILE", SYS_prlimit64, 1, RLIMIT_NOFILE },
#ifndef __SANITIZE_ADDRESS__
    { 0, "RLIMIT_DATA", SYS_prlimit64, 1, RLIMIT_DATA },
#endif
    { 1, "chroot", SYS_chroot, ANY_ARGUMENT, 0 },
    { 1, "setgroups", SYS_setgroups, ANY_ARGUMENT, 0 },
    { 1, "setresgid", SYS_setresgid, ANY_ARGUMENT, 0 },
    { 1, "setresuid", SYS_setresuid, ANY_ARGUMENT, 0 },
    { 1, "getresuid", SYS_getresuid, ANY_ARGUMENT, 0 },
};

static struct failure const *failing;

/* From now on that call gives ENOMEM. */
static int fail_call(struct failure const *failure)
{
    unsigned int const offset = (unsigned int)(failure->argument == ANY_ARGUMENT
                                                   ? offsetof(struct seccomp_data, nr)
                                                   : offsetof(struct seccomp_data, args[failure->argument]));
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, failure->call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, failure->argument == ANY_ARGUMENT ? failure->call : failure->value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog const program = { sizeof steps / sizeof *steps, steps };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

static int fails(void)
{
    int const kept[] = { STDOUT_FILENO };
    struct jail const jail = strict_jail(kept, 1, failing->is_root);
    char const *what = NULL;
    if (fail_call(failing)) return 1;
    if (jail_enter(&jail, &what) == 0) return 2;
    return what && errno == ENOMEM ? 0 : 3;
}

static void go_through_failures(void)
{
    for (failing = failures; failing < failures + sizeof failures / sizeof *failures; failing++) {
        if (failing->is_root && geteuid()) continue;
        int const status = in_child(&fails);
        ok(!status, "there is no jail without %s (status %x)", failing->name, (unsigned int)status);
    }
}

/* Who is not root is told of root's part, and can have the rest. */
static int surveyed(void)
{
    int error[JAIL_WALLS];
    struct jail jail = { .jobs = EVERY_JOB, .is_root = 1, .uid = NOBODY, .gid = NOBODY };
    char const *what;
    if (!geteuid() && setresuid(NOBODY, NOBODY, NOBODY) < 0) return 1;
    jail.without = jail_survey(&jail, error);
    if (jail.without != (1u << JAIL_ROOT | 1u << JAIL_ACCOUNT)) return 2;
    if (error[JAIL_ROOT] != EPERM || error[JAIL_ACCOUNT] != EPERM || error[JAIL_FILTER]) return 3;
    if (waitpid(-1, NULL, 0) != -1 || errno != ECHILD) return 4;
    return jail_enter(&jail, &what) < 0 ? 5 : 0;
}

int main(void)
{
    tcp = socket(AF_INET, SOCK_STREAM, 0);
    ok(!in_child(&refused), "root's part is refused to others");
    ok(!in_child(&surveyed), "what cannot be had is found out before, and left out");
    ok(!in_child(&orphaned), "a parent that is another ends it");
    go_through_failures();
    if (!go_through_jobs(0)) return 1;
    if (geteuid() != 0)
        skip("root's part needs root");
    else if (!go_through_jobs(1))
        return 1;
    return done_testing();
}
