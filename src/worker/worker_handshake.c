/* ISC license. */

/*
 * The handshake, in the jail, and who makes the records afterwards: the kernel,
 * or this process for the rest of the connection, in the jail too.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/fmtscan.h>

#include "endpoint/endpoint.h"
#include "worker/worker.h"
#include "jail/jail.h"
#include "relay/relay.h"

struct handshake {
    struct worker *worker;
    struct endpoint_connection connection;
    struct tls_session session;
    struct facts facts;
    int client_end;          /* of the relay; -1: there will be none */
    int to_prog, from_prog;  /* our end, in two descriptors */
};

static void prepare_connection(struct handshake *hs)
{
    struct worker const *worker = hs->worker;
    int const for_user_space = worker->url.parameters.path == URL_RELAY;
    endpoint_open(&hs->connection, worker->fd, worker->fd, for_user_space);
    hs->connection.deadline = worker->order->deadline;
    if (worker->url.parameters.path == URL_KERNEL && hs->connection.unattached)
        worker_refuse(worker, "path=kernel: the kernel cannot do TLS on this connection", NULL);
}

static void prepare_relay(struct handshake *hs)
{
    int pair[2];
    if (hs->worker->url.parameters.path == URL_KERNEL) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        worker_refuse_system(hs->worker, "socketpair");
    hs->client_end = pair[0];
    hs->to_prog = pair[1];
    hs->from_prog = dup(pair[1]);
    if (hs->from_prog < 0 || ndelay_on(pair[1]) < 0) worker_refuse_system(hs->worker, "socketpair");
}

/* In jail no descriptor can be passed: the kernel counts those in packets against
   RLIMIT_NOFILE, which is exceeded there. */
static void deposit_connection(struct handshake *hs)
{
    int const fds[] = { hs->worker->fd, hs->client_end };
    if (!ktls_packet_send(hs->worker->channel, "HOLD", 4, fds, hs->client_end < 0 ? 1 : 2))
        worker_refuse_system(hs->worker, "passing the connection");
    if (hs->client_end >= 0) close(hs->client_end);
}

static void enter_worker_jail(struct handshake const *hs)
{
    struct worker const *worker = hs->worker;
    int const kept[] = { 2, worker->channel, worker->fd, worker->deposit,
                         hs->to_prog, hs->from_prog, worker->options->empty_root };
    struct jail jail;
    char const *what;
    worker_jail_describe(&jail, worker->options);
    jail.kept = kept;
    jail.kept_count = sizeof kept / sizeof *kept;
    if (jail_enter(&jail, &what) < 0) worker_refuse_system(worker, what);
}

static _Noreturn void refuse_handshake(struct worker const *worker, struct tls_error const *error,
                                       struct tls_fd_transport const *fds)
{
    char text[256];
    tls_error_text(error, text, sizeof text);
    worker_report(worker, "TLS handshake", worker->failure ? worker->failure : text);
    if (error->kind == TLS_ERROR_SENT) tls_transport_linger(fds);
    _exit(0);
}

static void forget_credentials(struct worker *worker)
{
    if (worker->has_credential) x509_credential_free(&worker->credential);
    worker->has_credential = 0;
    x509_trust_free(&worker->trust);
    x509_crls_free(&worker->crls);
}

static void perform_handshake(struct handshake *hs)
{
    struct worker *worker = hs->worker;
    struct tls_error error = { .kind = TLS_ERROR_NONE };
    struct tls_fd_transport fds = { .fdr = worker->fd, .fdw = worker->fd, .deadline = worker->order->deadline };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    worker->config.ask_tickets = !hs->connection.unattached;
    int const done = worker->is_client
                         ? tls_client_handshake(&worker->config, &transport, &hs->session, &error)
                         : tls_server_handshake(&worker->config, &transport, &hs->session, &error);
    forget_credentials(worker);
    if (!done) refuse_handshake(worker, &error, &fds);
}

static void export_keys(struct handshake *hs)
{
    struct url_parameters const *p = &hs->worker->url.parameters;
    unsigned char exported[URL_MAX_EXPORT];
    char text[2 * URL_MAX_EXPORT + 1];
    if (!p->exporter) return;
    if (!tls_export(&hs->session, p->exporter, NULL, 0, exported, p->exporter_len))
        worker_refuse(hs->worker, "exporter: not for this label, or not in this session", NULL);
    text[ucharn_fmt(text, (char const *)exported, p->exporter_len)] = 0;
    facts_add(&hs->facts, "exporter", text);
    crypto_wipe(exported, sizeof exported);
    crypto_wipe(text, sizeof text);
}

/* ---- the kernel ---- */

static int install_in_kernel(struct handshake *hs)
{
    if (hs->connection.unattached) return 0;
    int const installed = endpoint_install_keys(&hs->connection, &hs->session);
    if (installed >= 0) return installed;
    endpoint_cut(&hs->connection);
    worker_refuse_system(hs->worker, "the kernel took the keys of one direction only");
}

static void take_tickets_off(struct handshake *hs)
{
    struct program_error error;
    if (!hs->worker->is_client || hs->session.version != TLS_1_3) return;
    if (!endpoint_drain_tickets(&hs->connection, hs->session.rtt_ms, &error))
        worker_refuse(hs->worker, error.text, NULL);
}

static _Noreturn void hand_out_socket(struct handshake *hs)
{
    endpoint_settle(&hs->connection);
    take_tickets_off(hs);
    facts_add_session(&hs->facts, &hs->session, "kernel");
    int const answered = worker_answer(hs->worker, "KERNEL", &hs->facts, -1);
    _exit(!answered);
}

/* ---- this process ---- */

static _Noreturn void relay_here(struct handshake *hs)
{
    struct relay_config const config = { .net_read = hs->worker->fd, .net_write = hs->worker->fd,
                                         .to_prog = hs->to_prog, .from_prog = hs->from_prog };
    struct relay_report report;
    struct relay_keys keys;
    relay_keys_of_session(&keys, &hs->session, hs->worker->is_client ? KTLS_CLIENT : KTLS_SERVER);
    facts_add_session(&hs->facts, &hs->session, "user");
    crypto_wipe(&hs->session, sizeof hs->session);
    deadline_end();
    if (!worker_answer(hs->worker, "RELAY", &hs->facts, -1)) _exit(1);
    close(hs->worker->channel);
    relay_start(&config, &keys, &report);
    relay_run();
    _exit(report.code);
}

void handshake_run(struct worker *worker)
{
    struct handshake hs = { .worker = worker, .client_end = -1, .to_prog = -1, .from_prog = -1 };
    if (worker->order->kind != ORDER_ACCEPT) facts_add_remote(&hs.facts, worker->fd);
    prepare_connection(&hs);
    prepare_relay(&hs);
    deposit_connection(&hs);
    ask_prepare(worker);
    enter_worker_jail(&hs);
    perform_handshake(&hs);
    export_keys(&hs);
    if (install_in_kernel(&hs)) hand_out_socket(&hs);
    if (worker->url.parameters.path == URL_KERNEL)
        worker_refuse_system(worker, "path=kernel: the kernel does not take the keys");
    endpoint_settle(&hs.connection);
    relay_here(&hs);
}
