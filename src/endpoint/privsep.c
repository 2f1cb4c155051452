/* ISC license. */

/*
 * The handshake in a jailed process. It reads keys and certificates with root's
 * rights, goes to jail, and only then listens to the peer. Through a socket it may
 * ask for the files of one server name, and tells the result: the session, or why
 * it failed. This process reads nothing else, and holds no private key. Where
 * there are tickets to be taken afterwards another such process does that.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "endpoint/privsep.h"
#include "jail/jail.h"

#define CPU_SECONDS 20
#define MEMORY (256u << 20) /* with the credentials of very many names */
#define GRACE_MS 2000 /* for an alert to arrive, and to end */
#define DRAIN_MS 60000 /* it has limits of its own */

_Static_assert(sizeof(struct files_request) != sizeof(struct account), "a packet is known by its size");

struct privsep {
    struct endpoint_settings const *settings;
    struct endpoint_connection const *connection;
    int64_t deadline;
    pid_t parent;
    struct endpoint_child child; /* in the child: our end of the socket */
};

/* ---- the process in jail ---- */

static void send_account(struct privsep const *privsep, struct account *account)
{
    ssize_t const written = write(privsep->child.fd, account, sizeof *account);
    crypto_wipe(account, sizeof *account);
    if (written != sizeof *account) _exit(EXIT_SYSTEM);
}

static void send_failure(struct privsep const *privsep, struct program_error const *error)
{
    struct account account;
    account_of_failure(&account, error);
    send_account(privsep, &account);
}

/* spare: -1, or descriptors in whose place others may come. */
static int enter_handshake_jail(struct privsep const *privsep, int const spare[2], struct program_error *error)
{
    struct endpoint_settings const *settings = privsep->settings;
    struct endpoint_connection const *connection = privsep->connection;
    int const kept[] = { privsep->child.fd, connection->fdr, connection->fdw, spare[0], spare[1] };
    struct jail const jail = { .jobs = JAIL_HANDSHAKE,
                               .kept = kept,
                               .kept_count = sizeof kept / sizeof *kept,
                               .cpu_seconds = CPU_SECONDS,
                               .memory = MEMORY,
                               .parent = privsep->parent,
                               .is_root = 1,
                               .uid = settings->uid,
                               .gid = settings->gid ? settings->gid : getgid() };
    char const *what = NULL;
    if (jail_enter(&jail, &what) == 0) return 1;
    return program_fail(error, EXIT_ENGINE, "jail for the handshake: %s: %s", what, strerror(errno));
}

/* In jail a process has no more descriptors than it brings. */
static int prepare_for_files(struct privsep const *privsep, struct credentials *credentials,
                             struct program_error *error)
{
    credentials->files_fd = privsep->child.fd;
    for (size_t i = 0; i < 2; i++) {
        credentials->spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (credentials->spare[i] < 0) return program_fail_system(error, EXIT_SYSTEM, "/dev/null");
    }
    return 1;
}

static int enter_with_credentials(void *ctx, struct credentials *credentials, struct program_error *error)
{
    struct privsep const *privsep = ctx;
    int const by_hello = endpoint_chooses_by_hello(privsep->settings);
    if (by_hello && !prepare_for_files(privsep, credentials, error)) return 0;
    return enter_handshake_jail(privsep, credentials->spare, error);
}

static _Noreturn void shake_hands_in_jail(struct privsep *privsep, struct handshake_task const *task)
{
    struct tls_session session;
    struct account account;
    struct program_error error;
    if (!handshake_perform(task, &enter_with_credentials, privsep, &session, &error)) {
        send_failure(privsep, &error);
        handshake_linger(task->connection);
        _exit(error.code);
    }
    account_of_session(&account, &session);
    crypto_wipe(&session, sizeof session);
    send_account(privsep, &account);
    _exit(0);
}

static _Noreturn void drain_in_jail(struct privsep const *privsep, unsigned int rtt_ms)
{
    static int const no_spare[2] = { -1, -1 };
    struct program_error error;
    if (enter_handshake_jail(privsep, no_spare, &error) && endpoint_drain_tickets(privsep->connection, rtt_ms, &error))
        _exit(0);
    send_failure(privsep, &error);
    _exit(error.code);
}

/* ---- the process that waits for it ---- */

/* Without a signal at its end: prog, which will be this process, must neither
   find one waiting nor lose the child to a SIGCHLD that is ignored. */
static pid_t fork_quietly(void)
{
    return (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
}

static int start_child(struct privsep *privsep, struct program_error *error)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return program_fail_system(error, EXIT_SYSTEM, "socketpair");
    privsep->parent = getpid();
    pid_t const pid = fork_quietly();
    int const saved = errno;
    privsep->child = (struct endpoint_child){ pid, fds[!pid] };
    close(fds[!!pid]);
    if (pid >= 0) return 1;
    close(privsep->child.fd);
    errno = saved;
    return program_fail_system(error, EXIT_SYSTEM, "process for the handshake");
}

/* Whatever it is doing. Gives its status. */
static int end_child(struct endpoint_child *child)
{
    int status = 0;
    kill(child->pid, SIGKILL);
    waitpid_nointr(child->pid, &status, __WALL);
    close(child->fd);
    child->pid = 0;
    return status;
}

/* One packet; 0 at the end, or when time is out. */
static size_t receive_from_child(int fd, int64_t deadline, void *buf, size_t len)
{
    struct tls_fd_transport socket = { .fdr = fd, .deadline = deadline };
    struct tls_transport const transport = tls_transport_on_fds(&socket);
    ssize_t const got = transport.read(transport.ctx, buf, len);
    return got < 0 ? 0 : (size_t)got;
}

/* It closes the socket with its exit. */
void privsep_end_child(struct endpoint_child *child)
{
    char byte;
    receive_from_child(child->fd, tls_deadline_after(GRACE_MS), &byte, 1);
    end_child(child);
}

static int explain_silence(struct privsep const *privsep, int status, struct program_error *error)
{
    int const is_late = privsep->deadline && tls_deadline_after(1) > privsep->deadline;
    int const code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (code) program_fail(error, code, "the handshake's process failed without a reason");
    else if (WIFEXITED(status)) program_fail(error, EXIT_ENGINE, "the handshake's process sent no result");
    else if (is_late) program_fail(error, EXIT_TLS, "TLS handshake: timed out");
    else program_fail(error, EXIT_ENGINE, "the handshake's process was killed: %s", strsignal(WTERMSIG(status)));
    error->is_about_peer = 1;
    return 0;
}

static int fail_invalid(struct privsep *privsep, struct program_error *error)
{
    end_child(&privsep->child);
    program_fail(error, EXIT_ENGINE, "the handshake's process sent an invalid message");
    error->is_about_peer = 1;
    return 0;
}

/* Opens files for it until it tells its result. 0: it does not; why is in error. */
static int receive_account(struct privsep *privsep, struct handshake_task const *task, int64_t deadline,
                           struct account *account, struct program_error *error)
{
    struct places places;
    struct files_server server = { .places = &places };
    struct files_request request;
    int const fd = privsep->child.fd, by_hello = endpoint_chooses_by_hello(task->settings);
    places_init(&places, task->settings);
    for (;;) {
        size_t const got = receive_from_child(fd, deadline, account, sizeof *account);
        if (got == sizeof *account) break;
        if (got != sizeof request || !by_hello)
            return explain_silence(privsep, end_child(&privsep->child), error);
        memcpy(&request, account, sizeof request);
        if (!privsep_answer_files(&server, fd, &request)) return fail_invalid(privsep, error);
    }
    return account_is_sound(account, task->config) || fail_invalid(privsep, error);
}

int privsep_shake_hands(struct handshake_task const *task, struct tls_session *session, struct program_error *error)
{
    struct endpoint_connection *connection = task->connection;
    struct privsep privsep = { .settings = task->settings,
                               .connection = connection,
                               .deadline = connection->deadline };
    struct account account;
    if (!start_child(&privsep, error)) return 0;
    if (!privsep.child.pid) shake_hands_in_jail(&privsep, task);

    int64_t const deadline = privsep.deadline ? privsep.deadline + GRACE_MS : 0;
    if (!receive_account(&privsep, task, deadline, &account, error)) return 0;
    if (account.error.code) {
        *error = account.error;
        connection->child = privsep.child;
        return 0;
    }
    account_give_session(&account, session);
    crypto_wipe(&account, sizeof account);
    end_child(&privsep.child);
    return 1;
}

int privsep_drain(struct endpoint_settings const *settings, struct endpoint_connection const *connection,
                  unsigned int rtt_ms, struct program_error *error)
{
    struct privsep privsep = { .settings = settings, .connection = connection };
    struct account account;
    privsep.deadline = tls_deadline_after(DRAIN_MS);
    if (!start_child(&privsep, error)) return 0;
    if (!privsep.child.pid) drain_in_jail(&privsep, rtt_ms);

    if (receive_from_child(privsep.child.fd, privsep.deadline, &account, sizeof account) == sizeof account) {
        if (!account.error.code || !account_is_sound(&account, NULL)) return fail_invalid(&privsep, error);
        *error = account.error;
        end_child(&privsep.child);
        return 0;
    }
    int const status = end_child(&privsep.child);
    return (WIFEXITED(status) && !WEXITSTATUS(status)) || explain_silence(&privsep, status, error);
}
