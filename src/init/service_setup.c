/* ISC license. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "init/init.h"
#include "process/process.h"
#include "service/broker.h"

#define NOBODY 65534
#define BACKLOG 128

/* ---- who the workers are ---- */

static int can_become(uid_t uid, gid_t gid)
{
    int status;
    pid_t const pid = fork();
    if (!pid) _exit(!process_become(uid, gid));
    return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* In a user namespace there may be nobody but root. */
static void choose_account(struct master_options *workers)
{
    struct program_error error;
    if (geteuid()) return;
    if (!program_read_ids(&workers->uid, &workers->gid, &error)) program_die(&error);
    if (!getenv("TLS_UID")) workers->uid = NOBODY;
    if (!getenv("TLS_GID")) workers->gid = workers->uid;
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

/* Users are checked when they connect; where no others are allowed, the mode keeps
   them out too. The socket listens before the path exists. */
static int listen_on_path(char const *path, int has_uids)
{
    char fresh[IPCPATH_MAX + 1];
    if (!path) return -1;
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        strerr_dief(EXIT_USAGE, "--listen: the path is too long: ", path);
    int const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t const mode = has_uids ? 0666 : 0600;
    if (fd < 0 || !ktls_packet_ask_sender(fd) || ipc_bind_reuse(fd, fresh) < 0 || chmod(fresh, mode) < 0
        || listen(fd, BACKLOG) < 0 || rename(fresh, path) < 0)
        strerr_diefsys(EXIT_SYSTEM, path);
    return fd;
}

/* ---- what prog is given ---- */

static int for_prog = -1, path_for_prog = -1; /* it inherits these two */

static void set_variable(char const *variable, char const *value)
{
    if (setenv(variable, value, 1) < 0) strerr_diefsys(EXIT_ENVIRONMENT, "environment");
}

static void give_channel(int fd)
{
    char text[INT_FMT];
    for_prog = fd;
    text[int_fmt(text, fd)] = 0;
    if (uncoe(fd) < 0) strerr_diefsys(EXIT_SYSTEM, "KTLS_FD");
    set_variable("KTLS_FD", text);
    set_variable("TINIKTLS_FD", text);
}

static void give_path(int fd, char const *otherwise)
{
    char text[32];
    path_for_prog = fd;
    unsetenv("KTLS_PATH");
    if (fd >= 0) {
        snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
        if (uncoe(fd) < 0) strerr_diefsys(EXIT_SYSTEM, "KTLS_PATH");
        set_variable("KTLS_PATH", text);
    } else if (otherwise) {
        set_variable("KTLS_PATH", otherwise);
    }
}

void service_forget_client(void)
{
    if (for_prog >= 0) close(for_prog);
    if (path_for_prog >= 0) close(path_for_prog);
    for_prog = path_for_prog = -1;
}

/* ---- all of it ---- */

static void make_pair(int pair[2])
{
    if (!ktls_packet_pair(pair) || !ktls_packet_ask_sender(pair[0])) strerr_diefsys(EXIT_SYSTEM, "socketpair");
}

void service_prepare(struct service_options const *service)
{
    static struct broker_options options = { .listener = -1 };
    char missing[400];
    int pair[2];
    options.max = service->max;
    if (!process_fill_standard_descriptors()) strerr_diefsys(EXIT_SYSTEM, "/dev/null");
    take_uids(&options, service->uids);
    choose_account(&options.workers);
    worker_jail_survey(&options.workers, missing, sizeof missing);
    if (*missing) init_say(INIT_INFO, "handshakes are protected by less: %s", missing);
    open_key_dir(&options.workers, service->key_dir);
    activation_take(&options.activation);
    make_pair(pair);
    options.inherited = pair[0];
    int const path = heirs_listen(&options.heirs);
    if (path < 0) init_say(INIT_INFO, "no folder for a socket: KTLS_PATH is not set");
    supervisor_try(&options);
    options.listener = listen_on_path(service->path, options.uid_count != 0);
    give_channel(pair[1]);
    give_path(path, service->path);
}
