/* ISC license. */

/*
 * The files that a URL names: opened with the client's rights, or, when there
 * is a folder for them (-C), with ours and only below that.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>

#include "worker/ask.h"
#include "worker/worker.h"

/* A name under which x509 can open it. */
struct name {
    char text[64];
};

static int has_key_dir(struct worker const *worker)
{
    return worker->options->key_dir >= 0;
}

/* Those below the folder may be called by their whole name too. */
static char const *relative(struct worker const *worker, char const *path)
{
    char const *dir = worker->options->key_dir_name;
    size_t const len = strlen(dir);
    return !strncmp(path, dir, len) && path[len] == '/' ? path + len + 1 : path;
}

/* The open descriptor stays: the worker is short-lived or closes it in the jail. */
static char const *open_beneath(struct worker const *worker, struct name *name, char const *path)
{
    struct open_how const how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                                  .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    struct stat st;
    long const fd = syscall(SYS_openat2, worker->options->key_dir, relative(worker, path), &how, sizeof how);
    if (fd < 0 && errno == EXDEV) worker_refuse(worker, path, "not below the folder for keys");
    if (fd < 0) worker_refuse_system(worker, path);
    if (fstat((int)fd, &st) < 0 || !S_ISREG(st.st_mode)) worker_refuse(worker, path, "not a regular file");
    snprintf(name->text, sizeof name->text, "/proc/self/fd/%ld", fd);
    return name->text;
}

static char const *find(struct worker const *worker, struct name *name, char const *path)
{
    return has_key_dir(worker) ? open_beneath(worker, name, path) : path;
}

static char const *explain(enum x509_error error)
{
    return x509_strerror(error);
}

/* ---- trust anchors ---- */

static int is_folder(char const *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void load_trust(struct worker *worker)
{
    struct name name;
    char const *ca = worker->url.parameters.ca, *culprit = NULL;
    char const *dir = ca ? NULL : getenv("CADIR"), *file = ca ? NULL : getenv("CAFILE");
    if (ca) {
        file = find(worker, &name, ca);
        if (!has_key_dir(worker) && is_folder(file)) dir = file;
    }
    enum x509_error const error = x509_trust_load(&worker->trust, dir, file, &culprit);
    if (error) worker_refuse(worker, ca ? ca : "trust anchors", explain(error));
    worker->config.trust = &worker->trust;
}

/* ---- certificate and key ---- */

static void load_credential(struct worker *worker, char const *cert, char const *key, char const *certfile,
                            char const *keyfile)
{
    char const *culprit = certfile;
    enum x509_error const error = x509_credential_load(&worker->credential, certfile, keyfile, &culprit);
    if (error) worker_refuse(worker, culprit == keyfile ? key : cert, explain(error));
    worker->config.credential[0] = &worker->credential;
    worker->has_credential = 1;
}

static void load_named(struct worker *worker)
{
    struct url_parameters const *p = &worker->url.parameters;
    struct name names[2];
    char const *certfile = find(worker, names, p->cert), *keyfile = find(worker, names + 1, p->key);
    load_credential(worker, p->cert, p->key, certfile, keyfile);
}

/* That whoever started us has named. */
static void load_default(struct worker *worker)
{
    char const *cert = getenv("CERTFILE"), *key = getenv("KEYFILE");
    if (cert && key)
        load_credential(worker, cert, key, cert, key);
    else if (!worker->url.parameters.ask_sni)
        worker_refuse(worker, "cert and key are missing", NULL);
}

static int wants_trust(struct worker const *worker)
{
    if (worker->is_client) return worker->url.parameters.verify != 0;
    return worker->config.client_auth != TLS_NO_CLIENT_CERT;
}

/* The system's bundle vouches for servers, not for who may be our client. */
static void check_trust(struct worker const *worker)
{
    if (!worker->is_client && !worker->url.parameters.ca && !getenv("CADIR") && !getenv("CAFILE"))
        worker_refuse(worker, "clientcert needs ca", NULL);
}

/* With the client's rights only what the client has named. */
void files_load(struct worker *worker)
{
    struct url_parameters const *p = &worker->url.parameters;
    int const trusts = wants_trust(worker), names = p->cert || (trusts && p->ca);
    if (trusts) check_trust(worker);
    if (trusts && !p->ca) load_trust(worker);
    if (!p->cert && !worker->is_client) load_default(worker);
    if (!names) return;
    if (!has_key_dir(worker)) rights_assume(worker);
    if (trusts && p->ca) load_trust(worker);
    if (p->cert) load_named(worker);
    if (!has_key_dir(worker)) rights_resume(worker);
}

/* ---- for a worker that asked, and cannot open files any more ---- */

static size_t read_file(struct worker const *worker, char *to, char const *path)
{
    struct name name;
    ssize_t const len = openreadnclose(find(worker, &name, path), to, ASK_MAX_FILE);
    if (len < 0) worker_refuse_system(worker, path);
    if (len == ASK_MAX_FILE) worker_refuse(worker, path, "too big");
    return (size_t)len;
}

void files_deposit(struct worker *worker)
{
    static struct ask_deposit deposit;
    struct url_parameters const *p = &worker->url.parameters;
    if (!has_key_dir(worker)) rights_assume(worker);
    deposit.cert_len = (uint32_t)read_file(worker, deposit.bytes, p->cert);
    deposit.key_len = (uint32_t)read_file(worker, deposit.bytes + deposit.cert_len, p->key);
    size_t const len = offsetof(struct ask_deposit, bytes) + deposit.cert_len + deposit.key_len;
    size_t const written = allwrite(worker->fd, (char const *)&deposit, len);
    crypto_wipe(&deposit, len);
    _exit(written != len);
}
