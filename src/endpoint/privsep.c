/* ISC license. */

/*
 * The handshake in a process of its own. It reads keys and certificates with
 * root's rights, goes to jail, and only then listens to the peer. Through a socket
 * it may ask for the files of one server name, and says the result: the session,
 * or why there is none. This process reads nothing else, and holds no private
 * key. Where there are tickets to be taken afterwards another such process does
 * that.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "endpoint/privsep.h"
#include "endpoint/places.h"
#include "jail/jail.h"

#define CPU_SECONDS 20
#define MEMORY (256u << 20) /* with the credentials of very many names */
#define GRACE_MS 2000 /* for an alert to arrive, and to end */
#define DRAIN_MS 60000 /* it has limits of its own */

_Static_assert(sizeof(struct files_request) != sizeof(struct account), "a packet is known by its size");

static int is_peer_gone(int error)
{
    static int const errors[] = { ECONNRESET, EPIPE, ETIMEDOUT, ECONNABORTED, EHOSTUNREACH,
                                  ENETUNREACH, ENOTCONN };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (error == errors[i]) return 1;
    return 0;
}

int chain_explain(struct tls_error const *error, struct chain_credentials const *credentials, char *text,
                  size_t max)
{
    char detail[240];

    if (credentials->reason) {
        snprintf(text, max, "%s: %s", credentials->culprit, credentials->reason);
        return EXIT_CREDENTIAL;
    }
    tls_error_text(error, detail, sizeof detail);
    snprintf(text, max, "TLS handshake: %s", detail);
    return error->kind == TLS_ERROR_SYSTEM && !is_peer_gone(error->number) ? EXIT_SYSTEM : EXIT_TLS;
}

/* Plaintext from a peer that has asked for TLS may be an injection. */
int chain_is_worth_a_line(struct chain_options const *options, struct tls_error const *error)
{
    if (!error->no_hello || options->verbosity >= 2) return 1;
    return options->is_upgrade && error->kind == TLS_ERROR_SENT;
}

struct apart {
    struct chain_input const *input;
    struct chain_connection const *connection;
    int64_t deadline; /* of the handshake */
    pid_t parent, child;
    int fd; /* our end of the socket */
    unsigned char is_jailed;
};

/* ---- the process in jail ---- */

/* Its first byte. Before that it says on stderr what goes wrong, then nowhere but here. */
static void tell_of_jail(struct apart const *apart)
{
    if (write(apart->fd, "", 1) != 1) strerr_diefsys(EXIT_SYSTEM, "process of the handshake");
}

static void tell(struct apart const *apart, struct account *account)
{
    ssize_t const written = write(apart->fd, account, sizeof *account);
    crypto_wipe(account, sizeof *account);
    if (written != sizeof *account) _exit(EXIT_SYSTEM);
}

static _Noreturn void tell_failure(struct apart const *apart, int code, char const *text)
{
    struct account account;
    account_of_failure(&account, code, text);
    tell(apart, &account);
    _exit(code);
}

/* spare: -1, or descriptors in whose place others may come. */
static void go_to_jail(struct apart const *apart, int const spare[2])
{
    struct chain_input const *input = apart->input;
    int const kept[] = { apart->fd, apart->connection->fdr, apart->connection->fdw, spare[0], spare[1] };
    struct jail const jail = { .jobs = JAIL_HANDSHAKE,
                               .kept = kept,
                               .kept_count = sizeof kept / sizeof *kept,
                               .cpu_seconds = CPU_SECONDS,
                               .memory = MEMORY,
                               .parent = apart->parent,
                               .is_root = 1,
                               .uid = input->uid,
                               .gid = input->gid ? input->gid : getgid() };
    char const *what = NULL;
    char text[MAX_ACCOUNT_TEXT];
    tell_of_jail(apart);
    if (jail_enter(&jail, &what) == 0) return;
    snprintf(text, sizeof text, "jail for the handshake: %s: %s", what, strerror(errno));
    tell_failure(apart, EXIT_ENGINE, text);
}

static _Noreturn void tell_error(struct apart const *apart, struct chain_options const *options,
                                 struct tls_error const *error, struct chain_credentials const *credentials,
                                 struct tls_fd_transport const *fds)
{
    struct account account;
    char text[MAX_ACCOUNT_TEXT];
    int const code = chain_explain(error, credentials, text, sizeof text);
    account_of_failure(&account, code, text);
    account.is_silent = !chain_is_worth_a_line(options, error);
    tell(apart, &account);
    if (error->kind == TLS_ERROR_SENT) tls_transport_linger(fds);
    _exit(code);
}

/* In jail a process has no more descriptors than it brings. */
static void ask_for_files(struct apart const *apart, struct chain_credentials *credentials)
{
    credentials->files_fd = apart->fd;
    for (size_t i = 0; i < 2; i++) {
        credentials->spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (credentials->spare[i] < 0) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
    }
}

static _Noreturn void shake_hands(struct apart const *apart, struct chain_task const *task)
{
    struct chain_credentials credentials;
    struct tls_session session;
    struct account account;
    struct tls_error error = { .kind = TLS_ERROR_NONE };
    struct tls_fd_transport fds = { apart->connection->fdr, apart->connection->fdw, apart->deadline };
    struct tls_transport const transport = tls_transport_on_fds(&fds);

    chain_load_credentials(&credentials, task->config, task->program, task->options, task->input);
    if (task->config->choose.function) ask_for_files(apart, &credentials);
    go_to_jail(apart, credentials.spare);
    int const done = task->handshake(task->config, &transport, &session, &error);
    chain_free_credentials(&credentials);
    if (!done) tell_error(apart, task->options, &error, &credentials, &fds);
    account_of_session(&account, &session);
    crypto_wipe(&session, sizeof session);
    tell(apart, &account);
    _exit(0);
}

static _Noreturn void drain_tickets(struct apart const *apart, unsigned int rtt_ms)
{
    static int const no_spare[2] = { -1, -1 };
    char why[CHAIN_DRAIN_WHY], text[MAX_ACCOUNT_TEXT];
    go_to_jail(apart, no_spare);
    if (chain_drain_tickets(apart->connection, rtt_ms, why)) _exit(0);
    snprintf(text, sizeof text, "waiting for tickets: %s", why);
    tell_failure(apart, EXIT_TLS, text);
}

/* ---- who waits for it ---- */

/* Without a signal at its end: prog, which will be this process, must neither
   find one waiting nor lose the child to a SIGCHLD that is ignored. */
static pid_t fork_quietly(void)
{
    return (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
}

static void start(struct apart *apart)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) strerr_diefsys(EXIT_SYSTEM, "socketpair");
    apart->parent = getpid();
    apart->child = fork_quietly();
    if (apart->child < 0) strerr_diefsys(EXIT_SYSTEM, "process for the handshake");
    apart->fd = fds[!apart->child];
    close(fds[!!apart->child]);
}

/* Whatever it is doing. Gives its status. */
static int end(struct apart const *apart)
{
    int status;
    kill(apart->child, SIGKILL);
    while (waitpid(apart->child, &status, __WALL) < 0)
        if (errno != EINTR) strerr_diefsys(EXIT_SYSTEM, "process of the handshake");
    return status;
}

/* One packet; 0 at the end, or when time is out. */
static size_t receive(struct apart const *apart, int64_t deadline, void *buf, size_t len)
{
    struct tls_fd_transport socket = { .fdr = apart->fd, .deadline = deadline };
    struct tls_transport const transport = tls_transport_on_fds(&socket);
    ssize_t const got = transport.read(transport.ctx, buf, len);
    if (got < 0 && errno != ETIMEDOUT && errno != ECONNRESET) strerr_diefsys(EXIT_SYSTEM, "socket");
    return got < 0 ? 0 : (size_t)got;
}

static _Noreturn void die_untold(struct apart const *apart, int status)
{
    int const is_late = apart->deadline && tls_deadline_after(1) > apart->deadline;
    int const code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (code && !apart->is_jailed) _exit(code);
    if (code) strerr_dief(code, program_peer(), "the handshake's process failed without an account of it");
    if (WIFEXITED(status)) strerr_dief(EXIT_ENGINE, program_peer(), "the handshake's process gave no account of it");
    if (is_late) strerr_dief(EXIT_TLS, program_peer(), "TLS handshake: timed out");
    strerr_dief(EXIT_ENGINE, program_peer(), "the handshake's process was killed: ", strsignal(WTERMSIG(status)));
}

static _Noreturn void die_unsound(struct apart const *apart)
{
    end(apart);
    strerr_dief(EXIT_ENGINE, program_peer(), "the handshake's process gives an unsound account of it");
}

static _Noreturn void die_told(struct apart const *apart, struct account const *account)
{
    char byte;
    /* The jail is ours, whoever the peer is. */
    if (account->code == EXIT_ENGINE) strerr_warn(PROG, ": fatal: ", account->text);
    else if (!account->is_silent) program_complain(account->text);
    receive(apart, tls_deadline_after(GRACE_MS), &byte, 1); /* it closes the socket with its exit */
    end(apart);
    _exit(account->code);
}

/* Opens files for it until it gives its account. */
static size_t serve(struct apart const *apart, struct chain_task const *task, int64_t deadline,
                    struct account *account)
{
    struct chain_places places;
    struct files_server server = { .places = &places };
    struct files_request request;
    chain_find_places(&places, task->options, task->input);
    for (;;) {
        size_t const got = receive(apart, deadline, account, sizeof *account);
        if (got != sizeof request || !chain_chooses_by_hello(task->options, task->input)) return got;
        memcpy(&request, account, sizeof request);
        if (!apart_files_answer(&server, apart->fd, &request)) die_unsound(apart);
    }
}

/* Waits for the child's first byte. */
static int await_jail(struct apart *apart, int64_t deadline)
{
    char byte;
    apart->is_jailed = receive(apart, deadline, &byte, 1) == 1;
    return apart->is_jailed;
}

void chain_shake_hands_apart(struct chain_task const *task, struct tls_session *session)
{
    struct apart apart = { .input = task->input,
                           .connection = task->connection,
                           .deadline = task->connection->deadline };
    struct account account;
    start(&apart);
    if (!apart.child) shake_hands(&apart, task);

    int64_t const deadline = apart.deadline ? apart.deadline + GRACE_MS : 0;
    size_t const got = await_jail(&apart, deadline) ? serve(&apart, task, deadline, &account) : 0;
    if (got != sizeof account) die_untold(&apart, end(&apart));
    if (!account_is_sound(&account, task->config)) die_unsound(&apart);
    if (account.code) die_told(&apart, &account);
    account_give_session(&account, session);
    crypto_wipe(&account, sizeof account);
    end(&apart);
    close(apart.fd);
}

void chain_drain_apart(struct chain_input const *input, struct chain_connection const *connection,
                       unsigned int rtt_ms)
{
    struct apart apart = { .input = input, .connection = connection };
    struct account account;
    apart.deadline = tls_deadline_after(DRAIN_MS);
    start(&apart);
    if (!apart.child) drain_tickets(&apart, rtt_ms);

    int const is_jailed = await_jail(&apart, apart.deadline);
    size_t const got = is_jailed ? receive(&apart, apart.deadline, &account, sizeof account) : 0;
    if (got == sizeof account) {
        if (!account.code || !account_is_sound(&account, NULL)) die_unsound(&apart);
        die_told(&apart, &account);
    }
    int const status = end(&apart);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) die_untold(&apart, status);
    close(apart.fd);
}
