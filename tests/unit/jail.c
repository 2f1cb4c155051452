/* ISC license. */

/* What cannot be done in jail, and what can. */

#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "jail.h"
#include "tap.h"

static int pair[2]; /* Unix sockets */
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
FORBIDDEN(ask_for_peer, socklen_t len = 0; getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, NULL, &len))
FORBIDDEN(terminal, ioctl(pair[0], FIONREAD, NULL))
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

#define ROW(name) { #name, &name }
static struct row {
    char const *name;
    int (*action)(void);
} const forbidden[] = {
    ROW(open_file), ROW(openat_file), ROW(make_file), ROW(stat_file), ROW(new_socket), ROW(connect_socket),
    ROW(accept_socket), ROW(duplicate), ROW(new_pipe), ROW(execute), ROW(new_process), ROW(raw_clone),
    ROW(kill_parent), ROW(kill_anybody), ROW(trace), ROW(read_memory), ROW(map_code), ROW(map_file),
    ROW(protect_code), ROW(option_of_socket), ROW(option_of_ip), ROW(option_of_tcp), ROW(ask_for_peer),
    ROW(terminal), ROW(control_descriptor), ROW(control_process), ROW(become_root), ROW(new_root),
    ROW(new_namespace), ROW(raise_limit), ROW(ring), ROW(bpf),
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
    if (writev(pair[0], &iov, 1) != 1 || readv(pair[1], &iov, 1) != 1) return 4;
    return shutdown(pair[0], SHUT_WR) < 0 || close(pair[0]) < 0 ? 5 : 0;
}

static int waiting(void)
{
    struct pollfd p[2] = { { .fd = pair[0], .events = POLLIN }, { .fd = pair[1], .events = POLLIN } };
    return poll(p, 2, 1) ? 1 : 0;
}

static int clocks(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) < 0 || time(NULL) <= 0 ? 1 : 0;
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
    ROW(waiting), ROW(clocks), ROW(randomness), ROW(memory), ROW(options),
#ifndef __SANITIZE_ADDRESS__
    ROW(too_much_memory),
#endif
    ROW(sockets), /* it ends the connection for all */
};

static void go_through(int as_root)
{
    int const kept[] = { STDOUT_FILENO, pair[0], pair[1], tcp };
    char const *who = as_root ? "root" : "not root";
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        int const status = in_jail(forbidden[i].action, kept, 4, as_root);
        ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: %s kills (status %x)", who,
           forbidden[i].name, (unsigned int)status);
    }
#ifdef __x86_64__
    int const status = in_jail(&i386_call, kept, 4, as_root);
    ok(!WIFEXITED(status) || WEXITSTATUS(status) != LEFT, "%s: a call of i386 is none (status %x)", who,
       (unsigned int)status);
#endif
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        int const result = in_jail(allowed[i].action, kept, 4, as_root);
        ok(!result, "%s: %s can be done (status %x)", who, allowed[i].name, (unsigned int)result);
    }
}

/* Who asks for root's part and is not root gets a reason, not half a jail. */
static int refused(void)
{
    char const *what = NULL;
    struct jail const jail = { .is_root = 1, .uid = NOBODY, .gid = NOBODY };
    if (!geteuid() && setresuid(NOBODY, NOBODY, NOBODY) < 0) return 1;
    return jail_enter(&jail, &what) == -1 && what && errno == EPERM ? 0 : 2;
}

/* The process that we were told to die with is gone, or never was our parent. */
static int orphaned(void)
{
    char const *what = NULL;
    struct jail const jail = { .parent = getpid() };
    return jail_enter(&jail, &what) == -1 && what ? 0 : 1;
}

static int in_child(int (*action)(void))
{
    int status;
    fflush(stdout);
    pid_t const pid = fork();
    if (!pid) _exit(action());
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

int main(void)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return 1;
    tcp = socket(AF_INET, SOCK_STREAM, 0);
    ok(!in_child(&refused), "root's part is refused to others");
    ok(!in_child(&orphaned), "a parent that is another ends it");
    go_through(0);
    if (geteuid() != 0) {
        skip("root's part needs root");
        return done_testing();
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return 1;
    go_through(1);
    return done_testing();
}
