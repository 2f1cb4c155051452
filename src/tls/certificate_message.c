/* ISC license. */

/* Certificate and CertificateVerify (RFC 8446, 4.4.2 and 4.4.3; RFC 5246,
   7.4.2, 7.4.6 and 7.4.8), and signatures in handshake messages. */

#include <string.h>
#include <time.h>

#include "tls/handshake.h"

int tls_write_certificate(struct handshake *hs)
{
    struct writer *w = tls_begin_message(hs, TLS_CERTIFICATE);
    if (hs->version == TLS_1_3) tls_write8(w, 0); /* certificate_request_context */
    size_t const list = tls_open_vector(w, 3);
    for (size_t i = 0; hs->credential && i < hs->credential->chain.count; i++) {
        struct x509_certificate const *cert = hs->credential->chain.cert + i;
        size_t const mark = tls_open_vector(w, 3);
        tls_write_bytes(w, cert->der, cert->len);
        tls_close_vector(w, mark, 3);
        if (hs->version == TLS_1_3) tls_write16(w, 0); /* no extensions */
    }
    tls_close_vector(w, list, 3);
    return tls_end_message(hs);
}

/* RFC 8446, 6.2. */
static enum tls_alert alert_for(enum x509_error error)
{
    switch (error) {
    case X509_UNSUPPORTED:
    case X509_ED25519:
    case X509_WEAK_KEY:
    case X509_CRITICAL_EXTENSION:
    case X509_WRONG_KEY_USAGE:
    case X509_WRONG_PURPOSE:
    case X509_NOT_CA:
    case X509_PATH_LENGTH: return TLS_UNSUPPORTED_CERTIFICATE;
    case X509_EXPIRED:
    case X509_NOT_YET_VALID: return TLS_CERTIFICATE_EXPIRED;
    case X509_UNKNOWN_CA: return TLS_UNKNOWN_CA;
    case X509_REVOKED: return TLS_CERTIFICATE_REVOKED;
    case X509_POLICY:
    case X509_NO_CRL:
    case X509_BAD_CRL:
    case X509_OLD_CRL:
    case X509_DELTA_CRL:
    case X509_INDIRECT_CRL: return TLS_CERTIFICATE_UNKNOWN;
    default: return TLS_BAD_CERTIFICATE;
    }
}

static int is_verified(struct tls_config const *config)
{
    return config->trust || config->pins;
}

static enum x509_error check_chain(struct handshake *hs, struct x509_chain const *chain, char *culprit)
{
    struct tls_config const *config = hs->config;
    if (!is_verified(config)) return x509_public_key(chain->cert, &hs->peer_key);
    struct x509_check const check = {
        .trust = config->trust,
        .pins = config->pins,
        .crls = config->crls,
        .purpose = hs->is_server ? X509_CLIENT_AUTH : X509_SERVER_AUTH,
        .name = hs->is_server ? NULL : config->server_name,
        .now = config->now ? config->now : time(NULL),
    };
    return x509_verify(chain, &check, &hs->peer_key, culprit);
}

static int ask_application(struct handshake *hs, struct x509_chain const *chain)
{
    struct tls_verify const *verify = &hs->config->verify;
    int const alert = verify->function ? verify->function(verify->ctx, chain) : 0;
    return !alert || tls_fail(hs, (enum tls_alert)alert, "the application refuses the certificate");
}

static int verify_chain(struct handshake *hs, struct x509_chain const *chain)
{
    char culprit[X509_MAX_CULPRIT] = "";
    enum x509_error const error = check_chain(hs, chain, culprit);
    if (!error) return ask_application(hs, chain);
    tls_fail(hs, alert_for(error), x509_strerror(error));
    memcpy(hs->error->certificate, culprit, sizeof culprit);
    return 0;
}

static void note_chain(struct tls_session *session, struct x509_chain const *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        size_t const len = chain->cert[i].len;
        if (len > sizeof session->peer_chain - session->peer_chain_len) return;
        memcpy(session->peer_chain + session->peer_chain_len, chain->cert[i].der, len);
        session->peer_chain_len += (uint32_t)len;
    }
}

/* Sets no peer_present yet: the peer has not proven possession of its private key. */
static void note_peer(struct handshake *hs, struct x509_chain const *chain)
{
    struct x509_certificate const *cert = chain->cert;
    note_chain(hs->session, chain);
    crypto_hash(CRYPTO_SHA256, cert->der, cert->len, hs->session->peer_hash);
    x509_subject(cert, hs->session->peer_subject, sizeof hs->session->peer_subject);
    x509_alt_names(cert, hs->session->peer_alt_names, sizeof hs->session->peer_alt_names);
}

static int read_entry(struct handshake *hs, struct reader *list, struct x509_chain *chain)
{
    struct span const der = tls_read_vector24(list);
    struct span const block = hs->version == TLS_1_3 ? tls_read_vector16(list) : (struct span){ 0 };
    struct extensions x;
    if (list->bad || !der.len) return tls_fail(hs, TLS_DECODE_ERROR, "malformed Certificate");
    if (block.len && !tls_parse_answer(hs, block, 0, &x)) return 0;
    /* x509_verify never follows a longer chain, so the remaining certificates are not needed. */
    if (chain->count < X509_MAX_CERTIFICATES)
        chain->cert[chain->count++] = (struct x509_certificate){ der.p, der.len };
    return 1;
}

static int no_certificate(struct handshake *hs)
{
    if (!hs->is_server) return tls_fail(hs, TLS_DECODE_ERROR, "the server sent no certificate");
    if (hs->config->client_auth != TLS_REQUIRE_CLIENT_CERT) return 1;
    return tls_fail(hs, hs->version == TLS_1_3 ? TLS_CERTIFICATE_REQUIRED : TLS_HANDSHAKE_FAILURE,
                "the client sent no certificate");
}

int tls_take_certificate(struct handshake *hs, struct message const *m, int *empty)
{
    if (m->type != TLS_CERTIFICATE) return tls_fail(hs, TLS_UNEXPECTED_MESSAGE, "Certificate expected");
    struct reader r = tls_reader_on(m->body);
    struct x509_chain chain = { .count = 0 };

    struct span const context = hs->version == TLS_1_3 ? tls_read_vector8(&r) : (struct span){ 0 };
    struct reader list = tls_reader_on(tls_read_vector24(&r));
    if (!tls_read_to_end(&r)) return tls_fail(hs, TLS_DECODE_ERROR, "malformed Certificate");
    if (context.len) return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "certificate_request_context");
    while (list.left)
        if (!read_entry(hs, &list, &chain)) return 0;
    *empty = !chain.count;
    if (*empty ? !no_certificate(hs) : !verify_chain(hs, &chain)) return 0;
    if (!*empty) note_peer(hs, &chain);
    tls_add_to_transcript(hs, m);
    return 1;
}

int tls_read_signature(struct handshake *hs, struct reader *r, struct crypto_scheme const **scheme,
                   struct span *signature)
{
    unsigned int const id = tls_read16(r);
    *signature = tls_read_vector16(r);
    if (!tls_read_to_end(r)) return tls_fail(hs, TLS_DECODE_ERROR, "malformed signature");
    *scheme = crypto_scheme_by_id((uint16_t)id);
    if (*scheme && tls_has_scheme(hs, id) && crypto_scheme_fits(*scheme, &hs->peer_key, hs->version)) return 1;
    return tls_fail(hs, TLS_ILLEGAL_PARAMETER, "unsuitable signature scheme");
}

int tls_check_signature(struct handshake *hs, struct crypto_scheme const *scheme, unsigned char const *digest,
                    struct span signature)
{
    if (!crypto_verify(&hs->peer_key, scheme, digest, signature.p, signature.len))
        return tls_fail(hs, TLS_DECRYPT_ERROR, "bad signature");
    hs->session->peer_present = 1;
    hs->session->peer_verified = is_verified(hs->config) != 0;
    *(hs->is_server ? &hs->session->client_scheme : &hs->session->server_scheme) = scheme->id;
    return 1;
}

int tls_write_signature(struct handshake *hs, struct writer *w, unsigned char const *digest)
{
    unsigned char signature[CRYPTO_MAX_SIGNATURE];
    struct x509_credential const *own = hs->credential;
    size_t const len = crypto_sign(&own->private_key, &own->public_key, hs->scheme, digest, &hs->config->random,
                                   signature);
    if (!len) return tls_fail(hs, TLS_INTERNAL_ERROR, "cannot sign with our key");
    *(hs->is_server ? &hs->session->server_scheme : &hs->session->client_scheme) = hs->scheme->id;
    tls_write16(w, hs->scheme->id);
    size_t const mark = tls_open_vector(w, 2);
    tls_write_bytes(w, signature, len);
    tls_close_vector(w, mark, 2);
    return 1;
}

/* The hash of the content that CertificateVerify signs: in 1.2 the handshake messages,
   in 1.3 a context string that no other protocol uses and the transcript hash. */
static void proof_digest(struct handshake *hs, int of_server, enum crypto_hash hash, unsigned char *digest)
{
    static char const context[2][34] = { "TLS 1.3, client CertificateVerify", "TLS 1.3, server CertificateVerify" };
    unsigned char content[64 + sizeof *context + CRYPTO_MAX_HASH];

    if (hs->version == TLS_1_2) {
        crypto_transcript_hash(&hs->transcript, hash, digest);
        return;
    }
    memset(content, ' ', 64);
    memcpy(content + 64, context[of_server], sizeof *context);
    size_t const size = crypto_transcript_hash(&hs->transcript, hs->suite->hash, content + 64 + sizeof *context);
    crypto_hash(hash, content, 64 + sizeof *context + size, digest);
}

int tls_write_certificate_verify(struct handshake *hs)
{
    unsigned char digest[CRYPTO_MAX_HASH];
    proof_digest(hs, hs->is_server, hs->scheme->hash, digest);
    return tls_write_signature(hs, tls_begin_message(hs, TLS_CERTIFICATE_VERIFY), digest) && tls_end_message(hs);
}

int tls_take_certificate_verify(struct handshake *hs, struct message const *m)
{
    struct reader r = tls_reader_on(m->body);
    struct crypto_scheme const *scheme;
    struct span signature;
    unsigned char digest[CRYPTO_MAX_HASH];

    if (!tls_read_signature(hs, &r, &scheme, &signature)) return 0;
    proof_digest(hs, !hs->is_server, scheme->hash, digest);
    if (!tls_check_signature(hs, scheme, digest, signature)) return 0;
    tls_add_to_transcript(hs, m);
    return 1;
}

int tls_read_certificate_verify(struct handshake *hs)
{
    struct message m;
    return tls_expect_message(hs, TLS_CERTIFICATE_VERIFY, &m) && tls_take_certificate_verify(hs, &m);
}
