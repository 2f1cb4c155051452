/* ISC license. */

/*
 * refuse-calls ERRNO CALL,... prog...
 *
 * Executes prog under a filter that answers these system calls with that error
 * number, as the profile of a container may. "filter" is prctl(PR_SET_SECCOMP).
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_STEPS 64

static struct {
    char const *name;
    unsigned int number;
} const calls[] = {
    { "close_range", SYS_close_range }, { "chroot", SYS_chroot },       { "capset", SYS_capset },
    { "setgroups", SYS_setgroups },     { "setresuid", SYS_setresuid }, { "prlimit64", SYS_prlimit64 },
    { "openat2", SYS_openat2 },         { "getrandom", SYS_getrandom },
};

static struct sock_filter step[MAX_STEPS];
static unsigned short steps;

static void add(unsigned int code, unsigned int value, unsigned char when_false)
{
    if (steps == MAX_STEPS) exit(100);
    step[steps++] = (struct sock_filter){ .code = (unsigned short)code, .jf = when_false, .k = value };
}

static void refuse(unsigned int number, unsigned int error)
{
    add(BPF_JMP | BPF_JEQ | BPF_K, number, 1);
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0);
}

static void refuse_filters(unsigned int error)
{
    add(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 4);
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args), 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 1);
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0);
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0);
}

static void refuse_named(char const *name, unsigned int error)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(name, calls[i].name)) continue;
        refuse(calls[i].number, error);
        return;
    }
    if (strcmp(name, "filter")) {
        fprintf(stderr, "refuse-calls: unknown call %s\n", name);
        exit(100);
    }
    refuse_filters(error);
}

int main(int argc, char **argv)
{
    if (argc < 4) return 100;
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0);
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ","))
        refuse_named(name, (unsigned int)atoi(argv[1]));
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
    struct sock_fprog const program = { .len = steps, .filter = step };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("refuse-calls");
        return 111;
    }
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
