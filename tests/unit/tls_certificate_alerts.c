/* ISC license. */

/* Which alert answers which fault of a certificate (RFC 8446, 6.2; RFC 5246, 7.2.2), in both
   roles and versions. */

#include <pthread.h>
#include <sys/socket.h>

#include "tls/tls.h"
#include "x509_make_crl.h"

/* loopback.h is for tests that know the layer's inside, of which x509_make.h's is not a part. */
struct end {
    struct tls_config config;
    struct tls_session session;
    struct tls_error error;
    int fd, is_server, done;
};

static struct end client, server_end;

static void *handshake(void *arg)
{
    struct end *end = arg;
    struct tls_fd_transport fds = { .fdr = end->fd, .fdw = end->fd, .deadline = tls_deadline_after(600000) };
    struct tls_transport const transport = tls_transport_on_fds(&fds);
    end->done = (end->is_server ? tls_server_handshake : tls_client_handshake)(&end->config, &transport, &end->session,
                                                                               &end->error);
    shutdown(end->fd, SHUT_WR);
    return NULL;
}

static void both_handshake(void)
{
    int fds[2];
    pthread_t thread;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) give_up("socketpair");
    client.fd = fds[0];
    server_end.fd = fds[1];
    if (pthread_create(&thread, NULL, handshake, &server_end)) give_up("pthread_create");
    handshake(&client);
    pthread_join(thread, NULL);
    close(fds[0]);
    close(fds[1]);
}

static void reset_ends(uint16_t version)
{
    client = (struct end){ .is_server = 0 };
    server_end = (struct end){ .is_server = 1 };
    tls_config_init(&client.config);
    tls_config_init(&server_end.config);
    client.config.min_version = client.config.max_version = version;
}

static struct x509_trust roots;
static struct x509_crls lists;
static struct x509_credential made_credential;

/* As the specification in path says. */
static void make_credential(void)
{
    struct x509_credential *c = &made_credential;
    *c = (struct x509_credential){ .chain = { .count = path_len - 1 } };
    for (size_t i = 0; i < path_len; i++) made[i] = make(&path[i], &path[i + 1 < path_len ? i + 1 : i]);
    for (size_t i = 0; i + 1 < path_len; i++) c->chain.cert[i] = (struct x509_certificate){ made[i].p, made[i].len };
    c->private_key = (struct crypto_private_key){ .type = CRYPTO_EC, .group = CRYPTO_SECP256R1, .scalar_len = 32 };
    c->public_key = (struct crypto_public_key){ .type = CRYPTO_EC, .group = CRYPTO_SECP256R1, .point_len = 65 };
    memcpy(c->private_key.data, key(path[0].key)->private_key, 32);
    memcpy(c->public_key.data, key(path[0].key)->public_key, 65);
}

/* A client that proves itself has a server that the client does not verify. */
static void run(uint16_t version, int of_client, int with_lists, int alert, char const *what)
{
    struct end *const verifier = of_client ? &server_end : &client;
    char text[256];
    check.purpose = of_client ? X509_CLIENT_AUTH : X509_SERVER_AUTH;
    make_credential();
    reset_ends(version);
    if (x509_trust_decode(&roots, made[path_len - 1].p, made[path_len - 1].len)) give_up("the root");
    if (with_lists && load(&lists)) give_up("the lists");
    server_end.config.credential[0] = &made_credential;
    if (of_client) {
        server_end.config.client_auth = TLS_REQUIRE_CLIENT_CERT;
        client.config.credential[0] = &made_credential;
    } else {
        client.config.server_name = "www.example.com";
    }
    verifier->config.trust = &roots;
    verifier->config.crls = with_lists ? &lists : NULL;
    verifier->config.now = check.now;
    both_handshake();
    tls_error_text(&verifier->error, text, sizeof text);
    int const wanted = alert ? !verifier->done && verifier->error.kind == TLS_ERROR_SENT && verifier->error.number == alert
                             : verifier->done;
    ok(wanted && !verifier->error.went_on, "%04x: %s: %s: %s", version, of_client ? "client" : "server", what, text);
    x509_trust_free(&roots);
    if (with_lists) x509_crls_free(&lists);
}

static void answers(int alert, int with_lists, char const *what)
{
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++)
        for (int of_client = 0; of_client < 2; of_client++) run(version, of_client, with_lists, alert, what);
}

static void paths(void)
{
    reset();
    answers(0, 0, "a path of three");
    path[0].signer = 3;
    answers(TLS_BAD_CERTIFICATE, 0, "a wrong signature");
    reset();
    path[0].to = text(DER_UTC_TIME, "230101000000Z");
    answers(TLS_CERTIFICATE_EXPIRED, 0, "expired");
    reset();
    path[0].from = text(DER_UTC_TIME, "240101000000Z");
    answers(TLS_CERTIFICATE_EXPIRED, 0, "not yet valid");
    reset();
    path[0].issuer = name("somebody else");
    answers(TLS_UNKNOWN_CA, 0, "an unknown CA");
    reset();
    add(&path[0], "551d63", 1, RAW("\x30\x00"));
    answers(TLS_UNSUPPORTED_CERTIFICATE, 0, "a critical extension");
    reset();
    add(&path[0], KEY_USAGE, 1, RAW("\x03\x02\x05\x20"));
    answers(TLS_UNSUPPORTED_CERTIFICATE, 0, "a key that must not sign");
    reset();
    add(&path[0], EXT_KEY_USAGE, 0, tlv(DER_SEQUENCE, oid("2b06010505070309")));
    answers(TLS_UNSUPPORTED_CERTIFICATE, 0, "a key for OCSP");
    reset();
    path[1] = plain("CA", 1);
    answers(TLS_UNSUPPORTED_CERTIFICATE, 0, "an issuer that is no CA");
    reset_long(2);
    path[2] = plain("CA 2", 1);
    add(&path[2], BASIC_CONSTRAINTS, 1, RAW("\x30\x06\x01\x01\xff\x02\x01\x00"));
    answers(TLS_UNSUPPORTED_CERTIFICATE, 0, "a path that is too long");
    reset();
    add(&path[0], SUBJECT_KEY, 1, RAW("\x04\x01\xaa"));
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) /* no client gets as far with such a server */
        run(version, 0, 0, TLS_BAD_CERTIFICATE, "a malformed certificate");
}

static void policies(void)
{
    reset();
    add(&path[1], POLICY_CONSTRAINTS, 1, RAW("\x30\x03\x80\x01\x00"));
    answers(TLS_CERTIFICATE_UNKNOWN, 0, "no policy, and one is required");
}

static void revocation(void)
{
    reset_lists();
    answers(0, 1, "not revoked");
    list[0].revoked = entry(5, none());
    answers(TLS_CERTIFICATE_REVOKED, 1, "revoked");
    reset_lists();
    list[0] = list[1];
    list_count = 1;
    answers(TLS_CERTIFICATE_UNKNOWN, 1, "no list of its issuer");
    reset_lists();
    list[0].signer = 3;
    answers(TLS_CERTIFICATE_UNKNOWN, 1, "a list with a wrong signature");
    reset_lists();
    list[0].to = text(DER_UTC_TIME, EARLIER);
    answers(TLS_CERTIFICATE_UNKNOWN, 1, "an old list");
    reset_lists();
    list[0].extensions = extension("551d1b", 1, RAW("\x02\x01\x01"));
    answers(TLS_CERTIFICATE_UNKNOWN, 1, "a delta list");
    reset_lists();
    list[0].extensions = extension("551d1c", 1, RAW("\x30\x00"));
    answers(TLS_CERTIFICATE_UNKNOWN, 1, "an indirect list");
}

int main(void)
{
    paths();
    policies();
    revocation();
    return done_testing();
}
