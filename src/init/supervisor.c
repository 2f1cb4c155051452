/* ISC license. */

/*
 * The service's process: there is one from the first request on, so that a
 * prog that asks for nothing has no other processes beside it. When it ends, its
 * clients see the end of their channels, and the next to connect starts another.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "service/broker.h"
#include "init/init.h"
#include "process/process.h"

#define READY '+' /* in a report; anything else says why it could not start */

static struct broker_options *service;
static struct broker broker; /* in the service's process */

static struct {
    pid_t pid;  /* 0: none */
    int report; /* -1: at its end */
    int is_ready;
    char reason[256];
} process = { .report = -1 };

/* ---- in the service ---- */

static void keep_only_ours(void)
{
    int kept[8 + ACTIVATION_MAX] = { 0, 1, 2 };
    struct activation const *activation = &service->activation;
    kept[3] = service->inherited;
    kept[4] = service->listener;
    kept[5] = service->heirs;
    kept[6] = service->workers.key_dir;
    kept[7] = service->workers.empty_root;
    memcpy(kept + 8, activation->fd, activation->count * sizeof *activation->fd);
    process_close_others(kept, 8 + activation->count, 0);
}

static void put_null(int first, int last)
{
    int const null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = first; fd <= last; fd++)
        if (null < 0 || dup2(null, fd) < 0) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
    if (null > last) close(null);
}

/* Signals stay blocked, as they are in the first process: to a process group, a
   terminal's or to all, they are meant for prog. What a worker that is killed leaves
   behind is ours to reap, and no orphan of prog's. */
static void settle(pid_t parent)
{
    signal(SIGCHLD, SIG_IGN); /* workers and masters are not waited for */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1UL) < 0) strerr_diefsys(EXIT_SYSTEM, "PR_SET_CHILD_SUBREAPER");
    if (setsid() < 0) strerr_diefsys(EXIT_SYSTEM, "setsid");
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL) < 0) strerr_diefsys(EXIT_SYSTEM, "PR_SET_PDEATHSIG");
    prctl(PR_SET_NAME, "ktls-service");
    if (getppid() != parent) _exit(0);
}

/* Whoever waits for the end of prog's output does not wait for connections. */
static _Noreturn void serve(pid_t parent, int report)
{
    char const ready = READY;
    if (dup2(report, 2) < 0) _exit(EXIT_SYSTEM);
    settle(parent);
    put_null(0, 1);
    keep_only_ours();
    broker_start(&broker, service);
    if (write(2, &ready, 1) != 1) _exit(EXIT_SYSTEM);
    put_null(2, 2);
    for (;;) broker_turn(&broker, -1);
}

/* ---- whether it can start ---- */

void service_try(struct broker_options *options)
{
    pid_t const parent = getpid();
    int status;
    service = options;
    pid_t const pid = fork();
    if (pid < 0) strerr_diefsys(EXIT_SYSTEM, "starting the socket service: fork");
    if (!pid) {
        settle(parent);
        keep_only_ours();
        broker_start(&broker, service);
        broker_stop(&broker);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) strerr_diefsys(EXIT_SYSTEM, "starting the socket service: waitpid");
    if (WIFSIGNALED(status))
        strerr_dief(EXIT_SYSTEM, "starting the socket service: ended by signal: ", strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status)) _exit(WEXITSTATUS(status)); /* it has said why */
}

/* ---- clients without a service ---- */

static void drop_inherited(void)
{
    if (service->inherited >= 0) close(service->inherited);
    service->inherited = -1;
}

static void refuse_waiting(int listener)
{
    int fd;
    while (listener >= 0 && (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) close(fd);
}

/* They see the end, and may try again. */
static void refuse_clients(void)
{
    drop_inherited();
    refuse_waiting(service->listener);
    refuse_waiting(service->heirs);
}

static void fail(char const *why)
{
    init_say(INIT_WARNING, "the socket service cannot be started: %s", why);
    refuse_clients();
}

/* ---- its start and its end ---- */

static void end_report(void)
{
    if (process.report >= 0) close(process.report);
    process.report = -1;
}

/* The other end of what prog inherits is the service's alone: it ends with it. */
static void start(void)
{
    pid_t const parent = getpid();
    int report[2];
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        fail(strerror(errno));
        return;
    }
    process.pid = fork();
    if (!process.pid) serve(parent, report[1]);
    int const error = errno;
    close(report[1]);
    process.report = report[0];
    process.is_ready = process.reason[0] = 0;
    if (process.pid > 0) {
        drop_inherited();
        return;
    }
    process.pid = 0;
    end_report();
    fail(strerror(error));
}

/* Without the words that every message of ours begins with. */
static void keep_reason(char const *text, size_t len)
{
    static char const prefix[] = "ktls-init: fatal: ";
    int const has_prefix = len >= sizeof prefix - 1 && !memcmp(text, prefix, sizeof prefix - 1);
    size_t const skipped = has_prefix ? sizeof prefix - 1 : 0;
    char const *end = memchr(text, '\n', len);
    size_t const kept = (end ? (size_t)(end - text) : len) - skipped;
    memcpy(process.reason, text + skipped, kept);
    process.reason[kept] = 0;
}

/* 0: there is no more at present. */
static int read_report(void)
{
    char text[sizeof process.reason - 1];
    ssize_t const len = process.report < 0 ? -1 : read(process.report, text, sizeof text);
    if (len > 0 && *text == READY)
        process.is_ready = 1;
    else if (len > 0)
        keep_reason(text, (size_t)len);
    else if (!len)
        end_report();
    return len > 0;
}

int service_reaped(pid_t pid, int status)
{
    if (!process.pid || pid != process.pid) return 0;
    while (read_report()) continue;
    end_report();
    process.pid = 0;
    char const *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it has exited";
    if (process.is_ready)
        init_say(INIT_WARNING, "the socket service has ended (%s); the next client starts it again", how);
    else
        fail(*process.reason ? process.reason : how);
    return 1;
}

/* ---- waiting ---- */

static void add(struct pollfd *p, size_t *count, int fd)
{
    if (fd >= 0) p[(*count)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

size_t service_poll(struct pollfd p[SERVICE_POLL_MAX])
{
    size_t count = 0;
    if (process.pid) {
        add(p, &count, process.report);
        return count;
    }
    add(p, &count, service->inherited);
    add(p, &count, service->listener);
    add(p, &count, service->heirs);
    return count;
}

/* Or all that could send any have closed their end. */
static int brings_request(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void service_attend(struct pollfd const *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!p[i].revents) continue;
        if (p[i].fd == process.report)
            read_report();
        else if (p[i].fd == service->inherited && !brings_request(p[i].fd))
            drop_inherited();
        else if (!process.pid)
            start();
    }
}
