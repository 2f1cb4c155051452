/* ISC license. */

/*
 * ask=sni: the client of the service chooses the certificate that a hello is
 * answered with. It is asked through the service; another worker reads the
 * certificate that it names, since this one can open no files any more.
 */

#include <string.h>
#include <unistd.h>

#include "process/process.h"
#include "worker/worker.h"

/* A ProtocolNameList (RFC 7301, 3.1) as text with commas; a name that contains a comma
   is left out. */
static void list_protocols(char out[256], unsigned char const *alpn, size_t len)
{
    size_t used = 0;
    for (size_t at = 0; at < len; at += 1u + alpn[at]) {
        size_t const size = alpn[at];
        if (used + size + 2 > 256) break;
        if (memchr(alpn + at + 1, ',', size) || memchr(alpn + at + 1, 0, size)) continue;
        if (used) out[used++] = ',';
        memcpy(out + used, alpn + at + 1, size);
        used += size;
    }
    out[used] = 0;
}

static int send_question(struct worker const *worker, struct tls_hello const *hello)
{
    struct facts facts = { .text = "ASK", .len = 3 };
    char protocols[256];
    list_protocols(protocols, hello->alpn, hello->alpn ? hello->alpn_len : 0);
    facts_add(&facts, "sni", hello->server_name);
    facts_add(&facts, "alpn", protocols);
    return ktls_packet_send(worker->channel, facts.text, facts.len, NULL, 0);
}

static int is_sound_deposit(struct ask_deposit const *deposit, size_t len)
{
    size_t const head = offsetof(struct ask_deposit, bytes);
    return len >= head && deposit->cert_len <= ASK_MAX_FILE && deposit->key_len <= ASK_MAX_FILE
           && len == head + deposit->cert_len + deposit->key_len;
}

static char const *decode_deposit(struct worker *worker, struct ask_deposit *deposit)
{
    static char reason[256];
    size_t const len = process_read_until(worker->deposit, deposit, sizeof *deposit, worker->order->deadline);
    if (!is_sound_deposit(deposit, len)) return "the certificate could not be loaded";
    if (!deposit->cert_len) {
        size_t const reason_len = deposit->key_len < sizeof reason ? deposit->key_len : sizeof reason - 1;
        memcpy(reason, deposit->bytes, reason_len);
        return reason;
    }
    if (worker->has_credential) x509_credential_free(&worker->credential);
    worker->has_credential = 0;
    enum x509_error const error =
        x509_credential_decode(&worker->credential, deposit->bytes, deposit->cert_len,
                               deposit->bytes + deposit->cert_len, deposit->key_len);
    if (error) return x509_strerror(error);
    worker->has_credential = 1;
    return NULL;
}

static char const *load_deposit(struct worker *worker)
{
    static struct ask_deposit deposit;
    char const *why = decode_deposit(worker, &deposit);
    crypto_wipe(&deposit, sizeof deposit);
    return why;
}

static int is_client_answer(struct packet const *packet, char const *word)
{
    return packet->len == strlen(word) && !memcmp(packet->bytes, word, packet->len);
}

static int fail_choice(struct worker *worker, char const *why)
{
    worker->failure = why;
    return -1;
}

static int choose_credential(void *ctx, struct tls_hello const *hello, struct x509_credential const *chosen[2])
{
    struct worker *worker = ctx;
    struct packet packet;
    if (!send_question(worker, hello)) return fail_choice(worker, "the question could not be asked");
    if (!process_await(worker->channel, worker->order->deadline))
        return fail_choice(worker, "timed out waiting for an answer");
    if (packet_receive(worker->channel, &packet) <= 0) return fail_choice(worker, "nobody answers any more");
    if (is_client_answer(&packet, "no")) return 0;
    if (is_client_answer(&packet, "load")) worker->failure = load_deposit(worker);
    if (worker->failure) return -1;
    if (!worker->has_credential) return fail_choice(worker, "neither the URL nor the answer has cert and key");
    chosen[0] = &worker->credential;
    return 1;
}

void ask_prepare(struct worker *worker)
{
    int pair[2];
    if (worker->is_client || !worker->url.parameters.ask_sni) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        worker_refuse_system(worker, "socketpair");
    worker->deposit = pair[0];
    if (!ktls_packet_send(worker->channel, "DEPOSIT", 7, pair + 1, 1))
        worker_refuse_system(worker, "passing a socket");
    close(pair[1]);
    worker->config.choose = (struct tls_choose){ .function = &choose_credential, .ctx = worker };
}
