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
    int report; /* what it says before it serves */
} process;

/* ---- whether it can start ---- */

void supervisor_try(struct broker_options *options)
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

/* Their channel ends, and they may try again. */
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

/* The service alone keeps the other end of the socket that prog inherits, so that it
   is closed when the service ends. */
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
    if (process.pid > 0) {
        drop_inherited();
        return;
    }
    process.pid = 0;
    close(process.report);
    fail_start(strerror(error));
}

/* The line without the words that every message of ours begins with. */
static char const *find_reason(char *report)
{
    static char const prefix[] = "ktls-init: fatal: ";
    report[strcspn(report, "\n")] = 0;
    return strncmp(report, prefix, sizeof prefix - 1) ? report : report + sizeof prefix - 1;
}

int supervisor_reaped(pid_t pid, int status)
{
    char report[256] = "";
    if (!process.pid || pid != process.pid) return 0;
    ssize_t const len = read(process.report, report, sizeof report - 1);
    close(process.report);
    process.pid = 0;
    char const *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it has exited";
    if (*report == SERVICE_READY)
        init_say(INIT_WARNING, "the socket service has ended (%s); the next client starts it again", how);
    else
        fail_start(len > 0 ? find_reason(report) : how);
    return 1;
}

/* ---- waiting ---- */

static void add_descriptor(struct pollfd *p, size_t *count, int fd)
{
    if (fd >= 0) p[(*count)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

size_t supervisor_poll(struct pollfd p[SUPERVISOR_POLL_MAX])
{
    size_t count = 0;
    if (process.pid) return 0;
    add_descriptor(p, &count, service->inherited);
    add_descriptor(p, &count, service->listener);
    add_descriptor(p, &count, service->heirs);
    return count;
}

/* It is readable too when all its clients have closed their end. */
static int brings_request(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void supervisor_attend(struct pollfd const *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!p[i].revents) continue;
        if (p[i].fd == service->inherited && !brings_request(p[i].fd))
            drop_inherited();
        else if (!process.pid)
            start_service();
    }
}
