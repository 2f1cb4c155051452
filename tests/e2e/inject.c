/* ISC license. */

/*
 * inject REPORT DIR NUMBER ERRNO PROGRAM ARG...
 *
 * Runs PROGRAM and lets one system call fail: the NUMBERth of those that it and
 * its descendants make while they execute a file below DIR, by ERRNO; NUMBER 0
 * lets none fail. Writes to the file REPORT what happened, one fact a line:
 *
 *   failed CALL PROCESS    the system call's number, the process's name
 *   calls COUNT            all that were counted
 *   exit CODE | signal NUMBER    the end of PROGRAM itself
 *   prog CODE | prog-signal NUMBER    the same, when it has become another program
 *   killed NUMBER PROCESS  a process ended by a signal that is a fault
 *   spins                  more than MAX_CALLS system calls: all were killed
 *
 * It works within a system call filter, which would kill a process for the
 * invalid number that strace --inject puts in place of the call: here the call
 * becomes close(-1). close(2) and shutdown(2) are carried out, and their result is
 * replaced: Linux closes the descriptor whatever it reports. x86-64 only.
 */

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__

int main(void)
{
    fprintf(stderr, "inject: x86-64 only\n");
    return 100;
}

#else

#define MAX_PROCESSES 256
#define MAX_CALLS 50000

struct process {
    pid_t pid;             /* 0: this place is free */
    unsigned char inside;  /* a system call */
    unsigned char starts;  /* libc's own start is not over */
    unsigned char is_other; /* it executes a file that is not ours */
    unsigned char replace; /* the result of the call that it is in */
    unsigned long long argument;
    char name[32];
};

static struct process processes[MAX_PROCESSES];
static char const *directory;
static FILE *report;
static unsigned long calls, target;
static int error;

static struct process *process_of(pid_t pid)
{
    struct process *place = NULL;

    for (size_t i = 0; i < MAX_PROCESSES; i++) {
        if (processes[i].pid == pid) return &processes[i];
        if (!processes[i].pid && !place) place = &processes[i];
    }
    if (!place) exit(111);
    *place = (struct process){.pid = pid};
    return place;
}

static void read_name(struct process *process)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)process->pid);
    file = fopen(path, "r");
    if (!file) return;
    if (!fgets(process->name, sizeof process->name, file)) *process->name = 0;
    process->name[strcspn(process->name, "\n")] = 0;
    fclose(file);
}

static int is_ours(struct process const *process)
{
    char path[64], program[4096];

    snprintf(path, sizeof path, "/proc/%d/exe", (int)process->pid);
    ssize_t const len = readlink(path, program, sizeof program - 1);
    if (len < 0) return 0;
    program[len] = 0;
    return !strncmp(program, directory, strlen(directory));
}

/* What libc calls before main, static or not; a failure there is its own. */
static int is_start_of_libc(unsigned long long call)
{
    switch (call) {
    case SYS_brk: case SYS_arch_prctl: case SYS_set_tid_address: case SYS_set_robust_list: case SYS_rseq:
    case SYS_prlimit64: case SYS_readlink: case SYS_readlinkat: case SYS_mprotect: case SYS_mmap: case SYS_munmap:
    case SYS_access: case SYS_openat: case SYS_read: case SYS_pread64: case SYS_newfstatat: case SYS_fstat:
    case SYS_close: case SYS_getrandom: case SYS_execve: return 1;
    default: return 0;
    }
}

/* Those that cannot fail, or do not return. */
static int cannot_fail(unsigned long long call)
{
    switch (call) {
    case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_restart_syscall: case SYS_getpid:
    case SYS_getppid: case SYS_gettid: case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid:
    case SYS_umask: case SYS_arch_prctl: case SYS_set_tid_address: case SYS_set_robust_list: case SYS_rseq:
    case SYS_getpgrp: return 1;
    default: return 0;
    }
}

static void begin_call(struct process *process, struct user_regs_struct *regs)
{
    unsigned long long const call = regs->orig_rax;

    process->starts = process->starts && is_start_of_libc(call);
    if (process->starts || cannot_fail(call) || ++calls != target) return;
    read_name(process);
    fprintf(report, "failed %llu %s\n", call, process->name);
    process->replace = 1;
    process->argument = regs->rdi;
    if (call == SYS_close || call == SYS_shutdown) return;
    regs->orig_rax = SYS_close;
    regs->rdi = (unsigned long long)-1;
    ptrace(PTRACE_SETREGS, process->pid, 0, regs);
}

static void end_call(struct process *process, struct user_regs_struct *regs)
{
    if (!process->replace) return;
    process->replace = 0;
    regs->rax = (unsigned long long)-error;
    regs->rdi = process->argument;
    ptrace(PTRACE_SETREGS, process->pid, 0, regs);
}

static void note_call(struct process *process)
{
    struct user_regs_struct regs;

    if (ptrace(PTRACE_GETREGS, process->pid, 0, &regs) < 0) return;
    process->inside = !process->inside;
    if (process->inside) begin_call(process, &regs);
    else end_call(process, &regs);
    if (calls <= MAX_CALLS) return;
    fprintf(report, "spins\n");
    fclose(report);
    exit(1); /* PTRACE_O_EXITKILL */
}

static int is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGILL || signal == SIGFPE ||
           signal == SIGSYS || signal == SIGTRAP || signal == SIGXCPU || signal == SIGPIPE;
}

static void note_end(struct process *process, int status, int is_root)
{
    int const signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (is_root && signal) fprintf(report, "%s %d\n", process->is_other ? "prog-signal" : "signal", signal);
    if (is_root && !signal) fprintf(report, "%s %d\n", process->is_other ? "prog" : "exit", WEXITSTATUS(status));
    if (!is_root && is_fault(signal)) fprintf(report, "killed %d %s\n", signal, process->name);
    process->pid = 0;
}

/* What is not ours runs on without us. */
static int is_left_alone(struct process *process, int event)
{
    if (event != PTRACE_EVENT_EXEC) return 0;
    if (!is_ours(process)) {
        process->is_other = 1;
        ptrace(PTRACE_DETACH, process->pid, 0, 0);
        return 1;
    }
    process->starts = 1;
    read_name(process);
    return 0;
}

/* The signal to be delivered. */
static int signal_of(int status)
{
    int const signal = WSTOPSIG(status);

    return status >> 16 || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
}

static void go_on(struct process *process, int status)
{
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) note_call(process);
    else if (is_left_alone(process, status >> 16)) return;
    int const is_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    ptrace(PTRACE_SYSCALL, process->pid, 0, is_call ? 0 : signal_of(status));
}

static pid_t start(char **argv)
{
    pid_t const child = fork();
    int status;

    if (child < 0) exit(111);
    if (!child) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(argv[0], argv);
        _exit(111);
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
               PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
    process_of(child)->starts = 1;
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    return child;
}

/* The descriptors that PROGRAM was given, a connection's among them, are not ours. */
static void leave_descriptors(void)
{
    unsigned int const kept = (unsigned int)fileno(report);

    syscall(SYS_close_range, 0, 1, 0);
    if (kept > 3) syscall(SYS_close_range, 3, kept - 1, 0);
    syscall(SYS_close_range, kept + 1, ~0u, 0);
}

int main(int argc, char **argv)
{
    int status;

    if (argc < 6) return 100;
    report = fopen(argv[1], "we");
    if (!report) return 111;
    setlinebuf(report);
    directory = argv[2];
    target = strtoul(argv[3], NULL, 10);
    error = atoi(argv[4]);
    pid_t const root = start(argv + 5);
    leave_descriptors();
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid < 0) continue;
        struct process *process = process_of(pid);
        if (WIFSTOPPED(status)) go_on(process, status);
        else note_end(process, status, pid == root);
    }
    fprintf(report, "calls %lu\n", calls);
    return fclose(report) != 0;
}

#endif
