/* ISC license. */

#include "init/service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "init/broker.h"
#include "init/init.h"
#include "jail/jail.h"

#define NOBODY 65534
#define BACKLOG 128

static pid_t service_pid;
static int client_end = -1;

/* ---- who the workers are ---- */

static unsigned int scan_variable(char const *name, unsigned int otherwise)
{
    char const *text = getenv(name);
    unsigned int number = otherwise;
    if (text && !uint0_scan(text, &number)) strerr_dief(EXIT_USAGE, name, ": not a number: ", text);
    return number;
}

static int can_become(uid_t uid, gid_t gid)
{
    int status;
    pid_t const pid = fork();
    if (!pid) _exit(setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0);
    return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* In a user namespace there may be nobody but root. */
static void choose_account(struct master_options *workers)
{
    if (geteuid()) return;
    workers->uid = scan_variable("TLS_UID", NOBODY);
    workers->gid = scan_variable("TLS_GID", workers->uid);
    workers->is_root = can_become(workers->uid, workers->gid) != 0;
    if (!workers->is_root && getenv("TLS_UID")) strerr_diefsys(EXIT_SYSTEM, "TLS_UID");
}

static void open_key_dir(struct master_options *workers, char const *path)
{
    workers->key_dir = -1;
    workers->key_dir_name = path;
    if (!path) return;
    workers->key_dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (workers->key_dir < 0) strerr_diefsys(EXIT_CREDENTIAL, path);
}

/* ---- the socket for others ---- */

static void take_uids(struct broker_options *options, char const *list)
{
    while (list && *list) {
        size_t const len = uint_scan(list, options->uid + options->uid_count);
        int const is_item = len && (!list[len] || (list[len] == ',' && list[len + 1]));
        if (!is_item || ++options->uid_count == BROKER_MAX_UIDS)
            strerr_dief(EXIT_USAGE, "--uids is a list of up to 31 numbers with commas, not ", list);
        list += len + (list[len] == ',');
    }
}

/* Who may connect is looked at then; the mode keeps others out already where
   there are none to let in. Once the path is there somebody listens. */
static int listen_on_path(char const *path, int has_uids)
{
    char fresh[IPCPATH_MAX + 1];
    if (!path) return -1;
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        strerr_dief(EXIT_USAGE, "--listen: the path is too long: ", path);
    int const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || packet_ask_sender(fd) < 0 || ipc_bind_reuse(fd, fresh) < 0 || chmod(fresh, has_uids ? 0666 : 0600) < 0
        || listen(fd, BACKLOG) < 0 || rename(fresh, path) < 0)
        strerr_diefsys(EXIT_SYSTEM, path);
    return fd;
}

/* ---- the process ---- */

static void put_in_environment(int fd)
{
    char text[INT_FMT];
    text[int_fmt(text, fd)] = 0;
    if (setenv("KTLS_FD", text, 1) < 0 || setenv("TINIKTLS_FD", text, 1) < 0)
        strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

/* Whoever waits for the end of prog's output does not wait for connections. */
static void close_others(struct broker_options const *options)
{
    int kept[7 + ACTIVATION_MAX] = { 0, 1, 2 };
    size_t const count = 7 + activation_list(kept + 7);
    kept[3] = options->inherited;
    kept[4] = options->listener;
    kept[5] = options->workers.key_dir;
    kept[6] = options->workers.empty_root;
    int const null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; fd++)
        if (null < 0 || dup2(null, fd) < 0) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
    jail_close_others(kept, count, 0);
}

/* Signals stay blocked, as they are in the first process: to a process group, a
   terminal's or to all, they are meant for prog. What a worker that is killed leaves
   behind is ours to reap, and no orphan of prog's. */
static void settle(pid_t parent)
{
    signal(SIGCHLD, SIG_IGN); /* workers and masters are not waited for */
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
    setsid();
    prctl(PR_SET_NAME, "ktls-service");
    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
    if (getppid() != parent) _exit(0);
}

static void make_pair(int pair[2])
{
    if (packet_pair(pair) < 0 || packet_ask_sender(pair[0]) < 0) strerr_diefsys(EXIT_SYSTEM, "socketpair");
}

/* What is ours is none of these, which the service has other uses for. To prog
   they are as closed as they were. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
            strerr_diefsys(EXIT_SYSTEM, "/dev/null");
}

void service_start(struct service_options const *service)
{
    struct broker_options options = { .max = service->max };
    pid_t const parent = getpid();
    int pair[2];
    fill_standard_descriptors();
    take_uids(&options, service->uids);
    choose_account(&options.workers);
    protection_survey(&options.workers);
    open_key_dir(&options.workers, service->key_dir);
    options.listener = listen_on_path(service->path, options.uid_count != 0);
    activation_take();
    make_pair(pair);
    options.inherited = pair[0];
    service_pid = fork();
    if (service_pid < 0) strerr_diefsys(EXIT_SYSTEM, "fork");
    if (!service_pid) {
        settle(parent);
        close_others(&options);
        broker_run(&options);
    }
    close(pair[0]);
    if (options.listener >= 0) close(options.listener);
    if (options.workers.key_dir >= 0) close(options.workers.key_dir);
    if (options.workers.empty_root >= 0) close(options.workers.empty_root);
    activation_forget();
    client_end = pair[1];
    uncoe(client_end);
    put_in_environment(client_end);
}

void service_forget_client(void)
{
    if (client_end >= 0) close(client_end);
    client_end = -1;
}

int service_reaped(pid_t pid)
{
    if (!service_pid || pid != service_pid) return 0;
    service_pid = 0;
    init_say(INIT_WARNING, "the socket service has ended");
    return 1;
}
