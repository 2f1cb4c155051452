/* ISC license. */

/*
 * The service's process is started at the first request: a prog that asks for
 * nothing has no other process beside it. When the service ends, its clients see
 * the end of their channels, and the next to connect starts another.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "init/init.h"
#include "service/broker.h"

static struct broker_options *service;

static struct {
    pid_t pid;  /* 0: none */
    int report; /* -1: at its end */
    int is_ready;
    char reason[256];
} process = { .report = -1 };

/* ---- whether it can start ---- */

void service_try(struct broker_options *options)
{
    pid_t const parent = getpid();
    int status;
    service = options;
    pid_t const pid = fork();
    if (pid < 0) strerr_diefsys(EXIT_SYSTEM, "starting the socket service: fork");
    if (!pid) service_rehearse(service, parent);
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

static void fail_start(char const *why)
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
static void start_service(void)
{
    pid_t const parent = getpid();
    int report[2];
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        fail_start(strerror(errno));
        return;
    }
    process.pid = fork();
    if (!process.pid) service_run(service, parent, report[1]);
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
    fail_start(strerror(error));
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
    if (len > 0 && *text == SERVICE_READY)
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
        fail_start(*process.reason ? process.reason : how);
    return 1;
}

/* ---- waiting ---- */

static void add_descriptor(struct pollfd *p, size_t *count, int fd)
{
    if (fd >= 0) p[(*count)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

size_t service_poll(struct pollfd p[SERVICE_POLL_MAX])
{
    size_t count = 0;
    if (process.pid) {
        add_descriptor(p, &count, process.report);
        return count;
    }
    add_descriptor(p, &count, service->inherited);
    add_descriptor(p, &count, service->listener);
    add_descriptor(p, &count, service->heirs);
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
            start_service();
    }
}
