/* ISC license. */

/* witness report         tells what it was started with, then every signal that
                          comes, until "exit N" or the end of its input
   witness die            unblocks every signal and waits for one to end it
   witness orphans N      leaves N orphans, which all end at once, then reports
   witness last-orphans N stops its parent, leaves N orphans, which end, exits 5 */

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(char const *what)
{
    perror(what);
    exit(111);
}

/* The lines of /proc/self/status that begin so. */
static void tell_status(char const *name)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) die("/proc/self/status");
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, name, strlen(name))) printf(" %s=%.16s", name, line + strlen(name) + 2);
    fclose(status);
}

static void tell_descriptors(void)
{
    struct dirent const *entry;
    DIR *open_files = opendir("/proc/self/fd");
    if (!open_files) die("/proc/self/fd");
    printf(" fds=");
    while ((entry = readdir(open_files)))
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(open_files)) printf("%s,", entry->d_name);
    closedir(open_files);
}

static void tell_all(void)
{
    printf("pid=%d ppid=%d pgrp=%d foreground=%d", (int)getpid(), (int)getppid(), (int)getpgrp(),
           (int)tcgetpgrp(0));
    tell_status("SigBlk");
    tell_status("SigIgn");
    tell_descriptors();
    printf(" ready\n");
    fflush(stdout);
}

static void tell_signals(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) > 0)
        if (info.ssi_signo != SIGCHLD) printf("signal %d\n", (int)info.ssi_signo);
    fflush(stdout);
}

static void obey(void)
{
    char line[64] = "";
    ssize_t const len = read(0, line, sizeof line - 1);
    if (len <= 0) exit(len ? 1 : 0);
    if (!strncmp(line, "exit ", 5)) exit(atoi(line + 5));
    printf("read %s", line);
    fflush(stdout);
}

static void report(void)
{
    sigset_t all;
    tell_all();
    memset(&all, 0xff, sizeof all); /* musl's sigfillset leaves SIGRTMIN out */
    sigprocmask(SIG_BLOCK, &all, NULL);
    struct pollfd p[2] = { { .fd = signalfd(-1, &all, SFD_NONBLOCK), .events = POLLIN },
                           { .fd = 0, .events = POLLIN } };
    if (p[0].fd < 0) die("signalfd");
    printf("watching\n");
    fflush(stdout);
    for (;;) {
        if (poll(p, 2, -1) < 0) die("poll");
        if (p[0].revents) tell_signals(p[0].fd);
        if (p[1].revents) obey();
    }
}

static void wait_for_end(int const *pipe)
{
    char byte;
    close(pipe[1]);
    _exit(read(pipe[0], &byte, 1) != 0);
}

static void leave_orphans(int count)
{
    int ends[2];
    if (pipe(ends) < 0) die("pipe");
    while (count--) {
        pid_t const pid = fork();
        if (pid < 0) die("fork");
        if (!pid) {
            pid_t const orphan = fork();
            if (orphan < 0) die("fork");
            if (!orphan) wait_for_end(ends);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    close(ends[1]);
    close(ends[0]);
}

int main(int argc, char **argv)
{
    char const *role = argc > 1 ? argv[1] : "";
    int const number = argc > 2 ? atoi(argv[2]) : 0;
    if (!strcmp(role, "report")) {
        report();
    } else if (!strcmp(role, "die")) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (;;) pause();
    } else if (!strcmp(role, "orphans")) {
        leave_orphans(number);
        report();
    } else if (!strcmp(role, "last-orphans")) {
        kill(getppid(), SIGSTOP);
        leave_orphans(number);
        return 5;
    }
    return 100;
}
