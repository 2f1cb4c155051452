/* ISC license. */

/*
 * The table of system calls that a handshake and a relay need, and its translation
 * to a filter program (Documentation/userspace-api/seccomp_filter.rst).
 *
 * No allowed call creates a descriptor, a process or an executable mapping, or
 * affects another process; the open descriptors were chosen before.
 */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "jail/internal.h"

#if defined __x86_64__ && defined __LP64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define OTHER_ABI 0x40000000u /* x32: the same architecture, numbers from here */
#elif defined __aarch64__ && defined __LP64__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the system call filter knows x86-64 and aarch64 only: add this architecture here and test it"
#endif

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

/* A condition on the low half of an argument: the kernel ignores the upper half of
   arguments that are int. */
struct condition {
    enum { ANYTHING, IS, HAS, LACKS } kind;
    unsigned int argument;
    unsigned int value; /* of bits where the condition is HAS or LACKS */
};

struct rule {
    unsigned int jobs; /* set of enum jail_job that need it */
    unsigned int call;
    struct condition condition[2];
};

#define HANDSHAKE JAIL_HANDSHAKE
#define RELAY JAIL_RELAY
#define BOTH (HANDSHAKE | RELAY)
/* AddressSanitizer allocates memory at any time. */
#define ALLOCATION (HAS_SHADOW_MEMORY ? BOTH : HANDSHAKE)

#define OPTION(jobs, call, level, name) { jobs, call, { { IS, 1, level }, { IS, 2, name } } }
#define NO_CODE { LACKS, 2, PROT_EXEC }

/* A call may have several rows with different conditions. Frequent calls come first. */
static struct rule const rules[] = {
    { BOTH, .call = SYS_read },
    { BOTH, .call = SYS_sendto },
    { BOTH, .call = SYS_ppoll },
#ifdef SYS_poll
    { BOTH, .call = SYS_poll },
#endif
    { BOTH, .call = SYS_recvfrom },
    { BOTH, .call = SYS_clock_gettime },
    { BOTH, .call = SYS_write },
    { RELAY, .call = SYS_splice },
    { RELAY, SYS_ioctl, { { IS, 1, FIONREAD } } },
    { RELAY, SYS_ioctl, { { IS, 1, SIOCOUTQ } } },
    { BOTH, .call = SYS_writev },
    { HANDSHAKE, .call = SYS_readv },
    { BOTH, .call = SYS_recvmsg },
    { BOTH, .call = SYS_sendmsg },
    { BOTH, .call = SYS_shutdown },
    { BOTH, .call = SYS_close },
    { HANDSHAKE, .call = SYS_getrandom },
#ifdef SYS_time
    { HANDSHAKE, .call = SYS_time },
#endif
    { HANDSHAKE, .call = SYS_gettimeofday },

    OPTION(HANDSHAKE, SYS_setsockopt, IPPROTO_TCP, TCP_NODELAY),
    OPTION(HANDSHAKE, SYS_setsockopt, IPPROTO_TCP, TCP_QUICKACK),
    OPTION(HANDSHAKE, SYS_setsockopt, IPPROTO_TCP, TCP_ULP),
    OPTION(RELAY, SYS_setsockopt, SOL_SOCKET, SO_RCVLOWAT),
    { BOTH, SYS_setsockopt, { { IS, 1, SOL_TLS } } },
    OPTION(HANDSHAKE, SYS_getsockopt, IPPROTO_TCP, TCP_NODELAY),
    OPTION(BOTH, SYS_getsockopt, IPPROTO_TCP, TCP_INFO),
    OPTION(HANDSHAKE, SYS_getsockopt, IPPROTO_TCP, TCP_ULP),
    { BOTH, SYS_getsockopt, { { IS, 1, SOL_TLS } } },
    OPTION(BOTH, SYS_getsockopt, SOL_SOCKET, SO_ERROR),

    { ALLOCATION, SYS_mmap, { NO_CODE, { HAS, 3, MAP_ANONYMOUS } } },
    { ALLOCATION, SYS_mprotect, { NO_CODE } },
    { ALLOCATION, .call = SYS_munmap },
    { ALLOCATION, .call = SYS_mremap },
    { BOTH, .call = SYS_madvise },
    { ALLOCATION, .call = SYS_brk },

    { BOTH, .call = SYS_exit_group },
    { BOTH, .call = SYS_exit },
    { BOTH, .call = SYS_rt_sigreturn },
    { BOTH, .call = SYS_restart_syscall }, /* a poll that was interrupted by SIGSTOP */
#if HAS_SHADOW_MEMORY
    { BOTH, .call = SYS_sigaltstack },
#endif
};

#define RULES (sizeof rules / sizeof *rules)
#define MAX_STEPS (9 + 8 * RULES)

struct program {
    unsigned short count;
    struct sock_filter step[MAX_STEPS];
};

static void add_instruction(struct program *program, unsigned int code, unsigned int value, unsigned int when_true,
                unsigned int when_false)
{
    program->step[program->count++] = (struct sock_filter){ .code = (unsigned short)code,
                                                            .jt = (unsigned char)when_true,
                                                            .jf = (unsigned char)when_false,
                                                            .k = value };
}

static void add_load(struct program *program, size_t offset)
{
    add_instruction(program, BPF_LD | BPF_W | BPF_ABS, (unsigned int)offset, 0, 0);
}

static void add_return(struct program *program, unsigned int verdict)
{
    add_instruction(program, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Continues when the condition holds, else jumps over `skip` steps. */
static void add_condition(struct program *program, struct condition const *condition, unsigned int skip)
{
    add_load(program, offsetof(struct seccomp_data, args) + condition->argument * sizeof(__u64));
    if (condition->kind == IS)
        add_instruction(program, BPF_JMP | BPF_JEQ | BPF_K, condition->value, 0, skip);
    else if (condition->kind == HAS)
        add_instruction(program, BPF_JMP | BPF_JSET | BPF_K, condition->value, 0, skip);
    else
        add_instruction(program, BPF_JMP | BPF_JSET | BPF_K, condition->value, skip, 0);
}

static int has_condition(struct rule const *rule)
{
    return rule->condition[0].kind != ANYTHING;
}

/* Adds the calls without a condition: one step each, with a common return after them. */
static void add_free_calls(struct program *program, unsigned int jobs)
{
    unsigned int left = 0;
    for (size_t i = 0; i < RULES; i++) left += rules[i].jobs & jobs && !has_condition(rules + i);
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].jobs & jobs && !has_condition(rules + i))
            add_instruction(program, BPF_JMP | BPF_JEQ | BPF_K, rules[i].call, left--, 0);
    add_instruction(program, BPF_JMP | BPF_JA, 1, 0, 0);
    add_return(program, SECCOMP_RET_ALLOW);
}

/* Allows the call, or continues with the next rule after loading the call's number again. */
static void add_rule(struct program *program, struct rule const *rule)
{
    unsigned int left = 1;
    while (left < 2 && rule->condition[left].kind != ANYTHING) left++;
    add_instruction(program, BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0, 2 * left + 2);
    for (size_t i = 0; left; i++) add_condition(program, rule->condition + i, 2 * --left + 1);
    add_return(program, SECCOMP_RET_ALLOW);
    add_load(program, offsetof(struct seccomp_data, nr));
}

static void add_architecture(struct program *program)
{
    add_load(program, offsetof(struct seccomp_data, arch));
    add_instruction(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    add_return(program, SECCOMP_RET_KILL_PROCESS);
    add_load(program, offsetof(struct seccomp_data, nr));
#ifdef OTHER_ABI
    add_instruction(program, BPF_JMP | BPF_JGE | BPF_K, OTHER_ABI, 0, 1);
    add_return(program, SECCOMP_RET_KILL_PROCESS);
#endif
}

int jail_filter_calls(unsigned int jobs)
{
    struct program program = { .count = 0 };
    add_architecture(&program);
    add_free_calls(&program, jobs);
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].jobs & jobs && has_condition(rules + i)) add_rule(&program, rules + i);
    add_return(&program, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog const code = { .len = program.count, .filter = program.step };
    return prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &code, 0L, 0L);
}
