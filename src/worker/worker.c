/* ISC license. */

#include "worker/worker.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

static char alpn[1024];

/* Without an answer the service could not say why this worker ended. */
static void fill_or_refuse(void *ctx, void *to, size_t len)
{
    for (size_t filled = 0; filled < len;) {
        ssize_t const r = getrandom((char *)to + filled, len - filled, 0);
        if (r < 0 && errno != EINTR) worker_refuse_system(ctx, "getrandom");
        if (r > 0) filled += (size_t)r;
    }
}

static void configure_tls(struct worker *worker)
{
    struct url_parameters const *p = &worker->url.parameters;
    struct tls_config *config = &worker->config;
    tls_config_init(config);
    config->random = (struct crypto_random){ .fill = &fill_or_refuse, .ctx = worker };
    if (p->version) config->min_version = config->max_version = (uint16_t)p->version;
    if (p->ciphers && !tls_parse_suites(config, p->ciphers))
        worker_refuse(worker, "ciphers: unknown suite", p->ciphers);
    if (!tls_config_enables(config, TLS_1_2) && !tls_config_enables(config, TLS_1_3))
        worker_refuse(worker, "ciphers: no suite of that version", NULL);
    if (p->alpn) {
        config->alpn_len = tls_parse_alpn((unsigned char *)alpn, sizeof alpn, p->alpn);
        config->alpn = (unsigned char *)alpn;
        if (!config->alpn_len) worker_refuse(worker, "alpn: not a list of protocols", p->alpn);
    }
    config->client_auth = worker->is_client ? TLS_NO_CLIENT_CERT : (enum tls_client_auth)p->client_auth;
}

/* The name that the server has to prove. */
static void name_server(struct worker *worker)
{
    static char name[X509_MAX_NAME + 1];
    struct url const *url = &worker->url;
    if (!worker->is_client) return;
    char const *const given = url->parameters.sni ? url->parameters.sni
                              : url->target == URL_HOST ? url->where : NULL;
    if (given && !x509_reference_name(name, given)) worker->config.server_name = name;
    if (!worker->config.server_name && url->parameters.verify)
        worker_refuse(worker, "the server's name is missing: sni, or verify=0", NULL);
}

static void prepare_tls(struct worker *worker)
{
    if (worker->url.scheme != URL_TLS) return;
    configure_tls(worker);
    name_server(worker);
    files_load(worker);
}

static _Noreturn void hand_out_unprotected(struct worker *worker)
{
    struct facts facts = { .len = 0 };
    if (worker->order->kind == ORDER_CONNECT) facts_add_remote(&facts, worker->fd);
    int const answered = worker_answer(worker, "OK", &facts, worker->fd);
    _exit(!answered);
}

static _Noreturn void finish_order(struct worker *worker)
{
    if (worker->url.scheme == URL_TLS) handshake_run(worker);
    hand_out_unprotected(worker);
}

static _Noreturn void run_connect(struct worker *worker)
{
    struct dial dial;
    int const is_path = worker->url.target == URL_PATH;
    worker_find_addresses(worker, &dial);
    prepare_tls(worker);
    if (is_path) rights_assume(worker);
    worker->fd = worker_connect(worker, &dial);
    if (is_path) rights_resume(worker);
    if (ndelay_off(worker->fd) < 0) worker_refuse_system(worker, "connecting");
    finish_order(worker);
}

/* The files are read now so that errors are found at once; they are read again for
   each connection. */
static _Noreturn void run_listen(struct worker *worker)
{
    struct dial dial;
    prepare_tls(worker);
    if (worker->fd < 0) {
        worker_find_addresses(worker, &dial);
        rights_assume(worker);
        worker->fd = listen_at(worker, &dial);
        rights_resume(worker);
    }
    hand_out_unprotected(worker);
}

void worker_run(struct master_options const *options, struct order const *order, int channel, int fd)
{
    static struct worker worker;
    worker = (struct worker){ .options = options, .order = order, .channel = channel, .fd = fd,
                              .deposit = -1 };
    deadline_begin(order->deadline, order->kind == ORDER_LOAD ? -1 : channel);
    char const *why = order->kind == ORDER_LOAD ? url_parse_parameters(&worker.url, order->url)
                                                : url_parse(&worker.url, order->url);
    if (why) worker_refuse(&worker, why, NULL);
    worker.is_client = order->kind == ORDER_CONNECT || worker.url.target == URL_CLIENT;
    switch (order->kind) {
    case ORDER_CONNECT: run_connect(&worker);
    case ORDER_LISTEN: run_listen(&worker);
    case ORDER_LOAD: files_deposit(&worker);
    case ORDER_ACCEPT:
    case ORDER_UPGRADE: prepare_tls(&worker);
    }
    finish_order(&worker);
}
