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

static char const *find_file(struct worker const *worker, struct name *name, char const *path)
{
    return has_key_dir(worker) ? open_beneath(worker, name, path) : path;
}

static void require_valid(struct worker const *worker, enum x509_error error, char const *what)
{
    if (error) worker_refuse(worker, what, x509_strerror(error));
}

/* ---- whom we trust ---- */

/* A file or folder; text is what messages call it. */
struct trust_source {
    char const *text, *dir, *file;
};

static int is_folder(char const *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct trust_source find_source(struct worker const *worker, struct name *name, char const *path)
{
    struct trust_source source = { .text = path };
    if (path) source.file = find_file(worker, name, path);
    if (path && !has_key_dir(worker) && is_folder(path)) source.dir = path;
    return source;
}

/* Pins are enough where no anchors are named; only without pins does a client take
   the system's bundle. */
static void load_trust_sources(struct worker *worker, char const *pins, struct trust_source const *anchors)
{
    struct tls_config *config = &worker->config;
    char const *culprit = NULL;
    if (pins) {
        require_valid(worker, x509_pins_parse(&worker->pins, pins), pins);
        config->pins = &worker->pins;
    }
    if (!pins || anchors->dir || anchors->file) {
        enum x509_error const error = x509_trust_load(&worker->trust, anchors->dir, anchors->file, &culprit);
        require_valid(worker, error, anchors->text ? anchors->text : culprit ? culprit : "trust anchors");
        config->trust = &worker->trust;
    }
}

static void load_lists(struct worker *worker, struct trust_source const *lists)
{
    struct tls_config *config = &worker->config;
    char const *culprit = NULL;
    if (!lists->dir && !lists->file) return;
    if (!config->trust) worker_refuse(worker, "revocation lists need trust anchors (ca, CADIR or CAFILE)", NULL);
    require_valid(worker, x509_crls_load(&worker->crls, lists->dir, lists->file, &culprit), lists->text);
    config->crls = &worker->crls;
}

static void load_named_trust(struct worker *worker)
{
    struct name name;
    struct trust_source const anchors = find_source(worker, &name, worker->url.parameters.ca);
    load_trust_sources(worker, worker->url.parameters.pin, &anchors);
}

static void load_named_lists(struct worker *worker)
{
    struct name name;
    struct trust_source const lists = find_source(worker, &name, worker->url.parameters.crl);
    load_lists(worker, &lists);
}

static void load_default_trust(struct worker *worker)
{
    struct trust_source const anchors = { .dir = getenv("CADIR"), .file = getenv("CAFILE") };
    load_trust_sources(worker, getenv("PEERPIN"), &anchors);
}

static void load_default_lists(struct worker *worker)
{
    struct trust_source lists = { .dir = getenv("CRLDIR"), .file = getenv("CRLFILE") };
    lists.text = lists.dir ? lists.dir : lists.file;
    load_lists(worker, &lists);
}

/* ---- certificate and key ---- */

static void load_credential(struct worker *worker, char const *cert, char const *key, char const *certfile,
                            char const *keyfile)
{
    char const *culprit = certfile;
    enum x509_error const error = x509_credential_load(&worker->credential, certfile, keyfile, &culprit);
    require_valid(worker, error, culprit == keyfile ? key : cert);
    worker->config.credential[0] = &worker->credential;
    worker->has_credential = 1;
}

static void load_named_credential(struct worker *worker)
{
    struct url_parameters const *p = &worker->url.parameters;
    struct name names[2];
    char const *certfile = find_file(worker, names, p->cert), *keyfile = find_file(worker, names + 1, p->key);
    load_credential(worker, p->cert, p->key, certfile, keyfile);
}

/* As whoever started us has set it. */
static void load_default_credential(struct worker *worker)
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

/* Who names one of them is not to be surprised by the other: they replace all of the
   environment's, its revocation lists too. */
static int names_trust(struct worker const *worker)
{
    return worker->url.parameters.ca || worker->url.parameters.pin;
}

/* The system's bundle vouches for servers, not for who may be our client. */
static void require_anchors(struct worker const *worker)
{
    int const has_default = getenv("CADIR") || getenv("CAFILE") || getenv("PEERPIN");
    if (!worker->is_client && !names_trust(worker) && !has_default)
        worker_refuse(worker, "clientcert needs ca", NULL);
}

/* With the client's rights only what the client has named. */
void files_load(struct worker *worker)
{
    struct url_parameters const *p = &worker->url.parameters;
    int const trusts = wants_trust(worker), named = trusts && names_trust(worker), lists = trusts && p->crl;
    if (trusts) require_anchors(worker);
    if (trusts && !named) load_default_trust(worker);
    if (trusts && !named && !lists) load_default_lists(worker);
    if (!p->cert && !worker->is_client) load_default_credential(worker);
    if (!named && !lists && !p->cert) return;
    if (!has_key_dir(worker)) rights_assume(worker);
    if (named) load_named_trust(worker);
    if (lists) load_named_lists(worker);
    if (p->cert) load_named_credential(worker);
    if (!has_key_dir(worker)) rights_resume(worker);
}

/* ---- for a worker that asked, and cannot open files any more ---- */

static size_t read_file(struct worker const *worker, char *to, char const *path)
{
    struct name name;
    ssize_t const len = openreadnclose(find_file(worker, &name, path), to, ASK_MAX_FILE);
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
